"""From properties to leads: signals, contacts, cleared lists.

Here: the use cases that read and write the lake for a set of ZIPs and a day. Not here: how a score, a
clearance or a vendor call is made (`scoring`, `compliance`, `providers`).
"""
