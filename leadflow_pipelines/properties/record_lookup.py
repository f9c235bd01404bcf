"""Records as a person reads and names them: by the beginning of an id, on one line.

Here: finding what an operator means and what a record says. Not here: which records are alike (`resolve`).
"""

from collections.abc import Collection

import polars as pl

from leadflow_pipelines.contracts import PROPERTY_RECORDS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.addresses import one_line

SHOWN_COLUMNS = ("record_id", "zip", "source", "address", "parcel_number", "owner_name", "observed_at")
"""What tells an analyst two records apart."""
SHORT_ID = 12
"""Letters of an id that are shown; any beginning that names one record alone is understood."""
SHORTEST_ID = 4


def find_record(lake: Lake, text: str) -> str:
    """The record_id that begins with this text. Raises InvalidInput where none does, or several do."""
    wanted = text.strip().lower()
    if len(wanted) < SHORTEST_ID:
        raise InvalidInput(f"{text!r} is too short for a record id.", remedy=f"Give at least {SHORTEST_ID} letters.")
    found = lake.read(PROPERTY_RECORDS, where=pl.col("record_id").str.starts_with(wanted), columns=["record_id"])
    names = sorted(found["record_id"].unique())
    if not names:
        raise InvalidInput(
            f"No record has an id that begins with {text!r}.",
            remedy="Ids are in `leadflow review` and `leadflow explain merge PROPERTY_ID`.",
        )
    if len(names) > 1:
        raise InvalidInput(f"{len(names)} records have ids that begin with {text!r}.", remedy="Give more of the id.")
    return str(names[0])


def describe_records(lake: Lake, record_ids: Collection[str]) -> pl.DataFrame:
    """SHOWN_COLUMNS of these records, each once as it was first stored, sorted by record_id."""
    parts = ["house_number", "pre_directional", "street_name", "suffix", "post_directional", "unit_type"]
    parts += ["unit_number", "city", "state", "zip5", "zip4", "address_raw", "day"]
    columns = [*(name for name in SHOWN_COLUMNS if name != "address"), *parts]
    rows = lake.read(PROPERTY_RECORDS, where=pl.col("record_id").is_in(sorted(record_ids)), columns=columns)
    return (
        rows.sort("record_id", "day")
        .unique("record_id", keep="first", maintain_order=True)
        .with_columns(address=pl.coalesce(one_line(), "address_raw"))
        .select(SHOWN_COLUMNS)
    )
