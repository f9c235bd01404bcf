"""Real parcels of two cities, as one frame, for the dialects to be written from.

Here: reading the labelled data's sales files into street parts. Not here: how a provider writes them (`dialects`).
Deliberately independent of the product's own parser: its faults must not hide in the truth.
"""

from functools import cache
from pathlib import Path

import polars as pl

from leadflow_pipelines.properties.addresses.places import city_zips, zip_table

PARCEL_COLUMNS = (
    "parcel_id", "kind", "house_number", "pre", "name", "suffix", "post", "unit", "city", "state", "zip",
    "county_fips", "parcel_number", "owner_name",
)  # fmt: skip
"""All String. kind is "real" here; `lookalikes` adds invented neighbours. parcel_id is the truth."""
PARTS = PARCEL_COLUMNS[2:8]
"""What stands in a line: house_number to unit."""

SUFFIX_FORMS = {
    "ALLEY": ("ALY",), "AVENUE": ("AVE", "AV"), "BEND": ("BND",), "BOULEVARD": ("BLVD",), "CIRCLE": ("CIR",),
    "COURT": ("CT",), "COVE": ("CV",), "CRESCENT": ("CRES",), "CROSSING": ("XING",), "DRIVE": ("DR",),
    "EXPRESSWAY": ("EXPY", "EXPWY"),
    "GARDENS": ("GDNS",), "GREEN": ("GRN",), "GROVE": ("GRV",), "HEIGHTS": ("HTS",), "HIGHWAY": ("HWY",),
    "HILL": ("HL",), "KNOLL": ("KNL",), "LANDING": ("LNDG",), "LANE": ("LN",), "LOOP": (), "MEADOW": ("MDW",),
    "PARK": (), "PARKWAY": ("PKWY", "PKY"), "PASS": (), "PATH": (), "PIKE": (), "PLACE": ("PL",), "PLAZA": ("PLZ",),
    "POINT": ("PT",), "RIDGE": ("RDG",), "ROAD": ("RD",), "ROW": (), "RUN": (), "SQUARE": ("SQ",), "STREET": ("ST",),
    "SUMMIT": ("SMT",),
    "TERRACE": ("TER",), "TRACE": ("TRCE",), "TRAIL": ("TRL",), "TURNPIKE": ("TPKE",), "VIEW": ("VW",),
    "WALK": (), "WAY": (),
}  # fmt: skip
"""Full name of a street type to the abbreviations in which sources write it, the standard one first."""
_TO_FULL = {form: full for full, forms in SUFFIX_FORMS.items() for form in (full, *forms)}
DIRECTION_NAMES = {
    "N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST", "NE": "NORTHEAST", "NW": "NORTHWEST", "SE": "SOUTHEAST",
    "SW": "SOUTHWEST",
}  # fmt: skip
_TO_DIRECTION = {form: short for short, full in DIRECTION_NAMES.items() for form in (short, full)}

_UNIT = r"\s(?:APT|UNIT|STE|#)\s*#?\s*([A-Z0-9\-]+)$"
_NUMBER = r"^([1-9][0-9]*(?:-[0-9]+)?[A-Z]?)\s"
_SURNAMES = [
    "SMITH", "JOHNSON", "WILLIAMS", "BROWN", "JONES", "GARCIA", "MILLER", "DAVIS", "RODRIGUEZ", "MARTINEZ",
    "HERNANDEZ", "LOPEZ", "GONZALEZ", "WILSON", "ANDERSON", "THOMAS", "TAYLOR", "MOORE", "JACKSON", "MARTIN",
    "LEE", "PEREZ", "THOMPSON", "WHITE", "HARRIS", "SANCHEZ", "CLARK", "RAMIREZ", "LEWIS", "ROBINSON", "WALKER",
    "YOUNG", "ALLEN", "KING", "WRIGHT", "SCOTT", "TORRES", "NGUYEN", "HILL", "FLORES", "GREEN", "ADAMS",
    "NELSON", "BAKER", "HALL", "RIVERA", "CAMPBELL", "MITCHELL", "CARTER", "ROBERTS", "CHEN", "WANG", "SINGH",
    "KHAN", "PATEL", "KIM", "PARK", "COHEN", "ROSSI", "NOWAK", "O'BRIEN", "MCDONALD", "DE-LA-CRUZ",
]  # fmt: skip
_GIVEN = [
    "JAMES", "MARY", "ROBERT", "PATRICIA", "JOHN", "JENNIFER", "MICHAEL", "LINDA", "DAVID", "ELIZABETH",
    "WILLIAM", "BARBARA", "RICHARD", "SUSAN", "JOSEPH", "JESSICA", "THOMAS", "SARAH", "CHARLES", "KAREN", "WEI",
    "MEI", "RAJ", "PRIYA", "OMAR", "FATIMA", "JOSE", "MARIA", "LUIS", "ANA", "IVAN", "OLGA",
]  # fmt: skip


