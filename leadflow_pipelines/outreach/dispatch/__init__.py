"""Dispatch: from an intent in the outbox to its fate. Claim, decide anew, commit, send once, settle, reconcile."""
