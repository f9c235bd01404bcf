"""Cells to values: money, numbers, flags, ZIPs, states, identifiers. Null where a text does not fit.

Here: one function per transform, text series in, typed series out. Not here: ranges and warnings (`apply_mapping`).
"""

from collections.abc import Callable
from functools import cache

import polars as pl
from addfips import AddFIPS

from leadflow_pipelines.contracts.us_states import STATES
from leadflow_pipelines.source_rows.list_codes import list_code_of

SQFT_PER_ACRE = 43_560
_NO_VALUE = (
    "-", "--", ".", "n/a", "na", "#n/a", "nan", "null", "none", "(null)", "<null>", "nil", "unknown", "unk",
    "not available", "#ref!", "#value!", "#name?", "#div/0!", "nat", "?",
)  # fmt: skip
_YES = ("y", "yes", "true", "t", "1", "x")
_NO = ("n", "no", "false", "f", "0")
_AMOUNT = r"^-?\$?-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e\+?\d{1,2})?$"
STATE_CODES = frozenset(STATES.values())


def by_distinct(values: pl.Series, parse: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """parse(values), called once per distinct value: a million ZIPs are a few hundred texts."""
    distinct = values.unique().drop_nulls()
    if distinct.len() > values.len() // 2:
        return parse(values)
    parsed = pl.DataFrame([distinct.alias("text"), parse(distinct).alias("value")])
    joined = values.to_frame("text").join(parsed, on="text", how="left", maintain_order="left")
    return joined["value"].rename(values.name)


def clean_text(values: pl.Series) -> pl.Series:
    """Trimmed text on one line, null for the many ways of writing nothing.

    A column of whole numbers that all end in `.0`, as spreadsheets and data frames write them, loses the `.0`.
    """
    frame = values.to_frame("v").select(
        v=pl.col("v").str.strip_chars().str.replace_all(r"[\r\n\t]+", " ", literal=False)
    )
    text = frame.select(
        pl.when((pl.col("v") != "") & ~pl.col("v").str.to_lowercase().is_in(_NO_VALUE)).then(pl.col("v"))
    ).to_series()
    text = text.rename(values.name)
    filled = text.drop_nulls()
    if filled.len() and str(filled[0]).endswith(".0") and filled.str.contains(r"^-?\d+\.0$").all():
        return text.str.strip_suffix(".0")
    return text


def parse_money(values: pl.Series) -> pl.Series:
    """Dollars as text to cents: `$1,234.50`, `(1,234)` and `1234-` negative, bare numbers are dollars.

    `1.234,50` is null rather than guessed.
    """
    return (parse_number(values) * 100).round(0).cast(pl.Int64, strict=False).rename(values.name)


def parse_number(values: pl.Series) -> pl.Series:
    """Numbers as text to floats, with thousands separators, a currency sign, accounting negatives and units."""
    text = (
        values.str.to_lowercase()
        .str.strip_chars()
        .str.replace(r"^(?:usd|us\$)\s*", "")
        .str.replace(r"\s*(?:usd|dollars|sq\.?\s?ft\.?|square feet|sqft|sf|acres?|ac\.?)$", "")
        .str.replace_all(" ", "", literal=True)
    )
    is_negative = text.str.contains(r"^\(.*\)$|-$|^\$?-|^-\$")
    bare = text.str.replace(r"^\((.*)\)$", "$1").str.strip_suffix("-")
    fits = bare.str.contains(_AMOUNT) & bare.str.contains(r"\d")
    frame = pl.DataFrame({"bare": bare, "fits": fits, "negative": is_negative})
    magnitude = pl.col("bare").str.replace_all(r"[$,-]", "").cast(pl.Float64, strict=False)
    sign = pl.when("negative").then(-1.0).otherwise(1.0)
    return frame.select(pl.when("fits").then(magnitude * sign)).to_series().rename(values.name)


def parse_flag(values: pl.Series) -> pl.Series:
    """Yes and no in their usual spellings; null for anything else, never false."""
    known = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
    return values.str.to_lowercase().replace_strict(known, default=None, return_dtype=pl.Boolean)


def parse_zip(values: pl.Series) -> pl.Series:
    """ZIP or ZIP+4 as `12345` or `12345-6789`; a lost leading zero is restored, placeholders are null."""
    text = values.str.strip_suffix(".0").str.replace_all(r"\s", "")
    frame = text.to_frame("t")
    digits = pl.col("t").str.replace(r"^(\d{5})-?(\d{4})$", "$1-$2").str.replace(r"^(\d{5})-?0{0,3}$", "$1")
    padded = (
        pl.when(pl.col("t").str.contains(r"^\d{3,4}$"))
        .then(pl.col("t").str.zfill(5))
        .when(pl.col("t").str.contains(r"^\d{8}$"))
        .then(pl.col("t").str.zfill(9).str.replace(r"^(\d{5})(\d{4})$", "$1-$2"))
        .otherwise(digits.str.replace(r"-0000$", ""))
    )
    fits = padded.str.contains(r"^\d{5}(?:-\d{4})?$") & ~padded.str.contains(r"^(?:00000|99999|12345$)")
    return frame.select(pl.when(fits).then(padded)).to_series().rename(values.name)


def parse_state(values: pl.Series) -> pl.Series:
    """Two-letter code from a code or a state's name."""
    return values.str.to_uppercase().str.strip_chars(" .").replace_strict(STATES, default=None, return_dtype=pl.String)


def parse_fips(values: pl.Series) -> pl.Series:
    """Five-digit county FIPS code; a lost leading zero is restored."""
    text = values.str.strip_suffix(".0").str.zfill(5)
    return text.to_frame("t").select(pl.when(pl.col("t").str.contains(r"^\d{5}$")).then("t")).to_series()


def county_fips_of(counties: pl.Series, states: pl.Series) -> pl.Series:
    """FIPS code of each county name in its state; null where the pair names no county."""
    pairs = pl.DataFrame({"county": counties, "state": states}, schema={"county": pl.String, "state": pl.String})
    known = pairs.unique().drop_nulls()
    codes = [_fips(county, state) for county, state in known.rows()]
    found = known.with_columns(pl.Series("fips", codes, dtype=pl.String))
    return pairs.join(found, on=["county", "state"], how="left", maintain_order="left")["fips"]


def _fips(county: str, state: str) -> str | None:
    code = _fips_table().get_county_fips(county, state=state)
    return str(code) if code else None


@cache
def _fips_table() -> AddFIPS:
    return AddFIPS()


def parse_identifier(values: pl.Series) -> pl.Series:
    """A number that names something, as written. Null where a spreadsheet has rounded it to 4.00949E+09."""
    frame = values.to_frame("t")
    rounded = pl.col("t").str.contains(r"^\d(?:\.\d+)?[eE]\+\d+$")
    return frame.select(pl.when(~rounded).then("t")).to_series().rename(values.name)


def drop_acreage(values: pl.Series) -> pl.Series:
    """Address without the acreage that a PDF extraction glued to its end: `333 22ND AVE N .20`."""
    return values.str.replace(r"\s+\d{0,4}\.\d{1,4}$", "")


def parse_list_code(values: pl.Series) -> pl.Series:
    """List names as codes, one-element lists: `Tax Delinquent` to ["tax_delinquent"]."""
    distinct = values.unique().drop_nulls().to_list()
    codes = {value: list_code_of(value) for value in distinct}
    found = values.replace_strict(codes, default=None, return_dtype=pl.String)
    return found.to_frame("c").select(pl.when(pl.col("c").is_not_null()).then(pl.concat_list("c"))).to_series()
