"""A source's own columns as source rows: what a column can mean, how it is read, what a row looks like.

Here: text in, typed columns out, for county files and open data alike. Not here: where the text comes from.
"""
