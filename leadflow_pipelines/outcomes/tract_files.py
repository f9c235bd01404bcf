"""Which census tract a home lies in and what is told of that tract, from the user's files and from geocoders' answers.

Here: reading, and finding the homes meant. For reports alone: no table holds a tract, and no model is given one.
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import polars as pl

from leadflow_pipelines.contracts import PROPERTIES
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake, holds_on
from leadflow_pipelines.outcomes.known_properties import find_properties
from leadflow_pipelines.properties import normalize_addresses, parcel_key
from leadflow_pipelines.providers.sources import census
from leadflow_pipelines.providers.sources.coordinates import BETWEEN_KEYS
from leadflow_pipelines.source_rows.checked_rows import RowFault, Wrong, read_checked_csv, read_checked_parquet

Row = TypeVar("Row")
HOME_COLUMNS: Final = ("property_id", "parcel_number", "address")
TRACT_DIGITS: Final = 11
COUNTY_DIGITS: Final = 5
FAULTS_SHOWN: Final = 5
HOMES_TRACTS: Final = {"property_id": pl.String(), "tract": pl.String()}


@dataclass(frozen=True)
class _Tract:
    tract: str
    share: float | None


@dataclass(frozen=True)
class _Home:
    property_id: str
    parcel_number: str
    address: str
    zip: str
    tract: str


@dataclass(frozen=True)
class HomesOfTracts:
    """property_id, tract of each home found; how many rows of the file name no home that the lake knows."""

    homes: pl.DataFrame
    unknown: int


def read_tracts(path: Path, share: str) -> pl.DataFrame:
    """tract and `share` (0 to 1, null where blank) of a CSV or Parquet file of census tracts.

    Raises InvalidInput that names file, row, column and what to do, and where a tract stands twice.
    """
    layout = f"A file of tracts has the columns tract (eleven digits) and {share} (0 to 1)."
    if share == "tract":
        raise InvalidInput("--share names the column of tracts.", remedy=layout)
    rows, faults = _read(path, lambda cells: _tract_row(cells, share), needed=("tract", share), layout=layout)
    first: dict[str, int] = {}
    for number, one in rows.items():
        if first.setdefault(one.tract, number) != number:
            again = f"{one.tract} stands in row {first[one.tract]}, too."
            faults.append(RowFault(path.name, number, "tract", again, "Give one row per tract."))
    _refuse(path, faults)
    told = [(one.tract, one.share) for one in rows.values()]
    return pl.DataFrame(told, schema={"tract": pl.String, share: pl.Float64}, orient="row")


def read_homes(path: Path, lake: Lake, *, day: dt.date) -> HomesOfTracts:
    """The tract of each home that a CSV or Parquet file names by property_id, parcel_number or address (with zip).

    The first of them that a row has counts. A parcel number is sought in the tract's county. A blank tract is one that
    nobody knows. Raises InvalidInput that names file, row, column and what to do.
    """
    layout = f"A file of homes has the column tract and one of {', '.join(HOME_COLUMNS)} (with zip)."
    rows, faults = _read(path, _home_row, needed=("tract",), optional=(*HOME_COLUMNS, "zip"), layout=layout)
    _refuse(path, faults)
    given = pl.DataFrame(
        [(number, *vars(one).values()) for number, one in rows.items() if one.tract],
        schema={"row": pl.Int64, **dict.fromkeys((*HOME_COLUMNS, "zip", "tract"), pl.String)},
        orient="row",
    )
    found = pl.concat([_by_id(given, lake), _by_parcel(given, lake, day), _by_address(given, lake, day)])
    twice = found.group_by("property_id").agg(pl.col("tract").n_unique().alias("tracts"), pl.col("row").sort())
    _refuse(path, [_two_tracts(path, one) for one in twice.filter(pl.col("tracts") > 1).iter_rows(named=True)])
    unknown = given.height - found["row"].n_unique()
    return HomesOfTracts(found.select(*HOMES_TRACTS).unique().sort("property_id"), unknown)


def geocoded_tracts(lake: Lake, *, day: dt.date) -> pl.DataFrame:
    """property_id, tract of the homes whose address the Census Bureau's geocoder placed, as its raw answers tell."""
    raw = lake.raw.read_all(census.NAME)
    parts = [pl.col("payload").str.json_path_match(f"$.{name}").fill_null("") for name in ("state", "county", "tract")]
    told = (
        raw.select(
            pl.col("item_key").str.split(BETWEEN_KEYS).alias("address_key"),
            pl.concat_str(parts).alias("tract"),
            "fetched_at",
        )
        .filter(pl.col("tract").str.len_chars() == TRACT_DIGITS)
        .explode("address_key")
        .sort("fetched_at", "tract")
        .unique("address_key", keep="last")
    )
    known = lake.read(PROPERTIES, where=holds_on(day), columns=["property_id", "address_key"])
    return known.join(told, on="address_key").select(*HOMES_TRACTS).unique("property_id").sort("property_id")


