"""A large invented county file: mixed address layouts, repeats, broken rows. Nobody in it exists."""

from pathlib import Path

import polars as pl

STREETS = ["OAK", "MAPLE", "CEDAR", "LAKE", "HILL", "3RD", "MARTIN LUTHER KING", "SAINT ANDREWS", "RIVER", "PARK"]
SUFFIXES = ["ST", "STREET", "AVE", "Avenue", "DR", "Drive", "LN", "RD", "Road", "CT"]
UNITS = [" APT 2B", ", UNIT 7", " # 12", "", "", "", ""]
ZIPS = ["78704", "43206", "32801", "60614"]
CITIES = ["AUSTIN", "COLUMBUS", "ORLANDO", "CHICAGO"]
STATES = ["TX", "OH", "FL", "IL"]
REPEATED_SHARE = 0.2
BROKEN_EVERY = 100


def write_county_file(path: Path, rows: int, *, seed: int = 7) -> None:
    """Write `rows` data rows: one-line addresses with and without units, 20 % repeats, 1 % without identity."""
    distinct = rows - int(rows * REPEATED_SHARE)
    number = pl.int_range(distinct)

    def dice(low: int, high: int, salt: int) -> pl.Expr:
        return number.hash(seed + salt) % (high - low) + low

    def one_of(values: list[str], choice: pl.Expr) -> pl.Expr:
        return pl.lit(pl.Series(values)).gather((choice % len(values)).cast(pl.UInt32))

    street = pl.concat_str(one_of(STREETS, number), number // 400_000 + number // 10 % 97 + 1, separator=" ")
    line = pl.concat_str(100 + number // 40 % 9900, street, one_of(SUFFIXES, dice(0, 1000, 1)), separator=" ")
    table = pl.select(
        (number + 1_000_000_000).cast(pl.String).alias("PARID"),
        pl.concat_str(line, one_of(UNITS, number)).alias("SITUS ADDRESS"),
        one_of(CITIES, number).alias("CITY"),
        one_of(STATES, number).alias("STATE"),
        one_of(ZIPS, number).alias("ZIP CODE"),
        pl.concat_str(pl.lit("FICTIONAL OWNER "), number % 50_000).alias("OWNER NAME"),
        pl.concat_str(pl.lit("$"), dice(50, 900, 2) * 1000).alias("SALE PRICE"),
        dice(8000, 19000, 3).cast(pl.Int32).cast(pl.Date).dt.strftime("%m/%d/%Y").alias("SALE DATE"),
        dice(1900, 2020, 4).alias("YEAR BUILT"),
        dice(600, 4000, 5).alias("SQ FT"),
    )
    repeats = table.sample(rows - distinct, seed=seed, with_replacement=True)
    whole = pl.concat([table, repeats]).sample(fraction=1.0, shuffle=True, seed=seed)
    broken = pl.int_range(pl.len()) % BROKEN_EVERY == 0
    whole.with_columns(
        pl.when(broken).then(pl.lit("")).otherwise(name).alias(name) for name in ("PARID", "SITUS ADDRESS")
    ).write_csv(path)
