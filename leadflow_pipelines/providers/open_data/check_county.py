"""Proof that a county's file fits its table: columns, ZIP filter, paging, values. A handful of free requests.

Here: asking and judging. Not here: showing it (`cli`). The guard is not passed, because nothing is bought, kept or
counted here, and a new county must be provable without an org.
"""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from decimal import Decimal

import httpx
import polars as pl

from leadflow_pipelines.errors import ProviderError
from leadflow_pipelines.providers.exchange import exchange, refusal
from leadflow_pipelines.providers.open_data.county_calls import county_call
from leadflow_pipelines.providers.open_data.county_client import CountyClient
from leadflow_pipelines.providers.open_data.county_rows import map_rows
from leadflow_pipelines.providers.pulls import raw_frame
from leadflow_pipelines.providers.source import HttpAnswer, Reply
from leadflow_pipelines.source_rows.map_columns import ValueWarning
from leadflow_pipelines.source_rows.mapping import did_you_mean
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.price_book import load_price_book

PAGE = 25
"""Rows of a page asked for here: two pages tell whether paging works."""
PREVIEW = (
    "parcel_number", "street", "address", "city", "zip", "year_built", "market_value_cents", "sale_date",
    "sale_price_cents",
)  # fmt: skip
"""Columns shown to a person; owners are not."""
PREVIEW_ROWS = 5


@dataclass(frozen=True)
class CountyCheck:
    """What came of it. Without `faults` the county's file is right; `notes` are worth knowing.

    columns: how many the table has; rows and pages: what was read; preview: a few source rows without owners;
    cost_cents: what the pages cost at the price book, nothing where the county bills nobody.
    """

    name: str
    asked_for: str
    columns: int
    rows: int
    pages: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    preview: pl.DataFrame
    cost_cents: Decimal = Decimal(0)

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class _Asked:
    """The requests of one check."""

    def __init__(
        self, client: CountyClient, http: httpx.Client, seconds: float, now: Callable[[], dt.datetime]
    ) -> None:
        self.client = client
        self._http, self._seconds, self._now = http, seconds, now

    def answer(self, request: httpx.Request) -> HttpAnswer:
        answer = exchange(self._http, request, provider=self.client.name, seconds=self._seconds)
        if not self.client.accepts(answer):
            raise refusal(answer, self.client, self._now())
        return answer

    def pages(self, call: Call, *, most: int) -> list[tuple[Call, Reply]]:
        """The first pages, at most so many."""
        read: list[tuple[Call, Reply]] = []
        following: Call | None = call
        while following is not None and len(read) < most:
            (reply,) = self.client.read(self.answer(self.client.request([following])), [following])
            read.append((following, reply))
            following = self.client.follow_up(following, reply.parameters, len(reply.items))
        return read

    def raw(self, pages: list[tuple[Call, Reply]]) -> pl.DataFrame:
        """The pages as RAW_PULLS, rows numbered through all of them."""
        frames = [raw_frame([call], [reply], [Decimal(0)], self._now()) for call, reply in pages]
        return pl.concat(frames).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("item_number"))


