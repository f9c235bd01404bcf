"""Money: what a call may cost, what a day may cost, what was spent.

Here: the price book, budgets with reservations, the ledger, plans and reports. Not here: making a call
(`providers`).
"""
