"""What the clients of all platforms share: a county's pages in a stable order, one after another, none twice.

Here: calls, continuing, refusals. Not here: a platform's own parameters and bodies (`socrata`, `arcgis`, `carto`).

The call for a page carries the first row of the page before as its `item_key`. Where a platform answers that page
again, as caches do, the answer is refused as broken and asked for anew, so that no row is lost and paging ends.
What a page taught for the next one stands among its parameters under names that begin with @.
"""

import datetime as dt
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
import orjson

from leadflow_pipelines.errors import ProviderError, Terminal, Transient
from leadflow_pipelines.providers.open_data.county_source import CountySource
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.spend.call import Call

logger = logging.getLogger(__name__)
HEADERS = {"accept": "application/json", "user-agent": "LeadFlow county open data client"}
FIRST_ROW, IS_LAST = "@first_row", "@is_last"
MOST_SAID = 300
MOST_BEFORE_ERROR = 200
ERROR_KEY = re.compile(rb'"error"', re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A page as the platform gave it: rows, and whether it says that more follow. A full page may be followed too."""

    rows: list[dict[str, Any]]
    has_more: bool = False


class CountyClient(ABC):
    """The client of one county's table; obeys `Source` under the county's own name."""

    batch_size = 1
    tells_nulls: ClassVar[bool] = True
    """Whether a column without a value stands in the answer as null; where it does not, its absence proves little."""
    offset_key: ClassVar[str]
    rows_key: ClassVar[str]

    def __init__(self, county: CountySource, *, base_url: str | None = None, most_rows: int = 50_000) -> None:
        """`base_url` stands for the platform's own hosts, as the simulator does; `most_rows` bounds one question."""
        self.county = county
        self.name = county.name
        self.remedies: Mapping[int, str] = {
            400: f"A column may have been renamed: leadflow source test {county.name}",
            401: "The table is no longer public, or the token is not valid.",
            403: "The table is no longer public, or the token is not valid.",
            404: f"The table has moved; mend `endpoint` of {county.name} and run leadflow source test.",
        }
        self._most_rows = most_rows
        host = urlsplit(str(county.endpoint))
        self.url = str(county.endpoint).rstrip("/")
        if base_url:
            self.url = f"{base_url.rstrip('/')}/{county.platform}/{host.netloc}{host.path}".rstrip("/")

    @classmethod
    @abstractmethod
    def parameters(cls, county: CountySource, value: str | None) -> dict[str, Any]:
        """The parameters of the first page of the rows whose ZIP (or city) is `value`; of all rows where it is None."""

    @abstractmethod
    def page_request(self, parameters: Mapping[str, Any]) -> httpx.Request:
        """GET of one page."""

    @abstractmethod
    def columns_request(self) -> httpx.Request:
        """GET of what tells the table's columns."""

    @abstractmethod
    def read_columns(self, answer: HttpAnswer) -> dict[str, str]:
        """The table's columns with the platform's name of their type. Raises ProviderError."""

    @abstractmethod
    def _error_in(self, document: Any) -> ProviderError | None:
        """The error that a decoded body tells, or None."""

    @abstractmethod
    def _page(self, document: Any) -> Page:
        """The page in a decoded body. Raises Terminal where it holds no rows."""

    @classmethod
    def first_page(cls, county: CountySource, value: str | None, *, zip_code: str | None, day: dt.date) -> Call:
        """The call for the first page."""
        parameters = cls.parameters(county, value)
        return Call(county.name, urlsplit(str(county.endpoint)).path.lstrip("/"), parameters, zip_code, day)

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of the call's page."""
        return self.page_request(calls[0].parameters)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Whether it is an answer. Raises the error that the platform tells in the body of a 200 or a 400."""
        if answer.status not in (200, 400):
            return False
        if answer.status == 400 or ERROR_KEY.search(answer.body[:MOST_BEFORE_ERROR]):
            try:
                error = self._error_in(orjson.loads(answer.body))
            except orjson.JSONDecodeError:
                error = None  # a 400 without a reason, or a body that `read` finds broken
            if error is not None:
                raise error
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The page's rows as the county wrote them; they cost nothing."""
        asked = calls[0].parameters
        page = self._page(self.document(answer))
        items = [Item(self.key_of(row), orjson.dumps(row).decode()) for row in page.rows]
        first_row = items[0].key if items else None
        if first_row is not None and first_row == calls[0].item_key:
            raise Transient("the page before came again", provider=self.name, may_be_billed=False)
        self._check_columns(page.rows)
        is_last = not items or (len(items) < asked[self.rows_key] and not page.has_more)
        return [Reply(items, billed=0, parameters={**asked, FIRST_ROW: first_row, IS_LAST: is_last})]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The next page, unless this one was the last or the bound on rows is reached."""
        if parameters.get(IS_LAST, True) or not items:
            return None
        offset = call.parameters[self.offset_key] + items
        if offset >= self._most_rows:
            logger.warning(
                "a county's rows were cut off; raise LEADFLOW_OPEN_DATA_MAX_ROWS",
                extra={"provider": self.name, "zip": call.zip, "items": offset},
            )
            return None
        following = {**call.parameters, self.offset_key: offset}
        before = parameters.get(FIRST_ROW)
        return Call(call.provider, call.endpoint, following, call.zip, call.day, item_key=before)

    def _check_columns(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Columns are asked for by name: one that bears another in the answer is told, never read as null."""
        wanted = {name.lower(): name for name in self.county.wanted_columns}
        told = [{name.lower(): name for name in names} for names in {tuple(row) for row in rows}]
        strange = {row[name] for row in told for name in row.keys() - wanted.keys()}
        is_missing = any if self.tells_nulls else all
        missing = [name for key, name in wanted.items() if rows and is_missing(key not in row for row in told)]
        if missing and (self.tells_nulls or strange):
            parts = (("lacks", missing), ("has, without being asked,", sorted(strange)))
            said = " and ".join(f"{verb} the column {', '.join(map(repr, names))}" for verb, names in parts if names)
            raise Terminal(f"the answer {said}", provider=self.name, remedy=self.remedies[400])

    def document(self, answer: HttpAnswer) -> Any:
        """The decoded body. Raises Transient where it is not whole."""
        try:
            return orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise Transient("the answer is not whole JSON", provider=self.name, may_be_billed=False) from error

    def key_of(self, row: Mapping[str, Any]) -> str | None:
        """The row's own id, whatever the case of its column's name."""
        found = row.get(self.county.row_id)
        if found is None:
            wanted = self.county.row_id.lower()
            found = next((value for name, value in row.items() if name.lower() == wanted), None)
        return None if found is None else str(found)

    def wrong_shape(self, missing: str) -> Terminal:
        """The error for a body that lacks what the platform documents."""
        remedy = f"The platform changed; see providers/open_data/{self.county.platform}.py."
        return Terminal(f"the answer has no {missing}", provider=self.name, remedy=remedy)

    def said(
        self, message: object, *, is_passing: bool = False, is_throttled: bool = False, remedy: str | None = None
    ) -> ProviderError:
        """The error a platform tells in its body, in its own words."""
        text = f"the platform says: {' '.join(str(message).split())[:MOST_SAID]}"
        if is_passing:
            return Transient(text, provider=self.name, may_be_billed=False, is_throttled=is_throttled)
        return Terminal(text, provider=self.name, remedy=remedy or self.remedies[400])


def sql_text(value: str) -> str:
    """The value as a literal of the platforms' SQL."""
    return "'" + value.replace("'", "''") + "'"


def condition(county: CountySource, value: str | None, *, prefix: str) -> str | None:
    """The platform's SQL for the rows wanted. `prefix`: how it says that {column} begins with {value}."""
    parts = [f"({county.where})"] if county.where else []
    chosen = county.zip_filter
    if value is not None:
        literal = value if chosen.is_number else sql_text(value)
        spelled = {
            "exact": f"{chosen.column} = {literal}",
            "prefix": prefix.format(column=chosen.column, value=value),
            "city": f"upper({chosen.column}) = {sql_text(value.upper())}",
        }
        parts.append(spelled[chosen.match])
    return " AND ".join(parts) or None


def lower_keys(value: Any) -> dict[str, Any]:
    """A JSON object with its keys in lower case; empty for anything else."""
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}
