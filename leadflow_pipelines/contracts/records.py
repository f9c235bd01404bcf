"""Contracts of what sources say: raw pulls, normalised records, rejected rows."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

RAW_PULLS = Contract(
    name="raw_pulls",
    text="Exactly what a source returned, one row per returned item, immutable.",
    columns={
        "source": shared.SOURCE,
        "zip": shared.ZIP,
        "day": shared.DAY,
        "fingerprint": column(pl.String, "Request fingerprint: provider, endpoint, parameters, day.", required=True),
        "item_number": column(pl.Int64, "Position of the item in the answer, from 0.", required=True),
        "item_key": column(pl.String, "The vendor's id of the item, or our request id."),
        "payload": column(pl.String, "The item as the source wrote it, JSON.", required=True),
        "fetched_at": shared.FETCHED_AT,
        "cost_cents": shared.COST_CENTS,
    },
    key=("fingerprint", "item_number"),
    personal=("payload",),
    volatile=("fetched_at",),
)

PROPERTY_RECORDS = Contract(
    name="property_records",
    text="Every source in one shape: one row per source row, canonical address, nothing merged yet.",
    columns={
        "record_id": shared.RECORD_ID,
        "source": shared.SOURCE,
        "source_record_id": column(pl.String, "The source's own id of the row, if it has one."),
        "pull_id": column(pl.String, "Fingerprint of the pull, or SHA-256 of the county file.", required=True),
        "row_number": column(pl.Int64, "Row in the file, or item in the pull, from 1.", pa.Check.ge(1)),
        "zip": shared.ZIP,
        "day": shared.DAY,
        "observed_at": shared.OBSERVED_AT,
        "address_raw": column(pl.String, "The address as the source writes it."),
        **shared.ADDRESS_PARTS,
        "address_key": shared.ADDRESS_KEY,
        "key_version": shared.KEY_VERSION,
        "parse_status": column(pl.String, "How well the address was understood: ok, partial, unparsed, ..."),
        "located_by": column(
            pl.String,
            "What placed the record in its ZIP: record, parcel, address, city or nothing.",
            pa.Check.isin(["record", "parcel", "address", "city", "nothing"]),
            required=True,
        ),
        **shared.PARCEL,
        **shared.OWNER,
        "is_owner_occupied": column(pl.Boolean, "The source's own word on occupancy; null where it is silent."),
        "is_vacant": column(pl.Boolean, "The source says that the building or lot stands vacant."),
        **shared.BUILDING,
        **shared.VALUE,
        "neighborhood": shared.NEIGHBORHOOD,
        **shared.PLACE,
        "list_codes": shared.LIST_CODES,
        "cost_cents": shared.COST_CENTS,
    },
    key=("record_id",),
    personal=("owner_name", "mailing_street", "address_raw"),
    volatile=("observed_at",),
)

REJECTED_RECORDS = Contract(
    name="rejected_records",
    text="Source rows that could not become a record, each with where and why.",
    columns={
        "rejection_id": column(pl.String, "Hash of source, pull and row number.", required=True),
        "source": shared.SOURCE,
        "pull_id": column(pl.String, "Fingerprint of the pull, or SHA-256 of the county file.", required=True),
        "file_name": column(pl.String, "Name of the county file; null for a provider's pull."),
        "row_number": column(pl.Int64, "Row in the file, or item in the pull, from 1.", required=True),
        "zip": shared.ZIP,
        "day": shared.DAY,
        "column": column(pl.String, "Column at fault, as the source names it."),
        "reason_code": column(pl.String, "Kind of fault, e.g. no_identity, bad_date.", required=True),
        "reason": column(pl.String, "What was wrong and what would mend it.", required=True),
        "raw_row": column(pl.String, "The row as read, JSON."),
        "rejected_at": column(UTC_INSTANT, "Instant of the rejection.", required=True),
    },
    key=("rejection_id",),
    personal=("raw_row",),
    volatile=("rejected_at",),
)
