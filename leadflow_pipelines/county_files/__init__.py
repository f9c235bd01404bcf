"""County files of any layout: read, mapped, imported. Here: the public names of the slice."""

from leadflow_pipelines.county_files.apply_mapping import MappedRows, apply_mapping
from leadflow_pipelines.county_files.county_file import CountyFile, read_county_file
from leadflow_pipelines.county_files.import_county_file import ImportResult, import_county_file
from leadflow_pipelines.county_files.propose_mapping import Proposal, propose_mapping
from leadflow_pipelines.source_rows.map_columns import ValueWarning
from leadflow_pipelines.source_rows.mapping import ColumnRule, Mapping, load_mapping, parse_mapping
from leadflow_pipelines.source_rows.targets import SOURCE_ROWS_SCHEMA, TARGETS

__all__ = [
    "SOURCE_ROWS_SCHEMA",
    "TARGETS",
    "ColumnRule",
    "CountyFile",
    "ImportResult",
    "MappedRows",
    "Mapping",
    "Proposal",
    "ValueWarning",
    "apply_mapping",
    "import_county_file",
    "load_mapping",
    "parse_mapping",
    "propose_mapping",
    "read_county_file",
]
