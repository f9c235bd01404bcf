"""What a column's values look like. Here: how well a sample fits a goal. Not here: what the header says."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from leadflow_pipelines.county_files.header_words import plain_words
from leadflow_pipelines.source_rows import transforms
from leadflow_pipelines.source_rows.list_codes import known_list_code
from leadflow_pipelines.source_rows.parse_dates import parse_dates

SAMPLE = 2_000
STREET_LIKE = (
    r"(?i)^\s*(?:#\s*)?\d+[\w/-]*\s+.*[a-z]|\b(?:st|street|ave?|avenue|rd|road|dr|drive|ln|lane|ct|court|blvd|boulevard|"
    r"pl|place|way|hwy|highway|cir|circle|ter|terrace|pkwy|pike|trl|trail|po box|p o box)\b\.?"
)
_NUMBERED_STREET = r"(?i)^\s*\d+[\w/-]*\s+(?:\d*\s*)?[a-z]|\bbox\b"
_RANGES: dict[str, tuple[float, float]] = {
    "year_built": (1600, 2100),
    "living_sqft": (1, 5e6),
    "lot_sqft": (1, 1e10),
    "lot:acres": (0, 1e6),
    "beds": (0, 200),
    "baths": (0, 200),
    "bath:full": (0, 200),
    "bath:half": (0, 200),
    "units": (0, 1e5),
    "lat": (17, 72),
    "lon": (-180, -60),
    "sale:year": (1800, 2100),
    "sale:month": (1, 12),
    "sale:day": (1, 31),
    "parcel:borough": (1, 5),
    "parcel:block": (0, 1e6),
    "parcel:lot": (0, 1e6),
}
_ZERO_MEANS_UNKNOWN = ("year_built", "living_sqft", "lot_sqft", "lat", "lon")
_PARSERS: dict[str, Callable[[pl.Series], pl.Series]] = {
    **dict.fromkeys(
        ("assessed_cents", "market_value_cents", "mortgage_cents", "sale_price_cents", "value:total"),
        transforms.parse_money,
    ),
    **dict.fromkeys(("zip", "mailing_zip"), transforms.parse_zip),
    **dict.fromkeys(("state", "mailing_state"), transforms.parse_state),
    **dict.fromkeys(("is_owner_occupied", "is_vacant"), transforms.parse_flag),
}
_DIRECTION = r"(?i)^(?:[ns]?[ew]|[ns]|north|south|(?:north ?|south ?)?(?:east|west))\.?$"
_WORDS_ONLY = r"^[^\d]*[A-Za-z][^\d]*$"
_HOUSE_NUMBER = r"^\d[\w/-]*(?:\s?[A-Z]|\s1/2)?$"
_PATTERNS = {
    **dict.fromkeys(("street:number", "mailing:number"), _HOUSE_NUMBER),
    **dict.fromkeys(("street:direction", "street:post"), _DIRECTION),
    **dict.fromkeys(("street:suffix", "city", "mailing_city", "county:name"), _WORDS_ONLY),
    **dict.fromkeys(("street:name", "mailing:name", "owner_name", "owner:first", "owner:last", "owner:2"), r"[A-Za-z]"),
    "mailing:again": _NUMBERED_STREET,
    "county_fips": r"^\d{4,5}(?:\.0)?$",
}


@dataclass(frozen=True)
class ColumnSample:
    """One column: its header, plain words, position, and up to SAMPLE filled cells spread over the file."""

    header: str
    position: int
    filled: int
    values: pl.Series

    @cached_property
    def words(self) -> str:
        return plain_words(self.header)

    def share(self, pattern: str) -> float:
        """Share of the sample that contains the pattern."""
        return _share(self.values.str.contains(pattern))

    def fit(self, goal: str) -> float:
        """Share of the sample that can be what the goal says, 0 to 1."""
        return _fit(goal, self)


def sample_columns(frame: pl.DataFrame, columns: tuple[str, ...]) -> list[ColumnSample]:
    """Samples of the named columns, cleaned, taken over the whole file, the same each time.

    At random, because files have rhythms: where every hundredth row is broken, every five-hundredth is too.
    """
    samples = []
    for position, name in enumerate(columns):
        filled = frame[name].drop_nulls()
        filled = filled.filter(filled != "")
        chosen = pl.int_range(filled.len(), eager=True).sample(min(SAMPLE, filled.len()), seed=SAMPLE).sort()
        values = transforms.clean_text(filled.gather(chosen)).drop_nulls()
        samples.append(ColumnSample(name, position, filled.len() if values.len() else 0, values))
    return samples


def _share(fits: pl.Series) -> float:
    return float(fits.fill_null(False).mean() or 0.0) if fits.len() else 0.0  # type: ignore[arg-type]


def _fit(goal: str, column: ColumnSample) -> float:
    if goal in _RANGES:
        return _share_in_range(goal, column.values)
    parse = _PARSERS.get(goal)
    if parse is not None:
        return _share(parse(column.values).is_not_null())
    if goal in ("sale_date", "mortgage_date", "observed_at"):
        # A bare number may be read as an Excel serial or a Unix second: only plausible years count.
        return _share(parse_dates(column.values).dt.year().is_between(1850, 2100))
    return _text_fit(goal, column)


def _share_in_range(goal: str, values: pl.Series) -> float:
    numbers = transforms.parse_number(values)
    if goal in _ZERO_MEANS_UNKNOWN:
        numbers = numbers.filter(numbers.is_null() | (numbers != 0))
    return _share(numbers.is_between(*_RANGES[goal]))


def _text_fit(goal: str, column: ColumnSample) -> float:
    if goal in _PATTERNS:
        return column.share(_PATTERNS[goal])
    if goal in ("address", "mailing:1"):
        # Few house numbers: rather a column of street names, whose numbers stand beside it.
        numbered = column.share(r"^\s*#?\d|(?i)\bbox\b") >= 0.3
        return column.share(STREET_LIKE) if numbered else 0.6 * column.share(r"[A-Za-z]{2}")
    if goal == "parcel_number":
        return column.share(r"\d") if column.share(r"^[01]$") < 0.5 else 0.0
    if goal == "source_record_id":
        return 1.0 if column.values.n_unique() >= 0.98 * column.values.len() else 0.0
    return list_name_share(column) if goal == "list_codes" else 1.0


def list_name_share(column: ColumnSample) -> float:
    """Share of the sample that names a known list; 0 where the column holds too many names to be a list type."""
    if column.values.n_unique() > 25:
        return 0.0
    counts = column.values.value_counts().rows()
    known = sum(count for value, count in counts if known_list_code(str(value)))
    return float(known) / max(1, column.values.len())


def looks_like_street_addresses(column: ColumnSample) -> bool:
    """The values alone say that this is a column of addresses."""
    return column.share(_NUMBERED_STREET) >= 0.8 and column.values.n_unique() > 0.2 * column.values.len()
