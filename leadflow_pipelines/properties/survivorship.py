"""The best value of each field of a property, and which source gave it.

Here: choosing among a property's records. Not here: which records those are (`resolve`).
"""

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from leadflow_pipelines.contracts import PROPERTIES, UNLOCATED
from leadflow_pipelines.properties.addresses import one_line
from leadflow_pipelines.properties.addresses.tokens import relist
from leadflow_pipelines.properties.agreement import heed_agreement
from leadflow_pipelines.properties.conflicts import find_conflicts, same_value
from leadflow_pipelines.properties.stable_hash import stable_hash

VENDOR_RANKS: Mapping[str, int] = {
    "regrid": 1, "attom": 1, "datatree": 1, "rentcast": 2, "batchdata": 2, "zillow": 3,
}  # fmt: skip
"""Sources that yield to a county's own file (rank 0, any source not named here): first those that collect counties'
rolls and deeds, then those that add estimates, then a portal's listings."""

_ADDRESS = (
    "house_number", "pre_directional", "street_name", "suffix", "post_directional", "unit_type", "unit_number",
    "city", "state", "zip5", "zip4", "address_key",
)  # fmt: skip
_PARCEL = ("county_fips", "parcel_number", "parcel_key")
_MAILING = ("mailing_street", "mailing_city", "mailing_state", "mailing_zip5")
_SALE = ("sale_date", "sale_price_cents")
_PLACE = ("lat", "lon")
_SINGLE = (
    "owner_name", "is_owner_occupied", "is_vacant", "land_use", "style", "neighborhood", "year_built", "living_sqft",
    "lot_sqft", "beds", "baths", "units", "assessed_cents", "market_value_cents", "mortgage_cents",
)  # fmt: skip
# Fields that make sense only together come from one record: the group's first column decides which.
_GROUPS: dict[str, tuple[str, ...]] = {
    "address": _ADDRESS, "parcel_number": _PARCEL, "mailing_street": _MAILING, "sale_date": _SALE, "lat": _PLACE,
    "mortgage_date": ("mortgage_date",), **{name: (name,) for name in _SINGLE},
}  # fmt: skip
_VALUES = tuple(name for columns in _GROUPS.values() for name in columns)
_PROVENANCE_TYPE = PROPERTIES.schema["provenance"]
_UNHASHED = ("owner_source", "provenance", "valid_from", "valid_to", "content_hash")
_CHUNK_RECORDS = 100_000
"""Records merged at once: bounds memory, and gives each core its own share."""


