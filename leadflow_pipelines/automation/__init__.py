"""What starts runs: jobs, the daily schedule, sensors. Paid assets start by schedule or by hand only."""
