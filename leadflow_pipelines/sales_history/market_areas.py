"""The market area of a property: the smallest known place around it that has sales enough to speak of a market.

Learned from a cut history and applied to any frame of the fixed shape. Areas are names to group by; no model may
take them as an input.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from leadflow_pipelines.sales_history.columns import PARCEL_NUMBER

CITY_WIDE: Final = "city"
ENOUGH_SALES: Final = 30
# About 2 km: the size of an urban ZIP.
CELL_DEGREES: Final = 0.02
BOOK_LENGTHS: Final = (8, 7, 6, 5, 4, 3, 2)
SALES_OF_A_BOOK: Final = 100
LEVELS: Final = ("neighborhood", "zip5", "cell", "book")


@dataclass(frozen=True)
class MarketAreas:
    """Areas with enough sales, by level; the first `book_length` characters of a parcel number name its map."""

    names: dict[str, tuple[str, ...]]
    book_length: int

    def assign(self, frame: pl.DataFrame) -> pl.Series:
        """`market_area` of each row: neighborhood, else ZIP, else a 2 km cell, else the parcel map, else the city."""
        keys = _level_keys(frame, self.book_length)
        chosen = [
            pl.when(pl.col(level).is_in(list(self.names[level]))).then(pl.format(f"{level}:{{}}", pl.col(level)))
            for level in LEVELS
        ]
        return keys.select(pl.coalesce(*chosen, pl.lit(CITY_WIDE)).alias("market_area"))["market_area"]


def learn_market_areas(history: pl.DataFrame) -> MarketAreas:
    """The areas that `history` (fixed shape, cut at the door) can tell apart. Row order makes no difference."""
    book_length = _book_length(history[PARCEL_NUMBER])
    keys = _level_keys(history, book_length)
    names = {level: _with_enough_sales(keys[level]) for level in LEVELS}
    return MarketAreas(names, book_length)


def _level_keys(frame: pl.DataFrame, book_length: int) -> pl.DataFrame:
    cell = pl.format(
        "{}/{}",
        (pl.col("lat") / CELL_DEGREES).floor().cast(pl.Int64),
        (pl.col("lon") / CELL_DEGREES).floor().cast(pl.Int64),
    )
    return frame.select(
        pl.col("neighborhood").str.to_uppercase().alias("neighborhood"),
        pl.col("zip5").str.extract(r"^(\d{5})").alias("zip5"),
        cell.alias("cell"),
        _book(pl.col(PARCEL_NUMBER), book_length).alias("book"),
    )


def _book(number: pl.Expr, length: int) -> pl.Expr:
    """Assessors number parcels map by map: neighbours share the front of their numbers."""
    return pl.when(length > 0).then(number.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "").str.slice(0, length))


def _book_length(numbers: pl.Series) -> int:
    """The longest front that still gathers enough sales for half of them; 0 where parcel numbers tell no place."""
    known = numbers.drop_nulls()
    for length in BOOK_LENGTHS:
        books = known.to_frame("id").select(_book(pl.col("id"), length).alias("book"))
        sales = books.select(pl.len().over("book")).to_series().median()
        if isinstance(sales, int | float) and sales >= SALES_OF_A_BOOK:
            return length if books["book"].n_unique() > 1 else 0
    return 0


def _with_enough_sales(keys: pl.Series) -> tuple[str, ...]:
    counted = keys.drop_nulls().value_counts(name="sales")
    return tuple(sorted(counted.filter(pl.col("sales") >= ENOUGH_SALES)[keys.name].to_list()))