def check_county(
    client: CountyClient,
    *,
    zip_code: str,
    city: str | None,
    now: Callable[[], dt.datetime],
    http: httpx.Client,
    seconds: float = 30.0,
) -> CountyCheck:
    """Asks for the table's columns and two pages of a ZIP. What goes wrong is a fault in the answer, never raised."""
    county = client.county
    by_city = county.zip_filter.match == "city"
    asked_for = (city or "").upper() if by_city else zip_code
    check = CountyCheck(county.name, asked_for, 0, 0, 0, (), (), pl.DataFrame())
    asked = _Asked(client, http, seconds, now)
    try:
        columns = client.read_columns(asked.answer(client.columns_request()))
        if faults := column_faults(client, columns):
            return replace(check, columns=len(columns), faults=faults)
        call = county_call(county, zip_code, city, now().date())
        pages = _two_pages(asked, call)
    except ProviderError as error:
        return replace(check, faults=(str(error),))
    raw = asked.raw(pages)
    if raw.is_empty():
        where = "another city's ZIP" if by_city else "another ZIP"
        fault = f"No row lies in {asked_for}. Try {where} with --zip; if none has rows, zip_filter is wrong."
        return replace(check, columns=len(columns), pages=len(pages), faults=(fault,))
    rows, warnings = map_rows(raw, county)
    lost, notes = _value_faults(rows, warnings)
    faults = (*_foreign_rows(raw, client, asked_for), *_repeated_rows(raw), *lost)
    if len(pages) < 2:
        notes = (*notes, f"{asked_for} has only one row, so paging could not be proved; try another ZIP.")
    shown = [name for name in PREVIEW if rows[name].null_count() < rows.height]
    preview = rows.select(shown).head(PREVIEW_ROWS)
    cost = sum((_cost(call, reply, now().date()) for call, reply in pages), Decimal(0))
    return CountyCheck(county.name, asked_for, len(columns), raw.height, len(pages), faults, notes, preview, cost)


def _cost(call: Call, reply: Reply, day: dt.date) -> Decimal:
    return load_price_book().actual([call], reply.billed, day)


def _two_pages(asked: _Asked, call: Call) -> list[tuple[Call, Reply]]:
    """Two pages; of half the rows each, where the place has few."""
    size = asked.client.rows_key
    pages = asked.pages(replace(call, parameters={**call.parameters, size: PAGE}), most=2)
    few = sum(len(reply.items) for _, reply in pages)
    if len(pages) < 2 and few > 1:
        pages = asked.pages(replace(call, parameters={**call.parameters, size: -(-few // 2)}), most=2)
    return pages


def column_faults(client: CountyClient, columns: Collection[str]) -> tuple[str, ...]:
    """Columns the file names and the table lacks, each with its key and what the table has instead.

    Their case is nothing: a layer writes its fields in lower case in one place and in capitals in the next.
    """
    county = client.county
    known = {name.lower() for name in columns}
    named = [(f"columns.{target}", name) for target, rule in county.columns.items() for name in rule.columns]
    if county.zip_filter.column not in county.mapped_columns:
        named.append(("zip_filter.column", county.zip_filter.column))
    if county.row_id != ":id" and county.row_id not in county.mapped_columns:
        named.append(("row_id", county.row_id))
    return tuple(
        f"{key}: the table has no column {name!r}.{did_you_mean(name, tuple(columns))}"
        for key, name in named
        if name.lower() not in known
    )


def _foreign_rows(raw: pl.DataFrame, client: CountyClient, asked_for: str) -> tuple[str, ...]:
    """Rows of other places than the one asked for."""
    column = client.county.zip_filter.column
    said = raw["payload"].str.json_path_match(f"$.{column}").fill_null("").str.to_uppercase().str.strip_chars()
    foreign = said.filter(~said.str.starts_with(asked_for))
    if foreign.is_empty():
        return ()
    others = ", ".join(repr(value) for value in foreign.unique(maintain_order=True).head(3))
    return (f"zip_filter: {foreign.len()} of {raw.height} rows are not of {asked_for}: {column} says {others}.",)


def _repeated_rows(raw: pl.DataFrame) -> tuple[str, ...]:
    """Rows that came twice, or cannot be told apart."""
    keys = raw["item_key"]
    if keys.null_count():
        return (f"row_id: {keys.null_count()} of {raw.height} rows have none.",)
    again = raw.height - keys.n_unique()
    return (f"row_id: {again} rows came twice over two pages; it must tell every row apart.",) if again else ()


def _value_faults(rows: pl.DataFrame, warnings: tuple[ValueWarning, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of which nothing could be read are faults, single values that were left out are notes."""
    faults = [one for one in warnings if rows[one.target].null_count() == rows.height and one.count > 1]
    notes = [str(one) for one in warnings if one not in faults]
    told = [f"columns.{one.target}: none of {one.count} values of {one.column} fits: {one.reason}." for one in faults]
    return tuple(told), tuple(notes)
