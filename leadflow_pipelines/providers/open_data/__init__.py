"""Free county open data: three platforms, and a YAML file for each county that says what its table holds.

Here: asking a platform, and a table's own columns as source rows. Not here: which ZIPs are worked (`assets`), what the
rows mean for a property. A new county is a new file in `counties`, or in the folder LEADFLOW_COUNTY_SOURCES names;
`leadflow source test NAME` proves it.
"""
