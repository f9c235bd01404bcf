"""Invented property records at real places: several sources' dialects of one set of properties.

Here: records with their truth, and a hostile file. Not here: what is measured on them (`identity`). ZIPs, cities and
counties are real; nobody who owns anything here exists, and parcel numbers are counted.
"""

import polars as pl

from leadflow_pipelines.properties.addresses.places import zip_table

REPEATED_SHARE = 0.2
"""Share of the records that say again, in some source's dialect, what an earlier record says."""
TYPO_SHARE = 0.03
PROPERTIES_PER_ZIP = 3_000
"""The country has some 150 million addresses in 30,000 delivered ZIPs; lists are bought where people live denser."""
STREETS_PER_ZIP = 150
ZIPS_IN_A_ROW = 40
"""ZIPs come in runs of neighbours, as those of a metropolitan area do: that is where streets resemble each other."""
HOSTILE_UNITS = 5_000
SOURCES = ("county_roll", "tax_list", "listing", "vendor")


def _words(text: str) -> list[str]:
    return text.split()


_COMMON = _words(
    "MAIN PARK OAK PINE MAPLE CEDAR ELM WASHINGTON LAKE HILL WALNUT SPRING NORTH RIDGE LINCOLN CHURCH WILLOW MILL "
    "SUNSET RAILROAD JEFFERSON JACKSON CHERRY RIVER CENTER HIGHLAND FOREST FRANKLIN MEADOW BROADWAY LAUREL VALLEY "
    "HICKORY MADISON COLLEGE ADAMS DOGWOOD GREEN SPRUCE BIRCH POPLAR MAGNOLIA CHESTNUT COTTAGE SYCAMORE LOCUST"
)
_STARTS = _words(
    "BRAM THORN ASH WEST KIRK LANG MARL OAKEN RAVEN STAN TREM WICK YAR HOLL FAIR GLEN HART DUN CROW BEL ALDER BIX "
    "CALD DRAY EVER FEN GRIM HAVER ILL JASP KELL LORN MOSS NETHER ORR PEN QUILL ROSS SEDGE TILL UPPER VANE WREN ZELL"
)
_ENDS = _words(
    "LEY TON FORD WOOD BROOK FIELD HURST MERE DALE STOKE WORTH BURN MONT SIDE COMBE SHAW GATE HAM WELL BURY CROFT "
    "STEAD LAND MOOR RIDGE"
)
_SECOND = _words("CREEK RIDGE HOLLOW HILLS FARM LANDING POINT GLEN RUN CHASE")
_SUFFIXES = {
    "ST": ("STREET", "St", "St."), "AVE": ("AVENUE", "Ave", "AV"), "DR": ("DRIVE", "Dr", "Dr."),
    "RD": ("ROAD", "Rd", "Road"), "LN": ("LANE", "Ln", "Lane"), "CT": ("COURT", "Ct", "Court"),
    "BLVD": ("BOULEVARD", "Blvd", "BLVD."), "WAY": ("WAY", "Way", "WY"), "PL": ("PLACE", "Pl", "Place"),
    "CIR": ("CIRCLE", "Cir", "CIRC"), "TRL": ("TRAIL", "Trl", "Trail"), "PKWY": ("PARKWAY", "Pkwy", "PKY"),
}  # fmt: skip
_SUFFIX_WEIGHTS = (26, 15, 17, 13, 10, 8, 3, 2, 3, 3, 1, 1)
_DIRECTIONS = {"N": "NORTH", "S": "SOUTH", "E": "EAST", "W": "WEST"}
_DESIGNATORS = ("APT", "UNIT", "#", "Apt", "Unit", "STE")
_TERRITORIES = ("PR", "VI", "GU", "AS", "MP", "FM", "MH", "PW")
_GIVEN = _words("ADA BERTO CILLA DORRIT EDMUNDA FENWICK GRISELDA HOBART IMOGENE JORUND KETURAH LEOPOLD")
_FIRST_TEN = _words("FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH NINTH TENTH")


