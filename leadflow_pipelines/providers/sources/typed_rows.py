"""A vendor's fields as source rows: texts trimmed, numbers in their range, dollars as cents, what is unknown null.

The rows have the columns of `attom_rows.SCHEMA`, and their ranges are those of `TARGETS`. A number of 0 is how vendors
write that they do not know. Not here: where a vendor keeps its fields (each source's own rows).
"""

from collections.abc import Mapping, Sequence

import polars as pl

from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.sources.attom_rows import SCHEMA
from leadflow_pipelines.source_rows.targets import TARGETS

Places = Mapping[str, Sequence[str]]
KEPT = ("fingerprint", "item_number", "fetched_at", "cost_cents")
SQFT_PER_ACRE = 43_560
MONEY = {"assessed_cents", "market_value_cents", "mortgage_cents", "sale_price_cents"}
NUMBERS = ("year_built", "living_sqft", "lot_sqft", "beds", "baths", "units", *sorted(MONEY))


def read_fields(raw: pl.DataFrame, *, texts: Places, numbers: Places, flags: Places | None = None) -> pl.DataFrame:
    """The fields of raw pulls (RAW_PULLS shape), one row each in the same order, with the columns KEPT.

    Each name with the places where it may stand (`json_fields.pick_fields`); the first that holds something wins.
    Numbers may be texts with $ and thousands' commas; a flag is true, false or null.
    """
    flags = flags or {}
    paths = [place for places in (*texts.values(), *numbers.values(), *flags.values()) for place in places]
    found = pick_fields(raw["payload"], [*dict.fromkeys(paths)], flags={one for many in flags.values() for one in many})
    fields = found.select(
        *(pl.coalesce(map(_text, places)).alias(name) for name, places in texts.items()),
        *(pl.coalesce(map(_number, places)).alias(name) for name, places in numbers.items()),
        *(pl.coalesce(map(_flag, places)).alias(name) for name, places in flags.items()),
    )
    return fields.hstack(raw.select(KEPT))


def typed_rows(fields: pl.DataFrame, **made: pl.Expr) -> pl.DataFrame:
    """Rows of `attom_rows.SCHEMA` from fields named like its columns; `made` says how the others are made.

    Money is expected in dollars. A column that neither has is null.
    """
    known = {name: pl.col(name) for name in fields.columns if name in SCHEMA} | made
    known |= {name: _in_range(name, known[name]) for name in NUMBERS if name in known}
    for name, pattern in (("state", r"^[A-Z]{2}$"), ("county_fips", r"^\d{5}$")):
        if name in known:
            known[name] = matching(known[name].str.to_uppercase(), pattern)
    if "zip" in known:
        known["zip"] = known["zip"].str.extract(r"^(\d{5})(?:-?\d{4})?$")
    known |= {name: _degrees(known[name], limit) for name, limit in (("lat", 90), ("lon", 180)) if name in known}
    known |= {
        "row_number": pl.col("item_number") + 1,
        "pull_id": pl.col("fingerprint"),
        "observed_at": pl.col("fetched_at"),
    }
    return fields.select(known.get(name, pl.lit(None)).cast(dtype).alias(name) for name, dtype in SCHEMA.items())


def joined(names: Sequence[str], separator: str) -> pl.Expr:
    """The texts of these fields that are there, in order; null where none is."""
    together = pl.concat_str(names, separator=separator, ignore_nulls=True)
    return pl.when(together != "").then(together)


def mailing_line(street: Sequence[str], city: str, state: str, zip_code: str) -> pl.Expr:
    """One line of a mailing address; null where the parts do not name a street."""
    place = joined([state, zip_code], " ")
    line = pl.concat_str(joined(street, " "), pl.col(city), place, separator=", ", ignore_nulls=True)
    return pl.when(joined(street, " ").is_not_null()).then(line)


def matching(text: pl.Expr, pattern: str) -> pl.Expr:
    """The text where it matches, else null."""
    return pl.when(text.str.contains(pattern)).then(text)


def first_day(text: pl.Expr) -> pl.Expr:
    """The calendar date that a text begins with: 2024-11-18T00:00:00.000Z, 2024/11/18, 20241118."""
    digits = text.str.extract(r"^(\d{4}[-/]?\d{2}[-/]?\d{2})").str.replace_all(r"[-/]", "")
    return digits.str.to_date("%Y%m%d", strict=False)


def _text(path: str) -> pl.Expr:
    trimmed = pl.col(path).str.strip_chars()
    return pl.when(trimmed != "").then(trimmed)


def _number(path: str) -> pl.Expr:
    value = pl.col(path).str.replace_all("[,$]", "").cast(pl.Float64, strict=False)
    return pl.when((value != 0) & value.is_finite()).then(value)


def _flag(path: str) -> pl.Expr:
    said = pl.col(path).str.to_lowercase()
    return pl.when(said == "true").then(True).when(said == "false").then(False)


def _in_range(name: str, value: pl.Expr) -> pl.Expr:
    scaled = (value * 100).round(0) if name in MONEY else value
    target = TARGETS[name]
    return pl.when(scaled.is_between(target.low, target.high)).then(scaled)


def _degrees(text: pl.Expr, limit: float) -> pl.Expr:
    value = text.cast(pl.Float64, strict=False)
    return pl.when(value.is_between(-limit, limit) & (value != 0)).then(value)
