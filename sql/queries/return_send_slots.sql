-- Gives back what a slot let through and was not sent: the next ones may go earlier.
update leadflow.send_slots as slots
set next_at = slots.next_at - :unsent * interval '1 second' / :per_second
where slots.org_id = :org_id and slots.slot = :slot