def invent_records(rows: int, *, seed: int = 7) -> pl.DataFrame:
    """record_id, source, address or street and unit, city, state, zip, county_fips, parcel_number, owner_name, lat,
    lon, and `truth`: which property it is. In random order.

    REPEATED_SHARE of the rows repeat a property; TYPO_SHARE have one wrong letter in the street's name; parcel
    numbers, owners, ZIPs and coordinates are missing at the rates of real lists.
    """
    distinct = rows - int(rows * REPEATED_SHARE)
    truth = (
        pl.concat(
            [
                pl.select(pl.int_range(distinct)).to_series(),
                pl.select(pl.int_range(rows - distinct).hash(seed) % distinct).to_series().cast(pl.Int64),
            ]
        )
        .sample(fraction=1.0, shuffle=True, seed=seed)
        .alias("truth")
    )
    return _tell(_properties(distinct, seed)[truth].with_columns(truth), seed)


def invent_lines(rows: int, *, seed: int = 7) -> pl.DataFrame:
    """`address`: distinct one-line addresses in every dialect."""
    return _properties(rows, seed).with_columns(_dialect(seed)).with_columns(_street(seed)).select(_line())


def invent_hostile_records(rows: int, *, seed: int = 7) -> pl.DataFrame:
    """The file that breaks matchers: half of the rows without an address, the others one building of HOSTILE_UNITS
    units, each equally often; one parcel number for every twentieth row of either half; one owner's name in fifty
    10,000 characters long."""
    row, unit = pl.col("row"), pl.col("row") // 2 % HOSTILE_UNITS + 1
    designator = _pick(_DESIGNATORS[:3], _die(3, seed, 1))
    return pl.select(row=pl.int_range(rows)).select(
        pl.format("hostile-{}", row).alias("record_id"),
        _pick(SOURCES, _die(len(SOURCES), seed, 2)).alias("source"),
        address=pl.when(row % 2 == 1).then(pl.format("1 MAIN ST {} {}", designator, unit)).otherwise(pl.lit("")),
        city=pl.lit("NASHVILLE"), state=pl.lit("TN"), zip=pl.lit("37206"), county_fips=pl.lit("47037"),
        parcel_number=pl.when(row // 2 % 20 == 0).then(pl.lit("000-SHARED"))
        .when((row % 2 == 1) & (row % 3 == 0)).then(pl.format("UNIT-{}", unit)),
        owner_name=pl.when(row % 100 < 2).then(pl.lit("FICTIONAL OWNER " * 625)).otherwise(pl.lit("FICTIONAL OWNER")),
    )  # fmt: skip


def _die(sides: int, seed: int, salt: int) -> pl.Expr:
    """A number below `sides` for each row."""
    return (pl.int_range(pl.len()).hash(seed * 100 + salt) % sides).cast(pl.UInt32)


def _die_of(expr: pl.Expr, sides: int, seed: int, salt: int) -> pl.Expr:
    """A number below `sides` that rows with the same value share."""
    return (expr.hash(seed * 100 + salt) % sides).cast(pl.UInt32)


def _pick(values: list[str] | tuple[str, ...], choice: pl.Expr) -> pl.Expr:
    return pl.lit(pl.Series(values)).gather(choice)


def _street_names() -> list[str]:
    """From the commonest to those that stand once: 1 in 3 streets has one of the first fifty names."""
    ordinals = [
        f"{n}{'TH' if 10 < n % 100 < 14 else {1: 'ST', 2: 'ND', 3: 'RD'}.get(n % 10, 'TH')}" for n in range(1, 120)
    ]
    invented = [start + end for end in _ENDS for start in _STARTS]
    longer = [f"{name} {second}" for second in _SECOND for name in invented]
    return _COMMON[:20] + ordinals[:10] + _COMMON[20:] + ordinals[10:] + invented + longer


def _properties(count: int, seed: int) -> pl.DataFrame:
    """Distinct properties: place, number, pre, name, suffix, post, unit, parcel, owner; one row each."""
    zips = _zips(-(-count // PROPERTIES_PER_ZIP))
    names = _street_names()
    kinds = list(_SUFFIXES)
    suffixes = [kind for kind, weight in zip(kinds, _SUFFIX_WEIGHTS, strict=True) for _ in range(weight)]
    frame = pl.select(zip_at=(pl.int_range(count) // PROPERTIES_PER_ZIP).cast(pl.UInt32)).with_columns(
        # Squared, so that a few streets of a ZIP are long and many short.
        street_at=((_die(10_000, seed, 1) / 10_000).pow(2) * STREETS_PER_ZIP).cast(pl.UInt32),
    )
    frame = frame.with_columns(
        street=pl.col("zip_at") * STREETS_PER_ZIP + pl.col("street_at"),
        place_on_street=pl.int_range(pl.len(), dtype=pl.UInt32).over("zip_at", "street_at"),
    )
    streets = frame.select(pl.col("street").unique().sort()).with_columns(
        # Log-uniform rank: names are distributed as Zipf found words to be.
        name=_pick(names, (pl.lit(float(len(names))).pow(_die_of(pl.col("street"), 10_000, seed, 2) / 10_000) - 1)
                   .cast(pl.UInt32)),
        suffix=_pick(suffixes, _die_of(pl.col("street"), len(suffixes), seed, 3)),
        pre=pl.when(_die_of(pl.col("street"), 4, seed, 4) == 0)
        .then(_pick(list(_DIRECTIONS), _die_of(pl.col("street"), 4, seed, 5))),
        post=pl.when(_die_of(pl.col("street"), 30, seed, 6) == 0)
        .then(_pick(list(_DIRECTIONS), _die_of(pl.col("street"), 4, seed, 7))),
        first_number=100 + 100 * _die_of(pl.col("street"), 60, seed, 8),
        units_per_building=pl.when(_die_of(pl.col("street"), 10, seed, 9) == 0).then(12).otherwise(1),
    )  # fmt: skip
    # A second street of one name in a ZIP has its own numbers, so that no address stands for two properties.
    again = pl.int_range(pl.len()).over(pl.col("street") // STREETS_PER_ZIP, "name")
    streets = streets.with_columns(first_number=pl.col("first_number") + 10_000 * again)
    frame = frame.join(streets, on="street", how="left", maintain_order="left")
    at, per = pl.col("place_on_street"), pl.col("units_per_building")
    unit = pl.concat_str(at % per // 4 + 1, _pick(["A", "B", "C", "D"], (at % 4).cast(pl.UInt32)))
    return frame.select(
        zips["zip"].gather(frame["zip_at"]), zips["city"].gather(frame["zip_at"]),
        zips["state"].gather(frame["zip_at"]), zips["county_fips"].gather(frame["zip_at"]),
        zips["lat"].gather(frame["zip_at"]) + (pl.col("street_at") * 7 % 150).cast(pl.Float64) / 10_000,
        zips["lon"].gather(frame["zip_at"]) + at.cast(pl.Float64) / 10_000,
        (pl.col("first_number") + at // per * 3).cast(pl.String).alias("number"),
        "pre", "name", "suffix", "post",
        pl.when(per > 1).then(unit).alias("unit"),
        pl.concat_str(
            (pl.col("zip_at") + 100).cast(pl.String), (pl.col("street_at") + 1_000).cast(pl.String),
            (at + 10_000).cast(pl.String), separator="-",
        ).alias("parcel_number"),
        _owner(seed),
    )  # fmt: skip


def _zips(count: int) -> pl.DataFrame:
    """`count` delivered ZIPs in runs of neighbours, the runs spread over the country."""
    delivered = (
        zip_table().filter((pl.col("zip_type") == "STANDARD") & ~pl.col("state").is_in(_TERRITORIES)).sort("zip")
    )
    runs = -(-count // ZIPS_IN_A_ROW)
    step = max(delivered.height // runs, ZIPS_IN_A_ROW)
    wanted = [run * step + at for run in range(runs) for at in range(ZIPS_IN_A_ROW)]
    return delivered[[at % delivered.height for at in wanted[:count]]]


def _owner(seed: int) -> pl.Expr:
    surname = pl.concat_str(_pick(_STARTS, _die(len(_STARTS), seed, 10)), _pick(_ENDS, _die(len(_ENDS), seed, 11)))
    person = pl.concat_str(surname, pl.lit(" "), _pick(_GIVEN, _die(len(_GIVEN), seed, 12)))
    company = pl.concat_str(surname, pl.lit(" IMAGINARY HOLDINGS LLC"))
    return pl.when(_die(12, seed, 13) == 0).then(company).otherwise(person).alias("owner_name")


def _dialect(seed: int) -> list[pl.Expr]:
    """The parts of an address as some source writes them."""
    suffix_at = pl.col("suffix").replace_strict(list(_SUFFIXES), list(range(len(_SUFFIXES))), return_dtype=pl.UInt32)
    written = [form for suffix, others in _SUFFIXES.items() for form in (suffix, *others)]
    words = {f"{n}{'TH' if n > 3 else {1: 'ST', 2: 'ND', 3: 'RD'}[n]}": word for n, word in enumerate(_FIRST_TEN, 1)}
    long_way = {part: pl.when(_die(3, seed, salt) == 0).then(pl.col(part).replace(_DIRECTIONS)).otherwise(part)
                for part, salt in (("pre", 21), ("post", 22))}  # fmt: skip
    name = pl.when(_die(4, seed, 23) == 0).then(pl.col("name").replace(words)).otherwise("name")
    slip = (_die(60, seed, 24) % name.str.len_bytes().clip(lower_bound=1)).cast(pl.UInt32)
    is_slip = (_die(10_000, seed, 25) < TYPO_SHARE * 10_000) & pl.col("name").str.contains("^[A-Z]{4}")
    slipped = pl.concat_str(name.str.slice(0, slip), pl.lit("X"), name.str.slice(slip + 1))
    return [
        pl.when(is_slip).then(slipped).otherwise(name).alias("name"),
        _pick(written, suffix_at * 4 + _die(4, seed, 26)).alias("suffix"),
        *(expr.alias(part) for part, expr in long_way.items()),
        pl.concat_str(_pick(_DESIGNATORS, _die(len(_DESIGNATORS), seed, 27)), pl.lit(" "), "unit").alias("unit"),
    ]


def _street(seed: int) -> list[pl.Expr]:
    street = pl.concat_str("number", "pre", "name", "suffix", "post", separator=" ", ignore_nulls=True)
    mixed = _die(3, seed, 31) == 0
    return [
        pl.when(mixed).then(street.str.to_titlecase()).otherwise(street).alias("street"),
        pl.when(mixed).then(pl.col("city").str.to_titlecase()).otherwise("city").alias("city"),
    ]


def _line() -> pl.Expr:
    tail = pl.concat_str("state", "zip", separator=" ", ignore_nulls=True)
    return pl.concat_str("street", "unit", "city", tail, separator=", ", ignore_nulls=True).alias("address")


def _tell(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Each property as one source's record."""
    frame = frame.with_columns(_dialect(seed)).with_columns(
        *_street(seed),
        source_at=_die(len(SOURCES), seed, 41),
        zip=pl.when(_die(50, seed, 42) > 0).then("zip"),
        parcel_number=pl.when(_die(4, seed, 43) > 0).then(
            pl.when(_die(3, seed, 44) == 0)
            .then(pl.col("parcel_number").str.replace_all("-", " "))
            .otherwise("parcel_number")
        ),
        owner_name=pl.when(_die(4, seed, 45) > 0).then("owner_name"),
    )
    # The first two have columns, the third one line, the last the unit behind the street.
    is_line, is_joined = pl.col("source_at") == 2, pl.col("source_at") == 3
    has_spot = _die(3, seed, 46) == 0
    joined = pl.concat_str("street", "unit", separator=" ", ignore_nulls=True)
    return frame.select(
        pl.format("record-{}", pl.int_range(pl.len())).alias("record_id"),
        _pick(SOURCES, pl.col("source_at")).alias("source"),
        pl.when(is_line).then(_line()).alias("address"),
        pl.when(is_joined).then(joined).when(~is_line).then("street").alias("street"),
        pl.when(~is_line & ~is_joined).then("unit").alias("unit"),
        *(pl.when(~is_line).then(name).alias(name) for name in ("city", "state", "zip")),
        "county_fips", "parcel_number", "owner_name",
        *(pl.when(has_spot).then(name).alias(name) for name in ("lat", "lon")),
        "truth",
    )  # fmt: skip
