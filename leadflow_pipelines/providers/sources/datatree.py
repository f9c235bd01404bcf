"""DataTree (First American): property reports of a ZIP. ITS SHAPE IS UNCONFIRMED: there is no public specification.

What is certain: a bearer token, and billing for each report returned. Everything else (path, parameters, where the
reports stand, what their fields are) is configuration: `datatree.yaml` beside this module holds defaults that nobody
has confirmed, and the setting `datatree_field_map` points at a file that the contract confirmed. Against another shape
the client stops and says what is missing; it never guesses. Reading reports into rows: `datatree_rows`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from leadflow_pipelines.errors import InvalidInput, Terminal
from leadflow_pipelines.providers.source import HttpAnswer, Reply
from leadflow_pipelines.providers.sources.attom_rows import SCHEMA
from leadflow_pipelines.providers.sources.pages import read_json, read_page, value_of
from leadflow_pipelines.settings import PREFIX, Settings
from leadflow_pipelines.source_rows.mapping import Mapping as ColumnMapping
from leadflow_pipelines.source_rows.mapping import mapping_faults
from leadflow_pipelines.spend.call import Call

NAME = "datatree"
ENDPOINT = "*"
"""Every path is priced alike: which it is, the field map says."""
DEFAULT_MAP = Path(__file__).with_name("datatree.yaml")
REMEDY = f"Set the field map right from your contract: {PREFIX}DATATREE_FIELD_MAP, after {DEFAULT_MAP.name}."


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestMap(_Part):
    """How a page of a ZIP's reports is asked for: a path and the names of its parameters."""

    path: str = Field(min_length=1)
    zip: str = Field(min_length=1)
    page: str = Field(min_length=1)
    page_size: str = Field(min_length=1)
    first_page: int = Field(ge=0)
    most_per_page: int = Field(ge=1)


class AnswerMap(_Part):
    """Where the list of reports stands in an answer, and the id in a report; keys in lower case, joined by dots."""

    items: str = Field(min_length=1)
    id: str = Field(min_length=1)


class FieldMap(_Part):
    """The whole shape of DataTree, as configured."""

    request: RequestMap
    answer: AnswerMap
    rows: ColumnMapping


@cache
def load_field_map(path: Path | None) -> FieldMap:
    """The field map of a file (None: the defaults). Raises InvalidInput naming every fault of it at once."""
    file = path or DEFAULT_MAP
    try:
        body = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 builds only texts
        request, answer, columns = (body.pop(name) for name in ("request", "answer", "columns"))
        shape = {"request": request, "answer": _lowered(answer), "rows": {"columns": _lowered(columns, 1), **body}}
        field_map = FieldMap.model_validate(shape)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"The field map {file} cannot be read: {error}.", remedy=REMEDY) from error
    except (AttributeError, KeyError, TypeError) as error:
        raise InvalidInput(f"The field map {file} must hold request, answer and columns.", remedy=REMEDY) from error
    except ValidationError as error:
        told = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise InvalidInput(_listing(file, told), remedy=REMEDY) from error
    strangers = [f"{name}: no column of a vendor's rows" for name in field_map.rows.columns if name not in SCHEMA]
    if faults := strangers + mapping_faults(field_map.rows, None):
        raise InvalidInput(_listing(file, faults), remedy=REMEDY)
    return field_map


def property_calls(zips: Sequence[str], day: dt.date, *, settings: Settings) -> list[Call]:
    """The first page of each ZIP's reports. Raises InvalidInput where the field map is wrong."""
    asked = load_field_map(settings.datatree_field_map).request
    size = min(settings.datatree_max_records_per_zip, asked.most_per_page)
    return [_page(asked, zip_code, day, asked.first_page, size) for zip_code in zips]


class DataTree:
    """The client. At most `most_records` of a ZIP are asked for, in pages of one size."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        400: REMEDY,
        401: "Check LEADFLOW_DATATREE_API_KEY; tokens expire.",
        403: "The contract does not cover these reports, or is used up; ask First American.",
        404: f"Check LEADFLOW_DATATREE_BASE_URL and the path. {REMEDY}",
    }

    def __init__(self, *, base_url: str, token: str, most_records: int, field_map: FieldMap) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        self._most_records = most_records
        self._map = field_map
        paths = (path.split(".") for rule in field_map.rows.columns.values() for path in rule.columns)
        self._sections = {path[0]: [path[:1]] for path in paths}

    @classmethod
    def from_settings(cls, settings: Settings) -> "DataTree | None":
        """The client these settings describe, or None without token or address. Raises InvalidInput for a wrong map."""
        if settings.datatree_api_key is None or settings.datatree_base_url is None:
            return None
        return cls(
            base_url=str(settings.datatree_base_url),
            token=settings.datatree_api_key.get_secret_value(),
            most_records=settings.datatree_max_records_per_zip,
            field_map=load_field_map(settings.datatree_field_map),
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one page."""
        (call,) = calls
        url = f"{self._base_url}/{call.endpoint}"
        return httpx.Request("GET", url, params=dict(call.parameters), headers=self._headers)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries reports."""
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The reports of the page, each billed."""
        (call,) = calls
        where = self._map.answer
        reports = value_of(read_json(answer, NAME), *where.items.split("."))
        if reports is None:
            raise Terminal(f"the answer has no {where.items}", provider=NAME, remedy=REMEDY)
        named = f"reports at {where.items}"
        page = read_page(reports, call, ids=[where.id.split(".")], where=named, expected=self._sections)
        size = call.parameters[self._map.request.page_size]
        if page.returned > size:
            raise Terminal(f"{page.returned} reports came where {size} were asked for", provider=NAME, remedy=REMEDY)
        taken = {**call.parameters, **page.told}
        return [Reply(page.items, billed=page.returned, parameters=taken)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """The page after a full one, where it cannot pass the reports asked for."""
        asked = self._map.request
        page, size = call.parameters[asked.page], call.parameters[asked.page_size]
        after_next = (page - asked.first_page + 2) * size
        if parameters["returned"] < size or after_next > self._most_records or call.zip is None:
            return None
        return _page(asked, call.zip, call.day, page + 1, size, after=parameters["digest"])


def _page(asked: RequestMap, zip_code: str, day: dt.date, page: int, size: int, after: str | None = None) -> Call:
    parameters = {asked.zip: zip_code, asked.page: page, asked.page_size: size}
    return Call(NAME, asked.path, parameters, zip_code, day, most_items=size, item_key=after)


def _lowered(value: Any, depth: int = 0) -> Any:
    """The paths of a map in lower case; `join` and transforms below `columns` keep theirs."""
    if isinstance(value, dict):
        paths = ("column", "columns")
        return {key: _lowered(one) if depth or key in (*paths, "items", "id") else one for key, one in value.items()}
    if isinstance(value, list):
        return [_lowered(one) for one in value]
    return value.lower() if isinstance(value, str) else value


def _listing(file: Path, faults: Sequence[str]) -> str:
    return f"The field map {file} is not valid:\n" + "\n".join(f"  - {fault}" for fault in faults) + "\n"
