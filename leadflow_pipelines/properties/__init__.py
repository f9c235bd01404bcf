"""Properties: canonical addresses, source rows as records, one row per real property.

Here: pure functions over frames. Not here: reading sources (`county_files`, `providers`) or storing tables (`lake`).
"""

from leadflow_pipelines.properties.addresses import normalize_addresses

__all__ = ["normalize_addresses"]
