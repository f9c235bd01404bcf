"""Contracts of evidence that is gathered for the marts from the lake's tables, and stored nowhere else."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

WHYS = ("agrees", "source_rank", "agreement", "age", "completeness", "owner_not_chosen", "tie")

PROPERTY_CONFLICTS = Contract(
    name="property_conflicts",
    text="Fields on which a property's sources contradict each other: the value that stands beside each other source's "
    "newest word, and why it stands.",
    columns={
        "zip": shared.ZIP,
        "property_id": shared.PROPERTY_ID,
        "field": column(pl.String, "Field as provenance names it.", required=True),
        "chosen_value": column(pl.String, "The value that stands; null where none of the sources' does."),
        "chosen_source": column(pl.String, "Source that gave it."),
        "chosen_at": column(UTC_INSTANT, "Instant at which that source said so."),
        "other_source": column(pl.String, "Another source that knows the field.", required=True),
        "other_value": column(pl.String, "Its newest word.", required=True),
        "other_at": column(UTC_INSTANT, "Instant at which it said so.", required=True),
        "why": column(
            pl.String,
            "Why the other value does not stand: source_rank (the chosen source ranks before it), agreement (more "
            "sources say the chosen value), age (the chosen word is newer), completeness (the chosen address has the "
            "ZIP), owner_not_chosen (mail of another owner), tie (as good and as old); agrees: it says the same.",
            pa.Check.isin(list(WHYS)),
            required=True,
        ),
    },
    key=("property_id", "field", "other_source"),
    partition_by=(),
    personal=("chosen_value", "other_value"),
)

EVIDENCE_TABLES = (PROPERTY_CONFLICTS,)