def _read(
    path: Path,
    read: Callable[[Mapping[str, str]], Row | Wrong],
    *,
    needed: Sequence[str],
    optional: Sequence[str] = (),
    layout: str,
) -> tuple[dict[int, Row], list[RowFault]]:
    reader = read_checked_parquet if path.suffix.lower() in (".parquet", ".pq") else read_checked_csv
    return reader(path, read, needed=needed, optional=optional, layout=layout)


def _refuse(path: Path, faults: Sequence[RowFault]) -> None:
    """A report over half a file would mislead: every fault is named at once."""
    if not faults:
        return
    ordered = sorted(faults, key=lambda fault: fault.row)
    lines = [f"  row {one.row}, {one.column}: {one.message} {one.remedy}" for one in ordered[:FAULTS_SHOWN]]
    more = [f"  and {len(faults) - FAULTS_SHOWN:,} more"] if len(faults) > FAULTS_SHOWN else []
    raise InvalidInput(
        f"{path.name} cannot be used:\n" + "\n".join([*lines, *more]), remedy="Correct the file and run it again."
    )


def _tract_row(cells: Mapping[str, str], share: str) -> _Tract | Wrong:
    tract = _tract(cells["tract"])
    if not tract:
        return "tract", "It is blank.", "Every row needs it."
    if not cells[share]:
        return _Tract(tract, None)
    try:
        value = float(cells[share])
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        return share, f"{cells[share]!r} is no share.", "Write it from 0 to 1: a percentage divided by 100."
    return _Tract(tract, value)


def _home_row(cells: Mapping[str, str]) -> _Home | Wrong:
    if not any(cells[name] for name in HOME_COLUMNS):
        return HOME_COLUMNS[0], "It is blank.", f"A home needs one of {', '.join(HOME_COLUMNS)}."
    named = {name: cells[name] for name in (*HOME_COLUMNS, "zip")}
    return _Home(**named, tract=_tract(cells["tract"]))


def _tract(text: str) -> str:
    """Eleven digits: without `1400000US` before them, with the zero that spreadsheets drop."""
    bare = text.rpartition("US")[2].strip()
    return bare.zfill(TRACT_DIGITS) if bare.isdecimal() and len(bare) == TRACT_DIGITS - 1 else bare


def _two_tracts(path: Path, twice: Mapping[str, object]) -> RowFault:
    rows = twice["row"]
    assert isinstance(rows, list)
    told = f"{twice['property_id']} lies in another tract in row {rows[0]}."
    return RowFault(path.name, rows[-1], "tract", told, "Give one tract per home.")


def _by_id(given: pl.DataFrame, lake: Lake) -> pl.DataFrame:
    named = given.filter(pl.col("property_id") != "")
    known = find_properties(lake, named["property_id"].unique().to_list())
    ids = pl.DataFrame({"property_id": [*known], "now": [*known.values()]}, schema=dict.fromkeys(_IDS, pl.String))
    return named.join(ids, on="property_id").select("row", pl.col("now").alias("property_id"), "tract")


def _by_parcel(given: pl.DataFrame, lake: Lake, day: dt.date) -> pl.DataFrame:
    named = given.filter((pl.col("property_id") == "") & (pl.col("parcel_number") != ""))
    county = pl.col("tract").str.head(COUNTY_DIGITS)
    keyed = named.with_columns(parcel_key(county, pl.col("parcel_number")).alias("key")).drop_nulls("key")
    known = lake.read(PROPERTIES, where=holds_on(day), columns=["property_id", "parcel_key"]).drop_nulls()
    return keyed.select("row", "tract", "key").join(known, left_on="key", right_on="parcel_key").select(*_FOUND)


def _by_address(given: pl.DataFrame, lake: Lake, day: dt.date) -> pl.DataFrame:
    named = given.filter((pl.col("property_id") == "") & (pl.col("parcel_number") == ""))
    asked = named.select("row", "tract", "address", pl.when(pl.col("zip") != "").then("zip").alias("zip"))
    keyed = normalize_addresses(asked).select("row", "tract", "address_key").drop_nulls("address_key")
    known = lake.read(PROPERTIES, where=holds_on(day), columns=["property_id", "address_key"]).drop_nulls()
    return keyed.join(known, on="address_key").select(*_FOUND)


_IDS: Final = ("property_id", "now")
_FOUND: Final = ("row", "property_id", "tract")