def nashville_parcels(data: Path, size: int | None = None, seed: int = 0) -> pl.DataFrame:
    """PARCEL_COLUMNS of Davidson County: the sales file, and the investor parcels that it lacks.

    No file there has a ZIP. One of the city's deliverable ZIPs is given by street, so that a street has one; half
    of the streets stay without. The investor parcels name no city: they get that of their street in the sales file.
    """
    parcels = _street_parts(_nashville_rows(data))
    street = pl.concat_str("name", "suffix", separator=" ", ignore_nulls=True)
    parcels = parcels.with_columns(
        pl.col("city").fill_null(pl.col("city").drop_nulls().mode().sort().first().over(street))
    )
    parcels = parcels.filter(pl.col("city").is_not_null() & ~pl.col("city").is_in(["UNKNOWN", "FRANKLIN", "BELLEVUE"]))
    deliverable = (
        city_zips().filter((pl.col("state") == "TN") & (pl.col("county_fips") == "47037"), zip_type="STANDARD")
        .group_by("city").agg(pl.col("zip").unique().sort().alias("zips"))
    )  # fmt: skip
    # A sum of the street's letters is the same in every version and process, unlike a hash.
    weight = street.str.len_bytes() * 7 + street.str.count_matches("[AEIOU]") * 3 + street.str.count_matches("[L-Z]")
    parcels = parcels.join(deliverable, on="city", how="left").with_columns(
        state=pl.lit("TN"),
        county_fips=pl.lit("47037"),
        zip=pl.when(weight % 2 == 0).then(pl.col("zips").list.get((weight // 2) % pl.col("zips").list.len())),
    )
    return _one_row_each(parcels, size, seed)


def queens_parcels(data: Path, size: int | None = None, seed: int = 0) -> pl.DataFrame:
    """PARCEL_COLUMNS of Queens County: both sales files. The city is the ZIP's; owners are invented, none is published.

    A co-operative's units share one parcel number (borough, block, lot), as they do in the files.
    """
    postal = zip_table().select("zip", "city", "state", "county_fips")
    parcels = _street_parts(_queens_rows(data)).join(postal, on="zip").filter(pl.col("county_fips") == "36081")
    parcels = _one_row_each(parcels.with_columns(owner_name=pl.lit(None, dtype=pl.String)), size, seed)
    at = [pl.int_range(pl.len()).shuffle(seed=seed + n) for n in range(4)]
    surname, given, spouse = (
        pl.lit(pl.Series(names)).gather(index % len(names))
        for names, index in zip((_SURNAMES, _GIVEN, _GIVEN), at, strict=False)
    )
    is_couple = at[3] % 5 < 2
    person = pl.concat_str(surname, pl.lit(", "), given, pl.when(is_couple).then(pl.lit(" & ") + spouse).fill_null(""))
    company = pl.concat_str("house_number", pl.lit(" "), "name", pl.lit(" REALTY LLC"))
    return parcels.with_columns(owner_name=pl.when(at[3] % 20 < 3).then(company).otherwise(person))


def quadrant_parcels(data: Path, size: int | None = None, seed: int = 0) -> pl.DataFrame:
    """PARCEL_COLUMNS of a city that neither file shows: Nashville's streets moved to Minneapolis.

    Half of the streets have a direction before or behind them, every fifth parcel is a building of two to six units
    with parcel numbers of their own, every parcel has a ZIP, and parcel numbers have another county's shape.
    """
    parcels = nashville_parcels(data, None if size is None else size * 2 // 3, seed)
    streets = parcels.select("name", "suffix").unique(maintain_order=True).with_columns(
        turn=pl.int_range(pl.len()).shuffle(seed=seed + 11) % 20
    )  # fmt: skip
    direction = pl.lit(pl.Series(["N", "S", "E", "W"])).gather(pl.col("turn") % 4)
    zips = zip_table().filter(zip_type="STANDARD", county_fips="27053", city="MINNEAPOLIS")["zip"].sort()
    floors = pl.when(pl.int_range(pl.len()).shuffle(seed=seed + 12) % 5 == 0).then(2 + pl.int_range(pl.len()) % 5)
    marks = pl.lit(pl.Series(["A", "101", "2B", "B", "202", "3C"]))
    parcels = (
        parcels.with_columns(pre=pl.lit(None, dtype=pl.String), post=pl.lit(None, dtype=pl.String), floors=floors)
        .join(streets, on=["name", "suffix"], nulls_equal=True, maintain_order="left")
        .with_columns(
            pre=pl.when(pl.col("turn") < 7).then(direction),
            post=pl.when(pl.col("turn").is_between(7, 9)).then(direction),
            zip=pl.lit(zips).gather(pl.col("turn") % len(zips)),
            floor=pl.int_ranges(0, pl.col("floors").fill_null(1)),
        )
        .explode("floor")
        .with_columns(unit=pl.when(pl.col("floors").is_not_null()).then(marks.gather(pl.col("floor"))))
        .with_columns(city=pl.lit("MINNEAPOLIS"), state=pl.lit("MN"), county_fips=pl.lit("27053"))
    )
    at = pl.int_range(pl.len())
    number = pl.format("{}-028-24-{}-{}", 10 + at // 9_000 % 90, 10 + at // 100 % 90, (at % 9_000 + 1_000))
    return _one_row_each(parcels.with_columns(parcel_number=number), size, seed)


@cache
def queens_sales(file: Path) -> pl.DataFrame:
    """The rows of a New York City sales file under their own column names, all String."""
    raw = pl.read_excel(file, has_header=False)
    names = [" ".join(str(name).split()) for name in raw.row(0)]
    return raw[1:].rename(dict(zip(raw.columns, names, strict=True))).cast(pl.String)


def borough_block_lot() -> pl.Expr:
    """Ten digits that name a New York parcel."""
    return pl.concat_str("BOROUGH", pl.col("BLOCK").str.zfill(5), pl.col("LOT").str.zfill(4))


def identity() -> list[pl.Expr]:
    """What names a parcel within its place: no hyphens in Queens numbers and in units, no zeros before a unit."""
    unit = pl.col("unit").str.replace_all("-", "").str.strip_chars_start("0")
    is_queens = pl.col("county_fips") == "36081"
    number = pl.when(is_queens).then(pl.col("house_number").str.replace_all("-", "")).otherwise("house_number")
    return [number, pl.col("pre"), pl.col("name"), pl.col("suffix"), pl.col("post"), unit]


def county_lines(data: Path, city: str) -> pl.DataFrame:
    """written (one address as nashville or queens has it), zip, and the PARTS that this module reads, all distinct."""
    rows = {"nashville": _nashville_rows, "queens": _queens_rows}[city](data)
    return _street_parts(rows).select("written", "zip", *PARTS).unique(maintain_order=True)


def _nashville_rows(data: Path) -> pl.DataFrame:
    """line (street and unit), written (the whole address), city, zip (none), parcel_number, owner_name."""
    none = pl.lit(None, dtype=pl.String)
    sales = _read_csv(data / "nashville" / "sales_2013_2016.csv").select(
        line=pl.col("PropertyAddress").str.extract(r"^([^,]*)", 1),
        written="PropertyAddress",
        city=pl.col("PropertyAddress").str.extract(r", *([A-Z ]+?) *$", 1),
        zip=none, parcel_number="ParcelID", owner_name="OwnerName",
    )  # fmt: skip
    investors = _read_csv(data / "nashville" / "investor_parcels.csv.gz").select(
        line="address", written="address", city=none, zip=none, parcel_number="parcel_id",
        owner_name="owner_cluster_name",
    )  # fmt: skip
    return pl.concat([sales, investors])


def _queens_rows(data: Path) -> pl.DataFrame:
    """line (street and unit), written, zip, parcel_number."""
    street = pl.col("ADDRESS").str.extract(r"^([^,]*)", 1)
    unit = pl.coalesce(pl.col("ADDRESS").str.extract(r", *([^,]+?) *$", 1), "APARTMENT NUMBER").str.strip_chars()
    in_line = pl.col("ADDRESS").str.contains(",") | pl.col("APARTMENT NUMBER").is_null()
    return pl.concat(
        queens_sales(data / "queens" / file).select(
            line=pl.concat_str(street, pl.lit(" # ") + unit.replace("", None), ignore_nulls=True),
            written=pl.concat_str("ADDRESS", pl.when(~in_line).then(pl.lit(", ") + pl.col("APARTMENT NUMBER")),
                                  ignore_nulls=True),
            zip="ZIP CODE",
            parcel_number=borough_block_lot(),
        )
        for file in ("annual_2019.xlsx", "rolling_2019-11_2020-10.xlsx")
    )  # fmt: skip


@cache
def _read_csv(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, infer_schema=False)


def _street_parts(rows: pl.DataFrame) -> pl.DataFrame:
    """`line` cut into house_number, pre, name, suffix (full name), post, unit. Lines without a number are left out."""
    line = pl.col("line").str.to_uppercase().str.replace_all(r"\s+", " ").str.strip_chars()
    rows = rows.with_columns(line, unit=line.str.extract(_UNIT, 1)).with_columns(
        pl.col("line").str.replace(_UNIT, "").alias("line")
    )
    rows = rows.with_columns(
        house_number=pl.col("line").str.extract(_NUMBER, 1),
        words=pl.col("line").str.replace(_NUMBER, "").str.strip_chars().str.split(" "),
    ).filter(pl.col("house_number").is_not_null() & ~pl.col("line").str.contains(r"[^A-Z0-9 '\-]"))
    words = pl.col("words")
    but_last = words.list.head(words.list.len() - 1)
    last = words.list.last().replace_strict(_TO_DIRECTION, default=None)
    rows = rows.with_columns(post=pl.when(words.list.len() > 2).then(last))
    rows = rows.with_columns(words=pl.when(pl.col("post").is_not_null()).then(but_last).otherwise(words))
    rows = rows.with_columns(
        suffix=pl.when(words.list.len() > 1).then(words.list.last().replace_strict(_TO_FULL, default=None))
    )
    rows = rows.with_columns(words=pl.when(pl.col("suffix").is_not_null()).then(but_last).otherwise(words))
    first = words.list.first().replace_strict(_TO_DIRECTION, default=None)
    rows = rows.with_columns(pre=pl.when(words.list.len() > 1).then(first))
    rows = rows.with_columns(words=pl.when(pl.col("pre").is_not_null()).then(words.list.slice(1)).otherwise(words))
    name = words.list.join(" ").str.replace(r"^ST (\w)", "SAINT ${1}").str.replace(r"\b(\d+)(?:ST|ND|RD|TH)$", "${1}")
    rows = rows.with_columns(name=name).filter(pl.col("name").str.contains(r"\w")).drop("words", "line")
    # 937 ADELMAS AVE stands for 937A DELMAS AVE: what is truth there, nobody can say.
    fused = pl.col("name").str.extract(r"^[A-D] ?(\w{2,}.*)$", 1).is_in(rows["name"].unique().implode())
    apart = pl.col("name").str.contains("^[A-D] [NSEW] ")
    # WEST END PL is a place called West End, not the west half of End Place.
    is_name = (pl.col("name") == "END") & pl.col("pre").is_not_null()
    return rows.filter(~fused.fill_null(value=False) & ~apart).with_columns(
        name=pl.when(is_name).then(pl.col("pre").replace(DIRECTION_NAMES) + " END").otherwise("name"),
        pre=pl.when(~is_name).then("pre"),
    )


def _one_row_each(parcels: pl.DataFrame, size: int | None, seed: int) -> pl.DataFrame:
    """One row per distinct address and per (parcel number, unit); a sample of `size` whole blocks of neighbours.

    Whole streets are drawn rather than single parcels, so that neighbours, and units of one building, stay together.
    """
    place = pl.coalesce("zip", "city")
    parcels = parcels.sort(pl.all()).unique(["parcel_number", "unit"], keep="first", maintain_order=True)
    parcels = parcels.unique([*identity(), place], keep="first", maintain_order=True)
    # The same street under two spellings (with and without its type) would be one truth under two ids.
    doubtful = pl.col("suffix").is_null() & (pl.col("suffix").is_not_null().any().over("name", place))
    parcels = parcels.filter(~doubtful)
    if size is not None:
        streets = parcels.select("name", "suffix", place=place).unique(maintain_order=True)
        drawn = streets.sample(fraction=1.0, shuffle=True, seed=seed).with_row_index("rank")
        parcels = (
            parcels.with_columns(place=place)
            .join(drawn, on=["name", "suffix", "place"], nulls_equal=True, maintain_order="left")
            .sort("rank", maintain_order=True)
            .head(size)
        )
    parcels = parcels.with_columns(parcel_id=pl.format("p{}", pl.int_range(pl.len())), kind=pl.lit("real"))
    return parcels.select(PARCEL_COLUMNS)
