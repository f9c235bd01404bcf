"""Invented parcels in real places all over the country, for the street forms that two cities cannot show.

Here: grids, routes, quadrants, names that are suffixes or directions, Spanish names, in cities whose own names hold
such words. Not here: real parcels (`parcels`).
"""

from pathlib import Path

import polars as pl

from leadflow_pipelines.properties.addresses.places import zip_table
from tests.accuracy.parcels import PARCEL_COLUMNS, identity

_FORMS: dict[str, tuple[int, list[str]]] = {
    "plain": (30, [
        "MAIN", "OAK", "MAPLE", "WASHINGTON", "ELM", "JEFFERSON", "WALNUT", "HICKORY", "LINCOLN", "DOGWOOD", "FRANKLIN",
        "SYCAMORE", "CHERRY", "MARTIN LUTHER KING JR", "O'HARA", "MCKINLEY", "QUAKER", "SUNNYSIDE", "WINDING WAY",
        "OLD MILITARY", "COUNTRY CLUB", "BUENA VISTA", "PLEASANT GROVE", "TEN MILE", "FIVE POINTS", "THREE RIVERS",
    ]),
    "numbered": (15, [str(number) for number in (*range(1, 32), 42, 53, 71, 99, 101, 112, 124, 130)]),
    "short_word": (6, ["SAINT CLAIR", "SAINT ANDREWS", "MOUNT VERNON", "MOUNT ZION", "FORT SUMTER", "SAINT JAMES"]),
    "direction": (4, ["NORTH", "SOUTH", "EAST", "WEST", "SOUTHERN", "NORTHWEST", "EASTERN", "WESTERN"]),
    "suffix_word": (12, [
        "PARK", "LAKE", "FOREST HILL", "CENTER", "COURT", "GREEN", "VIEW RIDGE", "MILL CREEK", "LAKE SHORE", "SPRING",
        "POINT PLEASANT", "STONE BRIDGE", "VALLEY VIEW", "RIVER", "BEACH", "GARDEN", "CHURCH HILL", "UNION", "PLAZA",
    ]),
    "route": (7, [
        "HIGHWAY 31", "US HIGHWAY 41", "STATE HIGHWAY 7", "STATE ROUTE 9", "COUNTY ROAD 42", "COUNTY ROAD 118",
    ]),
    "spanish": (6, [
        "LA CIENEGA", "EL DORADO", "SAN VICENTE", "SANTA ROSA", "DE LA GUERRA", "LOS ROBLES", "LA SALLE", "DEL PRADO",
    ]),
    "spanish_whole": (4, [
        "EL CAMINO REAL", "CALLE DEL SOL", "CAMINO DEL RIO", "VIA DE LA VALLE", "PASEO DEL NORTE", "AVENIDA ENCINAS",
    ]),
    "lettered": (3, ["AVENUE B", "AVENUE K", "AVENUE M", "AVENUE U"]),
    "whole": (3, ["BROADWAY", "THE ALAMEDA", "PARK ROW", "BOWERY"]),
    "grid": (4, ["300", "500", "700", "900", "1300", "2100"]),
}  # fmt: skip
"""Form of street: its share in percent, its names."""
_WITHOUT_SUFFIX = ["route", "spanish_whole", "lettered", "whole", "grid"]
_WITHOUT_UNIT = ["route", "grid", "lettered", "direction"]
"""SOUTH AVE A is Avenue A as well as a unit of South Avenue."""
_SUFFIXES = [
    "STREET", "AVENUE", "ROAD", "DRIVE", "LANE", "COURT", "BOULEVARD", "PLACE", "CIRCLE", "TRAIL", "TERRACE", "PARKWAY",
    "HIGHWAY", "SQUARE", "WAY", "RIDGE", "COVE", "LOOP", "POINT", "PLAZA",
]  # fmt: skip
_THOROUGHFARES = ["STREET", "AVENUE", "ROAD", "PLACE", "DRIVE", "COURT", "TERRACE"]
_UNITS = ["A", "B", "1", "2", "3F", "12", "4B", "101", "202", "1201", "C2", "G"]
_ZIPS, _TRAPPED_ZIPS = 300, 100
_TRAPS = r"^(?:UPPER|LOWER|VILLA|KEY|FRONT|SIDE|NORTH|EAST|PARK|LAKE|CENTER|COURT|GREEN|FORT|SAINT|PLAZA|AVENUE) "
"""Cities that begin with a unit's, a street's or a direction's word: FRONT ROYAL, KEY WEST, UPPER MARLBORO."""


