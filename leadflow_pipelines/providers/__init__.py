"""Sources of data outside: the guard every paid or remote call passes, and one module per source.

Here: asking, paying, reading answers into rows. Not here: what the rows mean for a property or a lead.
"""

PROVIDER_NAMES = (
    "attom", "batchdata", "rentcast", "regrid", "zillow", "datatree", "census", "google", "dncscrub",
    "realphonevalidation", "llm",
)  # fmt: skip
"""Every provider there is a module for, by the name that budgets, prices and the ledger use."""
