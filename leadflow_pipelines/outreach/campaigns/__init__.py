"""Campaigns: what is said, to whom, in which steps, and who answered for it; the outbox they fill."""
