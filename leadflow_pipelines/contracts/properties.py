"""Contracts of the property table and of the links that made it."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

PROVENANCE = pl.List(pl.Struct({"field": pl.String, "source": pl.String, "observed_at": UTC_INSTANT}))

PROPERTIES = Contract(
    name="properties",
    text="One row per real property and version: the best value of each field, and which source gave it.",
    columns={
        "property_id": shared.PROPERTY_ID,
        "zip": shared.ZIP,
        "valid_from": column(pl.Date, "First day on which this version holds.", required=True),
        "valid_to": column(pl.Date, "First day on which it no longer holds; null for the current version."),
        "address": column(pl.String, "Situs address on one line."),
        **shared.ADDRESS_PARTS,
        "address_key": shared.ADDRESS_KEY,
        **shared.PARCEL,
        **shared.OWNER,
        "owner_source": column(pl.String, "Source that named the owner: each orders surname and given names its way."),
        "is_owner_occupied": column(pl.Boolean, "A source's own word on occupancy; null where all are silent."),
        "is_vacant": column(pl.Boolean, "A source says that the property stands vacant."),
        **shared.BUILDING,
        **shared.VALUE,
        "neighborhood": shared.NEIGHBORHOOD,
        **shared.PLACE,
        "list_codes": shared.LIST_CODES,
        "sources": column(pl.List(pl.String), "Sources that know the property, sorted.", required=True),
        "record_count": column(pl.Int64, "Records linked to it.", pa.Check.ge(1), required=True),
        "cost_cents": shared.COST_CENTS,
        "provenance": column(PROVENANCE, "Per field: the source that gave the value, and when.", required=True),
        "conflicts": column(
            pl.List(pl.String),
            "Fields on which the sources' newest words contradict each other, sorted; empty where none do.",
            required=True,
        ),
        "content_hash": column(
            pl.String, "Hash of everything but days and instants; unchanged: no new version.", required=True
        ),
    },
    key=("property_id", "valid_from"),
    partition_by=("zip_prefix",),
    personal=("owner_name", "mailing_street", "address"),
    volatile=("provenance",),
)

PROPERTY_LINKS = Contract(
    name="property_links",
    text="Which record belongs to which property, by which evidence. Merges are recorded, never renumbered.",
    columns={
        "record_id": shared.RECORD_ID,
        "property_id": shared.PROPERTY_ID,
        "zip": shared.ZIP,
        "matched_by": column(
            pl.String,
            "Rule that linked it: first, address, parcel, address+parcel, similar, decision or merge.",
            required=True,
        ),
        "score": column(
            pl.Float64, "Certainty of the link, 1 for an exact key.", pa.Check.in_range(0, 1), required=True
        ),
        "evidence": column(pl.String, "The key or weights that made the link."),
        "previous_property_id": column(pl.String, "The id the record had before a merge."),
        "linked_on": column(pl.Date, "Day of the run that made the link.", required=True),
    },
    key=("record_id",),
    partition_by=("zip_prefix",),
)

PROPERTY_MATCHES = Contract(
    name="property_matches",
    text="Pairs of addresses that were compared and are alike: joined, refused or doubtful, and why.",
    columns={
        "left_record_id": column(
            pl.String, "A record of the one address: the smallest record_id that has it.", required=True
        ),
        "right_record_id": column(pl.String, "A record of the other address, likewise.", required=True),
        "zip": shared.ZIP,
        "right_zip": column(
            pl.String,
            "ZIP partition of the right record; differs from zip where a ZIP is in doubt.",
            shared.ZIP_OR_UNLOCATED,
            required=True,
        ),
        "probability": column(
            pl.Float64, "How likely both are one property, by the match model.", pa.Check.in_range(0, 1), required=True
        ),
        "verdict": column(
            pl.String,
            "joined: one property. refused: contradicts a match at least as likely. doubtful: for a person.",
            pa.Check.isin(["joined", "refused", "doubtful"]),
            required=True,
        ),
        "evidence": column(pl.String, "What agrees and what differs, in words."),
        "judged_on": column(pl.Date, "Day of the run that first judged so.", required=True),
    },
    key=("left_record_id", "right_record_id"),
    partition_by=("zip_prefix",),
)

ADDRESS_KEY_CHANGES = Contract(
    name="address_key_changes",
    text="The map from address keys of earlier versions to the keys that stand now, per ZIP.",
    columns={
        "zip": shared.ZIP,
        "old_key": column(pl.String, "The key before; null where nothing identified the address."),
        "new_key": column(pl.String, "The key since; null where nothing identifies it any more."),
        "key_version": shared.KEY_VERSION,
        "changed_on": column(pl.Date, "Day on which the records got the new key.", required=True),
        "settled_on": column(pl.Date, "Day on which the ZIP's properties were resolved by it; null: not yet."),
    },
    key=("zip", "old_key", "new_key", "key_version"),
    partition_by=("zip_prefix",),
)
