"""The door between the record and a model: what a model of a date may know is cut here, once.

Everything behind it takes a `History`, and only this module makes one.
"""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history.columns import SALE_DATE, SALES_SCHEMA
from leadflow_pipelines.sales_history.read_sales import read_sales


@dataclass(frozen=True)
class History:
    """Dated sales strictly before `as_of`, whole rows sorted by every column, so that the order given is forgotten."""

    sales: pl.DataFrame
    as_of: date

    def before(self, as_of: date) -> "History":
        """An earlier history; a later date is refused, because this history has already lost those rows."""
        if as_of > self.as_of:
            raise InvalidInput(f"The history ends at {self.as_of}; it cannot tell what was known on {as_of}.")
        return History(self.sales.filter(pl.col(SALE_DATE) < as_of), as_of)


def cut_history(sales: pl.DataFrame | pl.LazyFrame, as_of: date | datetime | str) -> History:
    """The sales of `sales` (any frame that read_sales reads) that lie strictly before `as_of`."""
    day = read_day(as_of)
    before = read_sales(sales).filter(pl.col(SALE_DATE) < day)
    return History(before.sort(list(SALES_SCHEMA), nulls_last=True), day)


def read_day(as_of: date | datetime | str) -> date:
    """`as_of` as a date; text in the form 2015-10-31. Raises InvalidInput for anything else."""
    if isinstance(as_of, datetime):
        return as_of.date()
    if isinstance(as_of, date):
        return as_of
    try:
        return date.fromisoformat(as_of[:10])
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"as_of is {as_of!r}, not a date.", remedy="Give it as 2015-10-31.") from error
