"""ZIP codes, their cities, states and counties, as lookups for expressions.

Here: the ZIP table and what follows from it. Not here: which place a record belongs to (`infer_place`, `locate`).

`us_places.parquet` is derived from the `zipcodes` package (42,789 ZIPs) and the county FIPS codes of `addfips`,
because asking the package takes 2.6 s in every process and reading the file 25 ms. Rebuild it after an update
of either package with `python -m leadflow_pipelines.properties.addresses.places`; a test compares the two.
"""

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from leadflow_pipelines.contracts import us_states

STATE_NAMES, STATES = us_states.STATE_NAMES, us_states.STATES
PLACES_FILE = Path(__file__).with_name("us_places.parquet")
HYPHEN_COUNTY_FIPS = "36081"
"""Queens: house numbers are `block-house`, written with and without the hyphen (73-04 is 7304)."""
_HYPHEN_ZIPS_BEYOND = ["11001", "11040"]
"""ZIPs that the table gives to Nassau County, and that reach into Queens."""

_CITY_STARTS = {
    "SAINT": "ST", "MOUNT": "MT", "FORT": "FT", "NORTH": "N", "SOUTH": "S", "EAST": "E", "WEST": "W", "LAKE": "LK",
}  # fmt: skip
_CITY_ENDS = {
    "HTS": "HEIGHTS", "HGTS": "HEIGHTS", "SPGS": "SPRINGS", "SPRGS": "SPRINGS", "BCH": "BEACH", "PK": "PARK",
    "VLG": "VILLAGE", "JCT": "JUNCTION", "VLY": "VALLEY", "HLS": "HILLS", "HBR": "HARBOR", "GDNS": "GARDENS",
    "GRV": "GROVE", "TWP": "TOWNSHIP", "STA": "STATION", "FLS": "FALLS",
}  # fmt: skip


@cache
def zip_table() -> pl.DataFrame:
    """One row per ZIP: zip, zip_type (STANDARD, PO BOX, UNIQUE, MILITARY), city, state, county_fips, lat, lon, aliases.

    `city` is the postal city in upper case, `aliases` other names that people write for it.
    """
    return pl.read_parquet(PLACES_FILE)


@cache
def zips() -> pl.DataFrame:
    """key (ZIP), city (its postal city), state, county_fips: for `lookup`."""
    return zip_table().select(pl.col("zip").alias("key"), "city", "state", "county_fips").sort("key")


@cache
def city_zips() -> pl.DataFrame:
    """One row per (state, city name, ZIP): state, city, zip, zip_type, county_fips. Aliases included."""
    names = pl.concat_list(pl.col("city"), pl.col("aliases")).list.unique().alias("name")
    return (
        zip_table()
        .with_columns(names)
        .explode("name")
        .select("state", pl.col("name").alias("city"), "zip", "zip_type", "county_fips")
    )


@cache
def city_states() -> pl.DataFrame:
    """key (city name, aliases included), state: one row for every state that has such a city."""
    return city_zips().select("state", key="city").unique().sort("key", "state")


@cache
def cities() -> pl.DataFrame:
    """key (`NAME,ST` or `NAME,ZIP`), city: names as the ZIP table has them, and with ST, MT, FT or N for the words."""
    names = city_zips().select("city", "state", "zip")
    forms = [names.with_columns(form="city")]
    for word, short in _CITY_STARTS.items():
        some = names.filter(pl.col("city").str.starts_with(f"{word} "))
        forms.append(some.with_columns(pl.col("city").str.replace(word, short, literal=True).alias("form")))
    return (
        pl.concat(
            pl.concat(forms).select(pl.concat_str("form", pl.lit(","), by).alias("key"), "city")
            for by in ("state", "zip")
        )
        .unique("key", keep="first", maintain_order=True)
        .sort("key")
    )


