"""What each source says where the sources of a property contradict each other, and why one value stands.

Here: the listing, for one property or all. Not here: what is a contradiction (`conflicts`), which value wins
(`survivorship`).
"""

from collections.abc import Mapping

import polars as pl

from leadflow_pipelines.contracts.evidence import PROPERTY_CONFLICTS
from leadflow_pipelines.properties.addresses import one_line
from leadflow_pipelines.properties.conflicts import CONFLICT_FIELDS, same_value
from leadflow_pipelines.properties.survivorship import VENDOR_RANKS

_SHOWN: dict[str, pl.Expr] = {
    "address": pl.when(pl.col("address_key").is_not_null()).then(one_line()),
    "mailing_street": pl.when(pl.col("mailing_street").is_not_null()).then(
        pl.concat_str(
            "mailing_street", "mailing_city", "mailing_state", "mailing_zip5", separator=" ", ignore_nulls=True
        )
    ),
    "lat": pl.concat_str("lat", "lon", separator=" "),
}
"""Fields that are shown with what belongs to them."""
COMPARED_COLUMNS = (
    "house_number", "pre_directional", "street_name", "suffix", "post_directional", "unit_type", "unit_number", "city",
    "state", "zip5", "zip4", "address_key", "parcel_key", "mailing_city", "mailing_state", "mailing_zip5", "lon",
    *(name for name in CONFLICT_FIELDS if name != "address"),
)  # fmt: skip
"""What `list_conflicts` reads of properties and of records alike."""


def list_conflicts(
    properties: pl.DataFrame, records: pl.DataFrame, source_ranks: Mapping[str, int] = VENDOR_RANKS
) -> pl.DataFrame:
    """PROPERTY_CONFLICTS, sorted by property, field and source.

    properties: property_id, zip, conflicts, provenance and COMPARED_COLUMNS, one row a property; those without
    conflicts give no rows. records: property_id, source, observed_at, sale_date, record_id and COMPARED_COLUMNS.
    source_ranks: as `best_values` had them.
    """
    newest = records.sort("observed_at", "sale_date", "record_id", descending=[True, True, False], nulls_last=True)
    listed = properties.explode("conflicts", empty_as_null=False)["conflicts"].unique()
    found = [
        _of_field(properties.filter(pl.col("conflicts").list.contains(field)), newest, field, source_ranks)
        for field in CONFLICT_FIELDS
        if field in listed
    ]
    if not found:
        return PROPERTY_CONFLICTS.empty()
    return PROPERTY_CONFLICTS.conform(pl.concat(found).sort(PROPERTY_CONFLICTS.key))


def _of_field(
    properties: pl.DataFrame, newest: pl.DataFrame, field: str, source_ranks: Mapping[str, int]
) -> pl.DataFrame:
    """The conflicts on one field; `properties` have one there, `newest` records come newest first."""
    shown = _SHOWN.get(field, pl.col(field)).cast(pl.String)
    chosen = properties.select(
        "property_id", "zip", chosen_value=shown, chosen_same=same_value(field), chosen_owner=same_value("owner_name")
    ).join(_given(properties, field), on="property_id", how="left")
    said = (
        newest.join(properties, on="property_id", how="semi", maintain_order="left")
        .select("property_id", other_source="source", other_at="observed_at", other_value=shown,
                same=same_value(field), owner=same_value("owner_name"))
        .drop_nulls("other_value")
        .unique(["property_id", "other_source"], keep="first", maintain_order=True)
    )  # fmt: skip
    votes = said.group_by("property_id", "same").agg(votes=pl.len())
    compared = (
        said.join(chosen, on="property_id")
        .filter(pl.col("other_source").ne_missing(pl.col("chosen_source")))
        .join(votes, on=["property_id", "same"], how="left")
        .join(votes.rename({"same": "chosen_same", "votes": "chosen_votes"}), on=["property_id", "chosen_same"],
              how="left")
    )  # fmt: skip
    return compared.select(
        "zip", "property_id", pl.lit(field).alias("field"), "chosen_value", "chosen_source", "chosen_at",
        "other_source", "other_value", "other_at", _why(field, source_ranks),
    )  # fmt: skip


def _given(properties: pl.DataFrame, field: str) -> pl.DataFrame:
    """property_id → chosen_source and chosen_at of one field."""
    words = properties.select("property_id", "provenance").explode("provenance", empty_as_null=False)
    return (
        words.unnest("provenance")
        .filter(pl.col("field") == field)
        .select("property_id", chosen_source="source", chosen_at="observed_at")
    )


def _why(field: str, source_ranks: Mapping[str, int]) -> pl.Expr:
    """In the order in which survivorship asks."""
    other_rank, chosen_rank = (
        pl.col(source).replace_strict(dict(source_ranks), default=0, return_dtype=pl.Int8)
        for source in ("other_source", "chosen_source")
    )
    mail_of_another = pl.lit(field == "mailing_street") & (pl.col("owner") != pl.col("chosen_owner"))
    return (
        pl.when(pl.col("same") == pl.col("chosen_same")).then(pl.lit("agrees"))
        .when(mail_of_another.fill_null(value=False)).then(pl.lit("owner_not_chosen"))
        .when(other_rank > chosen_rank).then(pl.lit("source_rank"))
        .when(other_rank < chosen_rank).then(pl.lit("completeness"))
        .when(pl.col("chosen_votes") > pl.col("votes")).then(pl.lit("agreement"))
        .when(pl.col("other_at") < pl.col("chosen_at")).then(pl.lit("age"))
        .when(pl.col("other_at") > pl.col("chosen_at")).then(pl.lit("completeness"))
        .otherwise(pl.lit("tie")).alias("why")
    )  # fmt: skip
