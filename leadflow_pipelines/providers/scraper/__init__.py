"""County pages that have no API, read with a real browser as a YAML recipe says.

Here: recipes, robots.txt, one polite page after another, and stopping where a site says no. Not here: what the
rows mean for a property (`source_rows`, `properties`). How to write a recipe: docs/scraping.md.
"""
