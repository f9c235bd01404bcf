"""The sales that a value may rest on: between free parties, before the date, as arrays with codes for kinds and places.

What is evidence and how a subject's names find it. No arithmetic on prices beyond their logarithm.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
import polars as pl

from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, market_sales
from leadflow_pipelines.valuation.homes import KINDS, NAMED_PLACES, Floats, Homes, Ints, read_homes

# Prices of eight years carry over with an index; older ones mostly tell of another house and another street.
HISTORY_DAYS: Final = 8 * 365
# Prices below both are fees, shares and family matters; a market where homes cost 30,000 dollars keeps its low sales.
LEAST_PRICE_CENTS: Final = 10_000_00
LEAST_SHARE_OF_MEDIAN: Final = 0.10
WIDE_BLOCK, NARROW_BLOCK = 300, 40
# The front of a parcel number names the map of the assessor: the longest front that most sales share with so many.
SALES_OF_A_BOOK: Final = 8
BOOK_LENGTHS: Final = range(14, 1, -1)
PLACES: Final = (
    "city",
    "zip5",
    "neighborhood",
    "wide_block",
    "book",
    "narrow_block",
    "street",
    "street_block",
    "building",
)
# Training rows are valued by tables and comps that have not seen their tenth of the parcels.
FOLDS: Final = 10
EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True)
class Evidence:
    """Sales before `as_of`, one row each in a fixed order. `day`: days since 1970; `log_price`: of dollars.

    `book_length`: how many characters of a parcel number name its map, 0 where numbers tell no map.
    """

    frame: pl.DataFrame
    homes: Homes
    as_of: date
    today: float
    day: Floats
    log_price: Floats
    names: dict[str, pl.Series]
    codes: dict[str, Ints]
    fold: Ints
    book_length: int

    @classmethod
    def of_market(cls, history: pl.DataFrame, as_of: date) -> Self:
        """`history`: rows of the fixed shape before `as_of`, in a fixed order."""
        start = pl.lit(as_of).dt.offset_by(f"-{HISTORY_DAYS}d")
        market = market_sales(history).filter(pl.col(SALE_DATE) >= start)
        median = market[PRICE_CENTS].median()
        share = LEAST_SHARE_OF_MEDIAN * float(median) if isinstance(median, int | float) else 0.0
        return cls.of_sales(market.filter(pl.col(PRICE_CENTS) >= min(LEAST_PRICE_CENTS, share)), as_of)

    @classmethod
    def of_sales(cls, sales: pl.DataFrame, as_of: date) -> Self:
        """Sales already chosen, for instance those that a stored model kept."""
        homes = read_homes(sales)
        book_length = _book_length(homes.names["parcel_text"])
        named = _named(homes, book_length)
        names = {name: named[name].drop_nulls().unique().sort() for name in named.columns}
        codes = {name: code_names(named[name], names[name]) for name in named.columns}
        for block, parcels in (("wide_block", WIDE_BLOCK), ("narrow_block", NARROW_BLOCK)):
            codes[block] = np.where(codes["parcel_order"] >= 0, codes["parcel_order"] // parcels, -1)
        # A home without a number is its own parcel, told apart by its row.
        parcel = np.where(codes["parcel_id"] >= 0, codes["parcel_id"], len(names["parcel_id"]) + np.arange(len(homes)))
        folds = np.random.default_rng(20).integers(0, FOLDS, len(names["parcel_id"]) + len(homes))
        return cls(
            frame=sales,
            homes=homes,
            as_of=as_of,
            today=float((as_of - EPOCH).days),
            day=sales[SALE_DATE].cast(pl.Int32).to_numpy().astype(np.float64),
            log_price=np.log(sales[PRICE_CENTS].to_numpy() / 100.0),
            names=names,
            codes={**codes, "parcel": parcel},
            fold=folds[parcel],
            book_length=book_length,
        )

    def __len__(self) -> int:
        return len(self.day)

    def codes_of(self, homes: Homes) -> dict[str, Ints]:
        """The codes of any homes in this evidence's tables, -1 where no sale shares the name.

        `parcel_order` is the place in the order of the parcels sold, whether or not the parcel itself ever sold.
        """
        named = _named(homes, self.book_length)
        codes = {name: code_names(named[name], known) for name, known in self.names.items()}
        codes["parcel"] = codes["parcel_id"]
        order = homes.names["parcel_order"]
        place = self.names["parcel_order"].search_sorted(order.fill_null(""), side="left").to_numpy().astype(np.int64)
        most = len(self.names["parcel_order"]) - 1
        codes["parcel_order"] = np.where(order.is_null().to_numpy() | (most < 0), -1, np.minimum(place, most))
        for block, parcels in (("wide_block", WIDE_BLOCK), ("narrow_block", NARROW_BLOCK)):
            codes[block] = np.where(codes["parcel_order"] >= 0, codes["parcel_order"] // parcels, -1)
        return codes


def _named(homes: Homes, book_length: int) -> pl.DataFrame:
    """The names that become codes, one row a home."""
    book = pl.when(book_length > 0).then(pl.col("parcel_text").str.slice(0, book_length))
    return homes.names.select(*KINDS, *NAMED_PLACES, "parcel_id", "parcel_order", book.alias("book"))


def _book_length(parcel_text: pl.Series) -> int:
    known = parcel_text.drop_nulls()
    for length in BOOK_LENGTHS:
        sales = known.str.slice(0, length).to_frame("book").select(pl.len().over("book")).to_series().median()
        if isinstance(sales, int | float) and sales >= SALES_OF_A_BOOK:
            return length
    return 0


def code_names(names: pl.Series, known: pl.Series) -> Ints:
    """Place of each name among the sorted `known`, -1 where it is null or not among them."""
    if not len(known):
        return np.full(len(names), -1, dtype=np.int64)
    place = known.search_sorted(names.fill_null(""), side="left").to_numpy().astype(np.int64)
    place = np.minimum(place, len(known) - 1)
    is_known = (known.gather(place.astype(np.uint32)) == names).fill_null(False).to_numpy()
    return np.where(is_known, place, -1)