def best_values(
    records: pl.DataFrame,
    links: pl.DataFrame,
    source_ranks: Mapping[str, int] = VENDOR_RANKS,
    *,
    valid_from: dt.date | None = None,
) -> pl.DataFrame:
    """One row per linked property in the PROPERTIES shape, valid_to null, sorted by property_id.

    `records`: PROPERTY_RECORDS columns, any but record_id and source may be absent; `links`: record_id, property_id.
    Each field comes from the source of the lowest rank that has it (`source_ranks`, 0 where not named); of several
    that contradict each other the value that most sources name (`agreement`), then the newest. Sale date and price are
    the newest sale's; a later transfer without a price leaves the price null. Mail goes to the chosen owner only,
    however a source orders the name, and a loan's date belongs to the chosen amount. Lists, sources and costs add up.
    `conflicts` names what sources contradict each other on; `owner_source` who named the owner.
    """
    records = _complete(records)
    property_id = records.select("record_id").join(
        links.select("record_id", "property_id"), on="record_id", how="left", maintain_order="left"
    )["property_id"]
    parts = max(1, -(-records.height // _CHUNK_RECORDS))
    # Ids are hashes: ranges of their first digits spread them evenly, keep a property whole and the result sorted.
    digits = property_id.str.slice(2, 4).str.to_integer(base=16, strict=False).fill_null(0)
    part = digits * parts // 16**4

    def merge(number: int) -> pl.DataFrame:
        rows = ((part == number) & property_id.is_not_null()).arg_true()
        return _merge(records[rows].with_columns(property_id.gather(rows)), source_ranks, valid_from)

    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        return pl.concat(list(pool.map(merge, range(parts))))


def _complete(records: pl.DataFrame) -> pl.DataFrame:
    """The columns that matter, absent ones null."""
    names = ("record_id", "source", "observed_at", "zip", *_VALUES, "list_codes", "cost_cents")
    schema = {**PROPERTIES.schema, "record_id": pl.String, "source": pl.String, "observed_at": pl.Datetime("us", "UTC")}
    return records.select(
        (pl.col(name).cast(schema[name]) if name in records.columns else pl.lit(None, dtype=schema[name])).alias(name)
        for name in dict.fromkeys(names)
        if name != "address"
    )


def _merge(linked: pl.DataFrame, source_ranks: Mapping[str, int], valid_from: dt.date | None) -> pl.DataFrame:
    """All properties of some linked records, sorted by property_id."""
    rank = pl.col("source").replace_strict(dict(source_ranks), default=0, return_dtype=pl.Int8)
    ordered = (
        linked.with_columns(rank.alias("rank"))
        .sort(
            "property_id", "rank", "observed_at", "sale_date", "record_id",
            descending=[False, False, True, True, False], nulls_last=True,
        )
        .with_columns(pl.col("property_id").rle_id().alias("group"))
        .with_row_index("at")
    )  # fmt: skip
    chosen = _choose(ordered)
    conflicts = find_conflicts(ordered, chosen["sources"].list.len() > 1)
    chosen = heed_agreement(ordered, chosen, conflicts)
    for follower in (_mail(ordered, chosen), _loan_date(ordered, chosen)):
        chosen = chosen.join(follower, on="group", how="left", maintain_order="left")
    values = chosen.select("property_id").with_columns(
        ordered[column].gather(chosen[group]).alias(column) for group, columns in _GROUPS.items() for column in columns
    )
    placed = pl.coalesce("zip5", chosen["zip"], pl.lit(UNLOCATED))
    whole = values.with_columns(
        placed.alias("zip"), one_line().alias("address"), chosen["list_codes"], chosen["sources"],
        chosen["record_count"], chosen["cost_cents"], _provenance(ordered, chosen),
        conflicts, ordered["source"].gather(chosen["owner_name"]).alias("owner_source"),
    )  # fmt: skip
    whole = whole.with_columns(stable_hash(_hashed()).alias("content_hash"))
    return PROPERTIES.conform(whole.with_columns(pl.lit(valid_from).alias("valid_from")))


def _hashed() -> list[pl.Expr]:
    """What the content hash is of. A loan's date counts with the amount, so that properties without one keep the hash
    that they had before there were dates."""
    dated = pl.concat_str(
        pl.col("mortgage_cents").cast(pl.String).fill_null(""), pl.lit("@"), pl.col("mortgage_date").cast(pl.String)
    )
    special = {"mortgage_cents": pl.coalesce(dated, pl.col("mortgage_cents").cast(pl.String))}
    return [
        pl.col(name).list.join(",") if isinstance(dtype, pl.List) else special.get(name, pl.col(name))
        for name, dtype in PROPERTIES.schema.items()
        if name not in (*_UNHASHED, "mortgage_date")
    ]


def _choose(ordered: pl.DataFrame) -> pl.DataFrame:
    """Per property, in order: the row that gives each group its values (null: none does), and what adds up."""

    def first_where(condition: pl.Expr) -> pl.Expr:
        return pl.when(condition).then("at").min()

    keyed = pl.col("address_key").is_not_null()
    chosen = (
        ordered.group_by("group")
        .agg(
            pl.col("property_id").first(),
            pl.coalesce(
                first_where(keyed & pl.col("zip5").is_not_null()),
                first_where(keyed),
                first_where(pl.col("street_name").is_not_null()),
                first_where(pl.col("city").is_not_null() | pl.col("zip5").is_not_null()),
            ).alias("address"),
            first_where(pl.col("parcel_number").is_not_null()).alias("parcel_number"),
            first_where(pl.col("lat").is_not_null() & pl.col("lon").is_not_null()).alias("lat"),
            *(first_where(pl.col(name).is_not_null()).alias(name) for name in _SINGLE),
            pl.when(pl.col("zip") != UNLOCATED).then("zip").min().alias("zip"),
            pl.len().cast(pl.Int64).alias("record_count"),
            pl.col("cost_cents").sum(),
            pl.col("cost_cents").count().alias("priced"),
            pl.col("observed_at").min().alias("first_at"),
            pl.col("observed_at").max().alias("last_at"),
        )
        .sort("group")
    )
    chosen = chosen.with_columns(pl.when(pl.col("priced") > 0).then("cost_cents").alias("cost_cents"))
    for extra in (_sales(ordered), _union(ordered, "list_codes", "list_codes"), _sources(ordered)):
        chosen = chosen.join(extra, on="group", how="left", maintain_order="left")
    return chosen


def _sales(ordered: pl.DataFrame) -> pl.DataFrame:
    """group → row of the newest sale; of several on one day the one with a price, then the better source."""
    return (
        ordered.lazy().select("group", "at", "sale_date", no_price=pl.col("sale_price_cents").is_null())
        .filter(pl.col("sale_date").is_not_null())
        .sort("group", "sale_date", "no_price", "at", descending=[False, True, False, False])
        .unique("group", keep="first", maintain_order=True)
        .select("group", sale_date="at")
        .collect()
    )  # fmt: skip


def _mail(ordered: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """group → row of the mailing address: the chosen owner's own, or one that names no owner."""
    owner = ordered["owner_name"].gather(chosen["owner_name"].gather(ordered["group"]))
    mailed = ordered.select("group", "at", "owner_name", "mailing_street", chosen_owner=owner).filter(
        pl.col("mailing_street").is_not_null() & (pl.col("owner_name").is_null() | pl.col("chosen_owner").is_not_null())
    )
    is_own = (pl.col("owner_name").is_null() | (pl.col("owner_name") == pl.col("chosen_owner"))).alias("is_own")
    # Few names differ as texts; the same words in another order are the same owner.
    doubtful = mailed.filter(~is_own)
    words, chosen_words = (
        doubtful.select(owner_name=name).select(same_value("owner_name")).to_series()
        for name in ("owner_name", "chosen_owner")
    )
    return (
        pl.concat([mailed.filter(is_own), doubtful.filter(words == chosen_words)])
        .group_by("group").agg(pl.col("at").min().alias("mailing_street"))
    )  # fmt: skip


def _loan_date(ordered: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """group → row of the loan's date: of a record that states the chosen amount, or none."""
    dated = ordered.select("group", "at", "mortgage_cents", "mortgage_date").with_columns(
        amount=ordered["mortgage_cents"].gather(chosen["mortgage_cents"].gather(ordered["group"]))
    )
    return (
        dated.filter(pl.col("mortgage_date").is_not_null())
        .filter((pl.col("mortgage_cents") == pl.col("amount")).fill_null(value=True))
        .group_by("group").agg(pl.col("at").min().alias("mortgage_date"))
    )  # fmt: skip


def _union(ordered: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """group → the sorted distinct items of a list column."""
    return (
        ordered.select("group", pl.col(column).alias(name))
        .filter(pl.col(name).list.len() > 0)
        .explode(name).unique().sort("group", name)
        .group_by("group", maintain_order=True).agg(pl.col(name))
    )  # fmt: skip


def _sources(ordered: pl.DataFrame) -> pl.DataFrame:
    """group → its sources, sorted."""
    pairs = ordered.select("group", pl.col("source").alias("sources")).unique().sort("group", "sources")
    return pairs.group_by("group", maintain_order=True).agg(pl.col("sources"))


def _provenance(ordered: pl.DataFrame, chosen: pl.DataFrame) -> pl.Series:
    """Per property the list of (field, source, observed_at), sorted by field. A group goes by its first column.

    Most properties have one source that spoke once, so few distinct lists stand for all: each is built once.
    """
    fields = sorted(_GROUPS)
    mask = pl.sum_horizontal(pl.col(name).is_not_null() * (1 << at) for at, name in enumerate(fields))
    spoke_once = (pl.col("sources").list.len() == 1) & (pl.col("first_at") == pl.col("last_at"))
    kinds = chosen.select(
        mask=mask, source=pl.col("sources").list.first(), at="first_at",
        alone=pl.when(~spoke_once).then(pl.col("group")),
    )  # fmt: skip
    distinct = kinds.with_row_index("row").unique(["mask", "source", "at", "alone"], keep="first", maintain_order=True)
    lists = _provenance_lists(ordered, chosen[distinct["row"]], fields)
    place = kinds.join(
        distinct.drop("row").with_row_index("place"),
        on=["mask", "source", "at", "alone"], how="left", nulls_equal=True, maintain_order="left",
    )["place"]  # fmt: skip
    return lists.gather(place).alias("provenance")


def _provenance_lists(ordered: pl.DataFrame, chosen: pl.DataFrame, fields: list[str]) -> pl.Series:
    """The lists themselves, in the order of `chosen`: row and field as one integer until the very end."""
    coded = [pl.col(name).cast(pl.UInt64) * len(fields) + number for number, name in enumerate(fields)]
    lists = chosen.select(pl.concat_list(coded).list.drop_nulls()).to_series().rechunk()
    flat = lists.explode(empty_as_null=False)
    row, number = flat // len(fields), flat % len(fields)
    given = pl.DataFrame(
        {
            "field": pl.Series(fields).gather(number),
            "source": ordered["source"].gather(row),
            "observed_at": ordered["observed_at"].gather(row),
        }
    )
    return relist(given.to_struct(), lists).cast(_PROVENANCE_TYPE)