@cache
def city_places() -> pl.DataFrame:
    """key (`CITY,ST`) with its deliverable (STANDARD) ZIPs' only zip and only county_fips; null where several."""
    deliverable = city_zips().filter(pl.col("zip_type") == "STANDARD")
    county = pl.col("county_fips").drop_nulls().unique()
    return (
        deliverable.group_by(pl.concat_str("city", pl.lit(","), "state").alias("key"))
        .agg(
            pl.when(pl.col("zip").n_unique() == 1).then(pl.col("zip").first()).alias("zip"),
            pl.when(county.len() == 1).then(county.first()).alias("county_fips"),
        )
        .sort("key")
    )


@cache
def city_counties() -> pl.DataFrame:
    """city, state, county_fips, part: the share of the city's deliverable ZIPs that lie in the county."""
    return (
        city_zips()
        .filter((pl.col("zip_type") == "STANDARD") & pl.col("county_fips").is_not_null())
        .group_by("city", "state", "county_fips")
        .len()
        .select("city", "state", "county_fips", part=pl.col("len") / pl.col("len").sum().over("city", "state"))
    )


@cache
def centres() -> pl.DataFrame:
    """key (ZIP), lat, lon: for `lookup`."""
    return zip_table().select("lat", "lon", key="zip").sort("key")


@cache
def county_states() -> pl.DataFrame:
    """key (county_fips), state: for `lookup`. A ZIP may lie in a county of the next state, so its most frequent."""
    counts = zip_table().drop_nulls("county_fips").group_by("county_fips", "state").len()
    most = counts.sort("len", "state", descending=[True, False]).unique("county_fips", keep="first")
    return most.select(pl.col("county_fips").alias("key"), "state").sort("key")


def lookup(keys: pl.Series, table: pl.DataFrame, column: str) -> pl.Series:
    """The column's value for each key, null where the table (a frame sorted by its unique `key`) has none.

    Found by bisection: hashing or scanning 40,000 names for each of twenty lookups is what a file of ten rows costs.
    """
    if keys.null_count() == len(keys):
        return pl.Series([None], dtype=table.schema[column]).new_from_index(0, len(keys))
    wanted, at, has = _find(keys, table)
    found = table[column].gather(at.filter(has))
    return keys.replace_strict(wanted.filter(has), found, default=None, return_dtype=table.schema[column])


def is_known(keys: pl.Series, table: pl.DataFrame) -> pl.Series:
    """Whether the table (sorted by `key`) has the key; a null key is not known."""
    if keys.null_count() == len(keys):
        return pl.Series([False]).new_from_index(0, len(keys))
    wanted, _, has = _find(keys, table)
    known = wanted.filter(has).implode()
    return keys.to_frame("key").select(pl.col("key").is_in(known).fill_null(value=False)).to_series()


def _find(keys: pl.Series, table: pl.DataFrame) -> tuple[pl.Series, pl.Series, pl.Series]:
    """The distinct keys, where in the table each would stand, and whether it stands there."""
    wanted = keys.to_frame("key").select(pl.col("key").drop_nulls().unique()).to_series()
    at = table["key"].search_sorted(wanted).clip(upper_bound=table.height - 1)
    return wanted, at, table["key"].gather(at) == wanted


@cache
def hyphen_zips() -> pl.Series:
    """ZIPs in which a hyphen inside a house number carries no meaning."""
    in_county = pl.col("county_fips") == HYPHEN_COUNTY_FIPS
    return zip_table().filter(in_county | pl.col("zip").is_in(_HYPHEN_ZIPS_BEYOND))["zip"]


@cache
def hyphen_cities() -> pl.Series:
    """`CITY,ST` names that lie wholly in a county of hyphenated house numbers."""
    return (
        city_zips()
        .group_by("city", "state")
        .agg((pl.col("county_fips") == HYPHEN_COUNTY_FIPS).all().alias("is_hyphenated"))
        .filter("is_hyphenated")
        .select(pl.concat_str("city", pl.lit(","), "state"))
        .to_series()
    )


