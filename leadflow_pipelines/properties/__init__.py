"""Properties: canonical addresses, source rows as records, one row per real property.

Here: pure functions over frames. Not here: reading sources (`county_files`, `providers`) or storing tables (`lake`).
"""

from leadflow_pipelines.properties.addresses import ADDRESS_COLUMNS, normalize_addresses, one_line, street_line
from leadflow_pipelines.properties.infer_place import infer_place
from leadflow_pipelines.properties.locate import find_place_of_unlocated, locate_records
from leadflow_pipelines.properties.parcels import parcel_key
from leadflow_pipelines.properties.records import CONTENT_COLUMNS, build_records
from leadflow_pipelines.properties.resolve import PREVIOUS_COLUMNS, Resolution, resolve_properties
from leadflow_pipelines.properties.survivorship import VENDOR_RANKS, best_values

__all__ = [
    "ADDRESS_COLUMNS",
    "CONTENT_COLUMNS",
    "PREVIOUS_COLUMNS",
    "VENDOR_RANKS",
    "Resolution",
    "best_values",
    "build_records",
    "find_place_of_unlocated",
    "infer_place",
    "locate_records",
    "normalize_addresses",
    "one_line",
    "parcel_key",
    "resolve_properties",
    "street_line",
]
