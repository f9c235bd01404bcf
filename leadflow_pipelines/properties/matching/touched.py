"""Which earlier records a day's new ones can change: a day costs its blocks, not the whole area.

Here: the records that must be looked at again for the result to be that of a full resolution. Not here: the
resolution (`resolve`).
"""

from dataclasses import dataclass
from operator import xor

import polars as pl

from leadflow_pipelines.properties.matching.candidates import COUNTY_SIGN, regions_of, similar_names, whole_name

_PARTS = r"^([^|]+)\|[^|]*\|([^|]+)\|([^|]*)\|[^|]*\|[^|]*\|(.*)$"
_NAMED = ("number", "name", "suffix", "place")
_PLACE = r"\|([^|]+)$"
_ZIP_LENGTH = 5


def touched(previous: pl.DataFrame, records: pl.DataFrame, decided: pl.Series) -> pl.DataFrame:
    """The rows of `previous` at a house number of a street, or of a parcel number, that the given records name, those
    that an operator `decided` about (record ids), and the whole of the properties and parcels they belong to.

    previous: record_id, property_id, address_key, parcel_key; records: record_id, address_key, parcel_key; both with
    county_fips if known. A street is a name, or one a slip of the pen away from it, in a three-digit ZIP area, of which
    an address without a place may lie in any of its county's. Rows keep their order.
    """
    given = previous["record_id"].is_in(pl.concat([records["record_id"], decided]).implode())
    near = (
        given | _at_numbers(_placed(previous), _placed(records)) | _has(previous["parcel_key"], records["parcel_key"])
    )
    properties, parcels = previous["property_id"], previous["parcel_key"]
    near |= _has(properties, properties.filter(near))
    more = _has(parcels, parcels.filter(near)) & ~near
    if more.any():
        near |= more
        near |= _has(properties, properties.filter(more))
    return previous.filter(near)


def _has(column: pl.Series, values: pl.Series) -> pl.Series:
    return column.is_in(values.drop_nulls().unique().implode()).fill_null(value=False)


def _placed(frame: pl.DataFrame) -> pl.Series:
    """The address keys, with the county in the place that a key does not say."""
    keys = frame["address_key"]
    at = keys.str.ends_with("|").fill_null(value=False).arg_true()
    if at.is_empty() or "county_fips" not in frame.columns:
        return keys
    county = pl.concat_str(pl.lit(COUNTY_SIGN), "county_fips").fill_null("")
    return keys.scatter(at, frame[at].select(pl.col("address_key") + county).to_series())


def _at_numbers(keys: pl.Series, given: pl.Series) -> pl.Series:
    """Whether each of the earlier keys names a house number of a street that the given keys name."""
    homes = _homes(keys)
    day, ours = _streets(given)
    our_forms = _forms(ours)
    asked = day.join(our_forms, on="street").select("region", "name", "number").unique()
    rows = homes.rows_at(asked)
    at, streets = _streets(keys.gather(rows))
    forms = _forms(streets)
    wanted = our_forms.select("region", "name").unique()
    names = pl.concat([forms, our_forms]).select("region", "name").unique()
    slips = asked.join(similar_names(names, of=wanted), on=["region", "name"])
    asked = pl.concat([asked, slips.select("region", "other", "number").rename({"other": "name"})]).unique()
    hit = forms.join(asked, on=["region", "name"]).select("street", "number").unique()
    reached = [_rows_of(rows, at, hit)]
    # A street known by its city alone lies in several areas; what it may be in the others is looked at as well.
    several = hit.join(streets.group_by("street").len().filter(pl.col("len") > 1), on="street", how="semi")
    if several.height:
        elsewhere = forms.join(several, on="street").select("region", "name", "number").unique()
        rows = homes.rows_at(elsewhere)
        at, streets = _streets(keys.gather(rows))
        there = _forms(streets).join(elsewhere, on=["region", "name"]).select("street", "number")
        reached.append(_rows_of(rows, at, there))
    return pl.repeat(False, len(keys), dtype=pl.Boolean, eager=True).scatter(pl.concat(reached).unique(), True)


def _rows_of(rows: pl.Series, at: pl.DataFrame, wanted: pl.DataFrame) -> pl.Series:
    """Those of the rows whose (street, number) is wanted."""
    return at.with_columns(rows.alias("row")).join(wanted, on=["street", "number"], how="semi")["row"]


@dataclass(frozen=True)
class _Homes:
    """Where each key stands, as a hash of area and house number: all that most of five million keys are read for.

    by_zip: one a key, null without a ZIP; by_city: row, home, one for every area in which the city lies. Two homes of
    one hash only cost a second look.
    """

    by_zip: pl.Series
    by_city: pl.DataFrame

    def rows_at(self, places: pl.DataFrame) -> pl.Series:
        """The rows at the given places (region, number), sorted."""
        wanted = places.select(_home(pl.col("number"), pl.col("region")).unique()).to_series().implode()
        in_city = self.by_city.filter(pl.col("home").is_in(wanted))["row"]
        in_zip = self.by_zip.is_in(wanted).fill_null(value=False).arg_true()
        return pl.concat([in_zip, in_city]).unique().sort()


def _homes(keys: pl.Series) -> _Homes:
    key = pl.col("key")
    frame = keys.alias("key").to_frame()
    number = key.str.head(key.str.find("|", literal=True))
    # A short text is read in a third of the time that a whole key takes.
    tail = frame.select(key.str.tail(_ZIP_LENGTH + 1)).to_series()
    has_zip = tail.str.contains(r"^\|\d{5}$")
    homes = frame.select(_home(number, pl.lit(tail).str.slice(1, 3))).to_series()
    at = (~has_zip).fill_null(value=False).arg_true()
    in_city = keys.gather(at).alias("key").to_frame().select(
        number=number, place=key.str.extract(_PLACE), row=at
    ).drop_nulls("place")  # fmt: skip
    by_city = in_city.join(regions_of(in_city["place"]), on="place")
    return _Homes(
        homes.set(~has_zip.fill_null(value=False), None),
        by_city.select("row", home=_home(pl.col("number"), pl.col("region"))),
    )


def _home(number: pl.Expr, region: pl.Expr) -> pl.Expr:
    return number.hash(1) ^ region.hash(2)


def _streets(keys: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """For each key its street (a hash) and house number, null without one; and the streets: street, region, name,
    suffix.
    """
    groups = keys.str.extract_groups(_PARTS).struct.unnest()
    # A ZIP's first three digits are all that its street needs.
    place = pl.when(pl.col("place").str.contains(r"^\d{5}$")).then(pl.col("place").str.head(3)).otherwise("place")
    parts = groups.rename(dict(zip(groups.columns, _NAMED, strict=True))).with_columns(place)
    hashed = [pl.col(name).hash(seed) for seed, name in enumerate(_NAMED[1:])]
    parts = parts.with_columns(street=pl.when(pl.col("name").is_not_null()).then(pl.reduce(xor, hashed)))
    streets = parts.select("street", *_NAMED[1:]).drop_nulls("street").unique("street")
    streets = streets.with_columns(pl.col("suffix").replace("", None))
    return parts.select("street", "number"), streets.join(regions_of(streets["place"]), on="place")


def _forms(streets: pl.DataFrame) -> pl.DataFrame:
    """Each street under its name, and under name and suffix as one."""
    whole = streets.filter(pl.col("suffix").is_not_null()).with_columns(name=whole_name())
    return pl.concat([streets, whole]).select("street", "region", "name")
