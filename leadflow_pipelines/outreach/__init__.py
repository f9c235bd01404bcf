"""Outreach: campaigns, their messages and what comes back. Whom one may contact is decided in `compliance`."""
