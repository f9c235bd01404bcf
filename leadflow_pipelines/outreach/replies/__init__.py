"""What people answer: replies, links they follow, one-click unsubscribes.

Here: what is done about it. Not here: what a text means (`compliance.read_reply`), the addresses on which it arrives
(`gateway`), what messengers tell about our own messages (`dispatch.fates`).
"""
