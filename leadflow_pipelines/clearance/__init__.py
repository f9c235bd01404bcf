"""What a clearance rests on and what it leaves behind: the stores of rules, consents, suppressions, do-not-call lists
and lookups, and the chain of proof.

Here: reading and writing them for one org. Not here: the decision itself (`compliance`, pure), sending (`outreach`).
"""
