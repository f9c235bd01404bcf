"""Where the sources of one property contradict each other, field by field.

Here: what is a contradiction and what is only written otherwise. Not here: which value wins (`survivorship`).
"""

import polars as pl

from leadflow_pipelines.properties.addresses import unit_key
from leadflow_pipelines.properties.owners import parse_owners_by_source

_STREET = ("pre_directional", "street_name", "suffix", "post_directional", "zip5")
_PLAIN = ("is_owner_occupied", "is_vacant", "year_built", "living_sqft", "lot_sqft", "beds", "baths", "units",
          "assessed_cents", "market_value_cents", "mortgage_cents")  # fmt: skip
CONFLICT_FIELDS = (
    "address", "assessed_cents", "baths", "beds", "is_owner_occupied", "is_vacant", "lat", "living_sqft", "lot_sqft",
    "mailing_street", "market_value_cents", "mortgage_cents", "mortgage_date", "owner_name", "parcel_number", "units",
    "year_built",
)  # fmt: skip
"""Fields on which sources can contradict each other, named like `provenance`, sorted. Not among them: sale_date, the
newest sale wins and no older one denies it; land_use, style, neighborhood: each source has its own words."""
_TOGETHER = {
    "address_key": ("house_number", *_STREET, "unit_type", "unit_number"),
    "mailing_street": ("mailing_zip5",),
    "lat": ("lon",),
}
"""Columns that come from the record that has the first."""
_SAME_PLACE_DEGREES = 0.001
"""About 100 m: nearer coordinates are a roof and its parcel's middle."""
_SAME_LOAN_DAYS = 45
"""A loan is recorded weeks after it was made, and sources tell the one day or the other."""
_MOST_WORDS = 1024
"""Of so many a sum of hashes does not overflow."""
_OWNER_WORD = r"[^ :;|,&/]{2,}"


def find_conflicts(ordered: pl.DataFrame, several: pl.Series) -> pl.Series:
    """`conflicts` per property: the sorted CONFLICT_FIELDS on which the newest words of two sources differ.

    ordered: records with `group` (0, 1, ...), each property's newest word of a source first; several: per group
    whether more than one source knows the property. A source that is silent contradicts nobody. Differences that are
    none: a parcel number's punctuation, a unit's designator, a hyphen in a house number, one address with and one
    without suffix, directional or unit; the order, case or abbreviation of an owner's name, a middle name or a second
    owner that one source leaves out; coordinates within 100 m; the days on which a loan was made and recorded. A
    mailing address counts where the owners agree, a loan's date where the amounts do.
    """
    said = _newest_words(ordered[several.gather(ordered["group"]).arg_true()])
    flags = (
        said.group_by("group")
        .agg(
            *(_differ(name) for name in _PLAIN),
            _differ("address_key").alias("address"),
            _differ("owner_name"),
            _differ("parcel_key").alias("parcel_number"),
            (_differ("mailing_street") | _differ("mailing_zip5")).alias("mailing_street"),
            pl.max_horizontal(_spread("lat"), _spread("lon")).gt(_SAME_PLACE_DEGREES).alias("lat"),
            _spread("mortgage_date").dt.total_days().gt(_SAME_LOAN_DAYS).alias("mortgage_date"),
        )
        .with_columns(pl.col(CONFLICT_FIELDS).fill_null(value=False))
    )
    for field, differing in (("address", _other_places), ("owner_name", _other_owners)):
        alike_no_more = differing(said.join(flags.filter(field), on="group", how="semi"))
        flags = flags.with_columns(pl.col("group").is_in(alike_no_more.implode()).alias(field))
    flags = flags.with_columns(
        pl.col("mailing_street") & ~pl.col("owner_name"), pl.col("mortgage_date") & ~pl.col("mortgage_cents")
    )
    return _lists(flags, several.len())


