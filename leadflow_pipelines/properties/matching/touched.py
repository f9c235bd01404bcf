"""Which earlier records a day's new ones can change: a day costs its blocks, not the whole area.

Here: the records that must be looked at again for the result to be that of a full resolution. Not here: the
resolution (`resolve`).
"""

import polars as pl

from leadflow_pipelines.properties.matching.candidates import regions_of, similar_names, whole_name

_NUMBER, _NAME = r"^([^|]+)\|", r"^[^|]*\|[^|]*\|([^|]+)\|"
_SUFFIX, _PLACE = r"^[^|]*\|[^|]*\|[^|]*\|([^|]+)\|", r"\|([^|]+)$"


def touched(previous: pl.DataFrame, records: pl.DataFrame, decided: pl.Series) -> pl.DataFrame:
    """The rows of `previous` at a house number of a street, or of a parcel number, that the given records name, those
    that an operator `decided` about (record ids), and the whole of the properties and parcels they belong to.

    previous: record_id, property_id, address_key, parcel_key; records: record_id, address_key, parcel_key. A street is
    a name, or one a slip of the pen away from it, in a three-digit ZIP area. Rows keep their order.
    """
    given = previous["record_id"].is_in(pl.concat([records["record_id"], decided]).implode())
    near = given | _at_numbers(previous, records) | _has(previous, "parcel_key", records["parcel_key"])
    near |= _has(previous, "property_id", previous.filter(near)["property_id"])
    near |= _has(previous, "parcel_key", previous.filter(near)["parcel_key"])
    near |= _has(previous, "property_id", previous.filter(near)["property_id"])
    return previous.filter(near)


def _has(frame: pl.DataFrame, name: str, values: pl.Series) -> pl.Series:
    return frame[name].is_in(values.drop_nulls().unique().implode()).fill_null(value=False)


def _at_numbers(previous: pl.DataFrame, records: pl.DataFrame) -> pl.Series:
    at, streets = _streets(previous["address_key"])
    day, ours = _streets(records["address_key"])
    forms, our_forms = _forms(streets), _forms(ours)
    asked = day.join(our_forms, on="street").select("region", "name", "number").unique()
    wanted = our_forms.select("region", "name").unique()
    # Only areas that the day touches can hold anything alike.
    names = pl.concat([forms, our_forms]).select("region", "name").unique()
    names = names.join(ours.select("region").unique(), on="region", how="semi")
    slips = asked.join(similar_names(names, of=wanted), on=["region", "name"])
    asked = pl.concat([asked, slips.select("region", "other", "number").rename({"other": "name"})]).unique()
    hit = forms.join(asked, on=["region", "name"]).select("street", "number").unique()
    # A street known by its city alone lies in several areas; what it may be in the others is looked at as well.
    several = hit.join(streets.group_by("street").len().filter(pl.col("len") > 1), on="street", how="semi")
    elsewhere = forms.join(several, on="street").select("region", "name", "number").unique()
    reached = pl.concat([hit, forms.join(elsewhere, on=["region", "name"]).select("street", "number")]).unique()
    rows = at.with_row_index("row").join(reached, on=["street", "number"], how="semi")["row"]
    return pl.repeat(False, previous.height, dtype=pl.Boolean, eager=True).scatter(rows, True)


def _streets(keys: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """For each key its street (a number of ours) and house number, null without one; and the streets: street, region,
    name, suffix.
    """
    key = pl.col("key")
    parts = keys.alias("key").to_frame().select(
        number=key.str.extract(_NUMBER), name=key.str.extract(_NAME), suffix=key.str.extract(_SUFFIX),
        place=key.str.extract(_PLACE),
    )  # fmt: skip
    # A ZIP's first three digits are all that its street needs.
    parts = parts.with_columns(
        place=pl.when(pl.col("place").str.contains(r"^\d{5}$")).then(pl.col("place").str.head(3)).otherwise("place")
    )
    what = ["name", "suffix", "place"]
    distinct = parts.select(what).unique().drop_nulls("name").with_row_index("street")
    at = parts.join(distinct, on=what, how="left", nulls_equal=True, maintain_order="left").select("street", "number")
    return at, distinct.join(regions_of(distinct["place"]), on="place")


def _forms(streets: pl.DataFrame) -> pl.DataFrame:
    """Each street under its name, and under name and suffix as one."""
    whole = streets.filter(pl.col("suffix").is_not_null()).with_columns(name=whole_name())
    return pl.concat([streets, whole]).select("street", "region", "name")
