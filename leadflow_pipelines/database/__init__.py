"""Postgres: the tables, sessions with tenant scope, migrations and the embedded server.

What the rows mean belongs to the slices that write them.
"""
