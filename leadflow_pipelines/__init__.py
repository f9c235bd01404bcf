"""LeadFlow: property records into outreach lists a team may lawfully contact."""
