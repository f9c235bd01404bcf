"""What became of leads: noted singly or from a file, withdrawn, listed, and read back as labels.

Here: that, in Postgres, with the lake asked which properties there are. Not here: what replies mean
(`compliance.read_reply`), results of calls (`outreach.by_hand`), counts for BI (`marts`).
"""
