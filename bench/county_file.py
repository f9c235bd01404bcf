"""A large invented county file: mixed address layouts, repeats, broken rows. Nobody in it exists."""

from pathlib import Path

import numpy as np
import polars as pl

STREETS = ("OAK", "MAPLE", "CEDAR", "LAKE", "HILL", "3RD", "MARTIN LUTHER KING", "SAINT ANDREWS", "RIVER", "PARK")
SUFFIXES = ("ST", "STREET", "AVE", "Avenue", "DR", "Drive", "LN", "RD", "Road", "CT")
PLACES = (
    ("78704", "AUSTIN", "TX"),
    ("43206", "COLUMBUS", "OH"),
    ("32801", "ORLANDO", "FL"),
    ("60614", "CHICAGO", "IL"),
)
REPEATED_SHARE = 0.2
BROKEN_SHARE = 0.01


def write_county_file(path: Path, rows: int, *, seed: int = 7) -> None:
    """Write `rows` data rows: one-line and hyphenated and unit addresses, 20 % repeats, 1 % without identity."""
    dice = np.random.default_rng(seed)
    distinct = rows - int(rows * REPEATED_SHARE)
    number = np.arange(distinct)
    place = number % len(PLACES)
    house = pl.Series(100 + number // 40 % 9900).cast(pl.String)
    street = pl.Series([STREETS[i] for i in number % len(STREETS)])
    street_number = pl.Series(number // 400_000 + number // 10 % 97 + 1).cast(pl.String)
    suffix = pl.Series([SUFFIXES[i] for i in dice.integers(0, len(SUFFIXES), distinct)])
    unit = pl.Series(number % 7).replace_strict(
        {0: " APT 2B", 1: ", UNIT 7", 2: " # 12"}, default="", return_dtype=pl.String
    )
    frame = pl.DataFrame({"house": house, "street": street, "n": street_number, "suffix": suffix, "unit": unit})
    table = frame.select(
        pl.Series("PARID", number + 1_000_000_000).cast(pl.String),
        pl.concat_str("house", pl.lit(" "), "street", pl.lit(" "), "n", pl.lit(" "), "suffix", "unit").alias(
            "SITUS ADDRESS"
        ),
        pl.Series("CITY", [PLACES[i][1] for i in place]),
        pl.Series("STATE", [PLACES[i][2] for i in place]),
        pl.Series("ZIP CODE", [PLACES[i][0] for i in place]),
        pl.concat_str(pl.lit("FICTIONAL OWNER "), pl.Series(number % 50_000).cast(pl.String)).alias("OWNER NAME"),
        pl.concat_str(pl.lit("$"), pl.Series(dice.integers(50, 900, distinct) * 1000).cast(pl.String)).alias(
            "SALE PRICE"
        ),
        pl.Series("SALE DATE", dice.integers(8000, 19000, distinct)).cast(pl.Date).dt.strftime("%m/%d/%Y"),
        pl.Series("YEAR BUILT", dice.integers(1900, 2020, distinct)).cast(pl.String),
        pl.Series("SQ FT", dice.integers(600, 4000, distinct)).cast(pl.String),
    )
    repeats = table.sample(rows - distinct, seed=seed, with_replacement=True)
    whole = pl.concat([table, repeats]).sample(fraction=1.0, shuffle=True, seed=seed)
    broken = pl.Series(dice.random(rows) < BROKEN_SHARE)
    whole.with_columns(
        pl.when(broken).then(pl.lit("")).otherwise(pl.col(name)).alias(name) for name in ("PARID", "SITUS ADDRESS")
    ).write_csv(path)