def invented_parcels(data: Path | None = None, size: int | None = None, seed: int = 0) -> pl.DataFrame:
    """PARCEL_COLUMNS of `size` (20,000) parcels on some streets of 400 ZIPs, a quarter of them traps.

    `data` is not read: nothing here is real but the places.
    """
    count = size or 20_000
    places = zip_table().filter(pl.col("county_fips").is_not_null() & (pl.col("state") != "PR"), zip_type="STANDARD")
    trapped = places.filter(pl.col("city").str.contains(_TRAPS)).sort("zip").sample(_TRAPPED_ZIPS, seed=seed)
    places = pl.concat([places.sort("zip").sample(_ZIPS, seed=seed, shuffle=True), trapped])
    places = places.select("zip", "city", "state", "county_fips")

    def draw(at: int, values: list[str]) -> pl.Expr:
        return pl.lit(pl.Series(values)).gather(pl.int_range(pl.len()).shuffle(seed=seed + at) % len(values))

    share = [form for form, (percent, _) in _FORMS.items() for _ in range(percent)]
    streets = pl.select(at=pl.int_range(max(count // 6, 50))).with_columns(form=draw(1, share), turn=draw(2, _TURNS))
    named = [
        part.with_columns(name=draw(3 + at, _FORMS[form][1]))
        for at, form in enumerate(_FORMS)
        if (part := streets.filter(form=form)).height
    ]
    streets = pl.concat(named).sort("at").with_columns(
        suffix=pl.when(pl.col("form").is_in(_WITHOUT_SUFFIX)).then(None)
        .when(pl.col("form") == "numbered").then(draw(20, _THOROUGHFARES))
        .when(pl.col("form") == "direction").then(draw(21, ["AVENUE", "STREET"]))
        .otherwise(draw(22, _SUFFIXES)),
        pre=pl.when(pl.col("form") == "grid").then(draw(23, ["N", "S"]))
        .when(~pl.col("form").is_in(["direction", "route", "lettered"]) & pl.col("turn").str.starts_with("pre"))
        .then(pl.col("turn").str.slice(4)),
        post=pl.when(pl.col("form") == "grid").then(draw(24, ["E", "W"]))
        .when(pl.col("form").is_in(["numbered", "plain", "spanish", "suffix_word"])
              & pl.col("turn").str.starts_with("post")).then(pl.col("turn").str.slice(5)),
    ).hstack(places.sample(streets.height, with_replacement=True, seed=seed + 1))  # fmt: skip
    parcels = streets.sample(count, with_replacement=True, seed=seed + 2)
    step = pl.int_range(pl.len()).shuffle(seed=seed + 30)
    tail = draw(31, ["", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", " 1/2", "A", "B"])
    parcels = parcels.with_columns(
        house_number=(100 + step % 89 * 101).cast(pl.String) + tail,
        unit=pl.when((step % 4 == 0) & ~pl.col("form").is_in(_WITHOUT_UNIT)).then(draw(32, _UNITS)),
        parcel_number=pl.format("{}-{}-{}", 100 + step % 899, 10 + step % 89, 1_000 + step),
        owner_name=draw(33, [f"{last}, {first}" for last in _OWNERS for first in ("PAT", "SAM & LEE", "ALEX J")]),
        kind=pl.lit("real"),
    )
    parcels = parcels.unique([*identity(), pl.col("zip")], keep="first", maintain_order=True)
    # A street that differs from another of its ZIP by what a dialect may drop is no truth to be read.
    parcels = parcels.filter(pl.struct("suffix", "pre", "post").n_unique().over("name", "zip") == 1)
    return parcels.with_columns(parcel_id=pl.format("i{}", pl.int_range(pl.len()))).select(PARCEL_COLUMNS)


_TURNS = [
    *["none"] * 11, "pre N", "pre S", "pre E", "pre W", "post N", "post W", "post NW", "post SE", "pre NE", "pre SW",
]  # fmt: skip
_OWNERS = ["EXAMPLE", "SAMPLE", "SPECIMEN", "PLACEHOLDER", "FICTION", "DOE", "ROE", "NOMAN", "NEMO"]
