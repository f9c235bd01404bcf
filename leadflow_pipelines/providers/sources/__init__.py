"""Sources outside, one module per vendor: how to ask it, what it bills, how to read its answer into source rows.

What several of them share stands beside them: pages of a listing (`pages`), typed rows (`typed_rows`), secrets that
travel in a query (`secret_query`). Not here: paying, retrying, caching (`guard`).
"""
