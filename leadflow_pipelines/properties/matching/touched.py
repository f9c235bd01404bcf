"""Which earlier records a day's new ones can change: a day costs its blocks, not the whole area.

Here: the records that must be looked at again for the result to be that of a full resolution. Not here: the
resolution (`resolve`).
"""

import polars as pl

from leadflow_pipelines.properties.matching.candidates import regions_of, similar_names, whole_name

_NAME, _SUFFIX, _PLACE = r"^[^|]*\|[^|]*\|([^|]+)\|", r"^[^|]*\|[^|]*\|[^|]*\|([^|]+)\|", r"\|([^|]+)$"


def touched(previous: pl.DataFrame, records: pl.DataFrame, decided: pl.Series) -> pl.DataFrame:
    """The rows of `previous` on a street, or of a parcel number, that the given records name, those that an operator
    `decided` about (record ids), and the whole of the properties and parcels which all these belong to.

    previous: record_id, property_id, address_key, parcel_key; records: record_id, address_key, parcel_key. A street is
    a name, or one a slip of the pen away from it, in a three-digit ZIP area. Rows keep their order.
    """
    given = previous["record_id"].is_in(pl.concat([records["record_id"], decided]).implode())
    near = given | _on_streets(previous, records) | _has(previous, "parcel_key", records["parcel_key"])
    near |= _has(previous, "property_id", previous.filter(near)["property_id"])
    near |= _has(previous, "parcel_key", previous.filter(near)["parcel_key"])
    near |= _has(previous, "property_id", previous.filter(near)["property_id"])
    return previous.filter(near)


def _has(frame: pl.DataFrame, name: str, values: pl.Series) -> pl.Series:
    return frame[name].is_in(values.drop_nulls().unique().implode()).fill_null(value=False)


def _on_streets(previous: pl.DataFrame, records: pl.DataFrame) -> pl.Series:
    street, streets = _streets(previous["address_key"])
    _, ours = _streets(records["address_key"])
    names = pl.concat([_forms(streets), _forms(ours)]).select("region", "name").unique()
    # Only areas that the day touches can hold anything alike.
    names = names.join(ours.select("region").unique(), on="region", how="semi")
    wanted = _forms(ours).select("region", "name").unique()
    slips = similar_names(names, of=wanted).select("region", name="other")
    wanted = pl.concat([wanted, slips]).unique()
    forms = _forms(streets)
    hit = forms.join(wanted, on=["region", "name"], how="semi").select("street").unique()
    # A street known by its city alone lies in several areas; what it may be in the others is looked at as well.
    elsewhere = forms.join(hit, on="street", how="semi").select("region", "name").unique()
    reached = forms.join(elsewhere, on=["region", "name"], how="semi")["street"].unique()
    return street.is_in(reached.implode()).fill_null(value=False)


def _streets(keys: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """For each key the number of its street (null without one), and the streets: street, region, name, suffix."""
    key = pl.col("key")
    parts = keys.alias("key").to_frame().select(
        name=key.str.extract(_NAME), suffix=key.str.extract(_SUFFIX), place=key.str.extract(_PLACE)
    )  # fmt: skip
    # A ZIP's first three digits are all that its street needs.
    parts = parts.with_columns(
        place=pl.when(pl.col("place").str.contains(r"^\d{5}$")).then(pl.col("place").str.head(3)).otherwise("place")
    )
    distinct = parts.unique().drop_nulls("name").with_row_index("street")
    number = parts.join(distinct, on=["name", "suffix", "place"], how="left", nulls_equal=True, maintain_order="left")
    return number["street"], distinct.join(regions_of(distinct["place"]), on="place")


def _forms(streets: pl.DataFrame) -> pl.DataFrame:
    """Each street under its name, and under name and suffix as one."""
    whole = streets.filter(pl.col("suffix").is_not_null()).with_columns(name=whole_name())
    return pl.concat([streets, whole]).select("street", "region", "name")