def same_value(field: str) -> pl.Expr:
    """What of a conflict field is compared: equal where two sources say the same; null where one is silent.

    Owners are compared by their words, whatever the order, case and points; coordinates to about 100 m; loans by the
    month of their date.
    """
    if field == "owner_name":
        words = pl.col(field).str.to_uppercase().str.extract_all(r"[\p{L}\p{N}]+")
        summed = words.list.eval(pl.element().hash() // _MOST_WORDS).list.sum()
        return pl.when(pl.col(field).is_not_null()).then(summed)
    if field == "lat":
        return pl.concat_str(pl.col("lat", "lon").round(3), separator=" ")
    return {
        "address": pl.col("address_key"),
        "parcel_number": pl.coalesce("parcel_key", "parcel_number"),
        "mortgage_date": pl.col("mortgage_date").dt.truncate("1mo"),
        "mailing_street": pl.concat_str("mailing_street", pl.col("mailing_zip5").fill_null("")),
    }.get(field, pl.col(field))


def _newest_words(records: pl.DataFrame) -> pl.DataFrame:
    """One row per group and source: the newest value of each field that the source has."""
    single = ["owner_name", "parcel_key", "mortgage_date", *_PLAIN]
    columns = ["group", "source", *single]
    columns += [name for first, others in _TOGETHER.items() for name in (first, *others)]
    records = records.select(columns)
    again = records.select("group", "source").is_duplicated()
    repeated = records.filter(again)
    if repeated.is_empty():
        return records
    alone = [pl.col(name).drop_nulls().first() for name in single]
    together = [
        pl.col(name).filter(pl.col(first).is_not_null()).first()
        for first, others in _TOGETHER.items()
        for name in (first, *others)
    ]
    newest = repeated.group_by("group", "source", maintain_order=True).agg(*alone, *together)
    return pl.concat([records.filter(~again), newest.select(columns)])


def _differ(name: str) -> pl.Expr:
    """Whether a group has two values; nulls are none. Texts by their hash: comparing integers is quicker."""
    value = pl.col(name)
    value = value.hash() if name not in _PLAIN else value.cast(pl.Float64)
    value = pl.when(pl.col(name).is_not_null()).then(value)
    return (value.min() != value.max()).alias(name)


def _spread(name: str) -> pl.Expr:
    return pl.col(name).max() - pl.col(name).min()


def _other_places(said: pl.DataFrame) -> pl.Series:
    """Groups whose address keys differ in what two sources say, not in what one leaves out."""
    parts = said.select(
        "group", *_STREET, pl.col("house_number").str.replace_all("-", "", literal=True), unit_key().alias("unit")
    )
    differ = (pl.col(name).drop_nulls().n_unique() > 1 for name in ("house_number", *_STREET, "unit"))
    return parts.group_by("group").agg(pl.any_horizontal(differ).alias("differ")).filter("differ")["group"]


def _other_owners(said: pl.DataFrame) -> pl.Series:
    """Groups in which two sources name owners of whom neither is only the shorter form of the other."""
    named = said.select("group", "source", "owner_name").drop_nulls("owner_name")
    # The order of words and their case are what differs most: seen by a sum in a tenth of the time of reading names.
    named = named.with_columns(same_value("owner_name").alias("words"))
    others = named.group_by("group").agg(pl.col("words").min() != pl.col("words").max()).filter("words")
    named = named.join(others, on="group", how="semi")
    if named.is_empty():
        return said["group"].clear()
    read = parse_owners_by_source(named["owner_name"], named["source"])
    owners = (
        named.with_columns(read["owner_key"])
        .drop_nulls("owner_key")
        .with_columns(pl.col("owner_key").str.extract_all(_OWNER_WORD).alias("words"))
        .with_columns(pl.col("words").list.n_unique().alias("length"))
    )
    fullest = owners.sort("group", "length", "owner_key").unique("group", keep="last", maintain_order=True)
    beside = owners.join(fullest.select("group", fullest="words"), on="group")
    missing = pl.col("words").list.set_difference("fullest").list.len()
    return beside.filter(missing > 0)["group"].unique()


def _lists(flags: pl.DataFrame, groups: int) -> pl.Series:
    """Per group its flagged fields. Few combinations occur, so each list is built once."""
    mask = pl.sum_horizontal(pl.col(name) * (1 << at) for at, name in enumerate(CONFLICT_FIELDS)).cast(pl.Int64)
    found = flags.select("group", mask=mask).filter(pl.col("mask") > 0)
    masks = pl.concat([pl.Series([0], dtype=pl.Int64), found["mask"].unique().sort()])
    lists = pl.Series(
        "conflicts",
        [[name for at, name in enumerate(CONFLICT_FIELDS) if mask >> at & 1] for mask in masks],
        dtype=pl.List(pl.String),
    )
    place = pl.repeat(0, groups, dtype=pl.UInt32, eager=True)
    return lists.gather(place.scatter(found["group"], masks.search_sorted(found["mask"]).cast(pl.UInt32)))
