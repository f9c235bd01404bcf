"""Owners: the names on a roll as persons, couples, trusts, companies and public bodies.

Here: one name as written. Not here: which parcels one owner holds (`link_owners`), where the owner lives (`absentee`).
"""

from leadflow_pipelines.properties.owners.parse import parse_owners, parse_owners_by_source
from leadflow_pipelines.properties.owners.words import legal_forms

__all__ = ["legal_forms", "parse_owners", "parse_owners_by_source"]