def clean_city(name: pl.Expr) -> pl.Expr:
    """A city as the ZIP table writes it: upper case, no punctuation; SAINT, NORTH, HEIGHTS and the like spelled out."""
    bare = (
        name.str.to_uppercase().str.replace_all(r"[^\p{L}\p{N} ]+", " ").str.replace_all(r"\s+", " ").str.strip_chars()
    )
    first, last = bare.str.extract(r"^(\S+) ", 1), bare.str.extract(r" (\S+)$", 1)
    starts = {short: word for word, short in _CITY_STARTS.items()} | {"STE": "SAINT", "SO": "SOUTH", "NO": "NORTH"}
    start = first.replace_strict(starts, default=None, return_dtype=pl.String)
    end = last.replace_strict(_CITY_ENDS, default=None, return_dtype=pl.String)
    spelled = pl.when(start.is_not_null()).then(start + bare.str.replace(r"^\S+", "")).otherwise(bare)
    spelled = pl.when(end.is_not_null()).then(spelled.str.replace(r"\S+$", "") + end).otherwise(spelled)
    return spelled.replace({"": None, "UNKNOWN": None, "N A": None, "NONE": None, "NULL": None, "NA": None})


def clean_state(name: pl.Expr) -> pl.Expr:
    """A state's two-letter code from its code or name; null where it is neither."""
    bare = name.str.to_uppercase().str.replace_all(r"[^A-Z ]+", "").str.strip_chars()
    return bare.replace_strict(STATES, default=None, return_dtype=pl.String)


def clean_zip(text: pl.Expr) -> pl.Expr:
    """A ZIP column's value as five digits (a lost leading zero restored), or null. Says nothing on existence."""
    digits = text.str.strip_chars().str.extract(r"^(\d{3,5})(?:\.0+)?(?:[- ]?\d{4})?$", 1)
    return pl.when(digits.str.len_chars() > 0).then(digits.str.zfill(5)).replace({"00000": None, "99999": None})


def build_places() -> pl.DataFrame:
    """The content of `us_places.parquet`, from the two packages."""
    import addfips  # noqa: PLC0415  only needed to rebuild the file
    import zipcodes  # noqa: PLC0415

    fips = addfips.AddFIPS()

    def county_fips(county: str, state: str) -> str | None:
        if not county:
            return None
        code = fips.get_county_fips(county, state) or fips.get_county_fips(county.replace("St ", "St. "), state)
        return str(code) if code else None

    rows: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]
    frame = pl.DataFrame(
        {
            "zip": [row["zip_code"] for row in rows],
            "zip_type": [row["zip_code_type"] for row in rows],
            "city": [row["city"] for row in rows],
            "state": [row["state"] for row in rows],
            "county_fips": [county_fips(row["county"], row["state"]) for row in rows],
            "lat": [float(row["lat"]) if row["lat"] else None for row in rows],
            "lon": [float(row["long"]) if row["long"] else None for row in rows],
            "aliases": [row["acceptable_cities"] + row["unacceptable_cities"] for row in rows],
        },
        schema_overrides={"county_fips": pl.String, "aliases": pl.List(pl.String)},
    )
    aliases = (
        frame.select("zip", "aliases")
        .explode("aliases")
        .select("zip", clean_city(pl.col("aliases")).alias("alias"))
        .drop_nulls()
        .group_by("zip")
        .agg(pl.col("alias").unique().sort().alias("aliases"))
    )
    return (
        frame.drop("aliases")
        .with_columns(clean_city(pl.col("city")))
        .join(aliases, on="zip", how="left")
        .with_columns(pl.col("aliases").fill_null([]))
        .unique("zip", keep="first", maintain_order=True)
        .sort("zip")
    )


if __name__ == "__main__":
    build_places().write_parquet(PLACES_FILE, compression="zstd", compression_level=19)
