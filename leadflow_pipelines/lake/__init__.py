"""The lake: an org's Delta tables and raw pulls, on a local path or S3.

Here: reading, atomic writing, layout. Not here: what the rows mean (`contracts`) or how they are made.
"""

from leadflow_pipelines.lake.lake import Lake, open_lake
from leadflow_pipelines.lake.versions import apply_versions, holds_on
from leadflow_pipelines.lake.zip_day_tables import Stored, store_zips

__all__ = ["Lake", "Stored", "apply_versions", "holds_on", "open_lake", "store_zips"]
