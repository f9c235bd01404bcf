"""BatchData's skip trace: phones and e-mails of the people behind an address.

Source of truth: shapes recorded from public integrations, two of them (v1 `results.persons`, v3
`result.data`); unconfirmed by a contract, so both are read and unknown fields are kept in the raw pull.
POST `{base}/property/skip-trace`, bearer token, at most 100 requests a call. Billing: each request that was
matched. Our request id on the wire is the fingerprint, so that a person can never be tied to the wrong property.
Reading people into rows: `batchdata_rows`.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
import orjson
import polars as pl

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.providers.sources.pages import absent_fields, value_of
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "batchdata"
ENDPOINT = "property/skip-trace"
EXPECTED = {"phoneNumbers": [["phonenumbers"], ["phones"]], "emails": [["emails"]]}
SHAPE_CHANGED = "The API changed; see providers/sources/batchdata.py."


def skip_trace_calls(people: pl.DataFrame, day: dt.date) -> list[Call]:
    """One call per row, in order; a row without a street asks for nobody and is left out.

    `people`: request_id, zip (the partition), street, city, state, zip5; optionally first_name and last_name.
    """
    return [_call(day, person) for person in people.iter_rows(named=True) if person["street"]]


class BatchData:
    """The client."""

    name = NAME
    batch_size = 100
    remedies: Mapping[int, str] = {
        401: "Check LEADFLOW_BATCHDATA_API_KEY.",
        403: "The wallet is empty or the token lacks skip tracing: top it up at BatchData.",
        404: "Check LEADFLOW_BATCHDATA_BASE_URL.",
    }

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {api_key}", "content-type": "application/json"}

    @classmethod
    def from_settings(cls, settings: Settings) -> "BatchData | None":
        """The client these settings describe, or None without a token."""
        if settings.batchdata_api_key is None:
            return None
        return cls(base_url=str(settings.batchdata_base_url), api_key=settings.batchdata_api_key.get_secret_value())

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """POST of up to 100 requests."""
        requests = [{"requestId": _request_id(call), **call.parameters} for call in calls]
        url = f"{self._base_url}/{calls[0].endpoint}"
        return httpx.Request("POST", url, content=orjson.dumps({"requests": requests}), headers=self._headers)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries people."""
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """The people found for each call; a call that was matched is billed once.

        Where the vendor counts more matches than it shows, although every request is answered, the people are taken
        and as many more requests are counted as billed: the bill may rest on its count.
        """
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            raise Transient("the answer is not whole JSON", provider=NAME) from error
        entries, match_count = _entries(document)
        found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for request_id, entry in entries:
            if value_of(entry, "meta", "matched") is not False:
                found[request_id].append(entry)
        known = [_request_id(call) for call in calls]
        if found.keys() - set(known):
            told = "the answer names people for requests that were not made"
            raise Terminal(told, provider=NAME, remedy=SHAPE_CHANGED)
        unanswered = len(set(known) - {request_id for request_id, _ in entries})
        surplus = max(0, min(match_count or 0, len(known)) - len(found))
        if surplus and unanswered:
            told = f"{match_count} matches are told of and {len(found)} are there; {unanswered} requests have no answer"
            raise Terminal(told, provider=NAME, remedy=SHAPE_CHANGED)
        billed = _billed(known, found, surplus)
        absent = absent_fields([one for many in found.values() for one in _people(many)], EXPECTED, NAME)
        return [
            Reply(
                [Item(call.item_key, orjson.dumps(entry).decode()) for entry in found.get(request_id, ())],
                billed=int(request_id in billed),
                parameters={**call.parameters, **absent},
            )
            for call, request_id in zip(calls, known, strict=True)
        ]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """None: an address is answered whole."""
        return None


def _call(day: dt.date, person: Mapping[str, Any]) -> Call:
    address = {"street": person["street"], "city": person["city"], "state": person["state"], "zip": person["zip5"]}
    parameters: dict[str, Any] = {"propertyAddress": address}
    if person.get("first_name") and person.get("last_name"):
        parameters["name"] = {"first": person["first_name"], "last": person["last_name"]}
    return Call(NAME, ENDPOINT, parameters, person["zip"], day, item_key=person["request_id"])


def _request_id(call: Call) -> str:
    return call.fingerprint[:32]


def _entries(document: Any) -> tuple[list[tuple[str, dict[str, Any]]], int | None]:
    """Request id and entry of everything in the answer, and the vendor's own count of matches."""
    for shape, people, echo in (("results", "persons", "request"), ("result", "data", "input")):
        entries = value_of(document, shape, people)
        if isinstance(entries, list):
            count = value_of(document, shape, "meta", "results", "matchcount")
            return [(_echo(one, echo), one) for one in entries], count if isinstance(count, int) else None
    raise Terminal("the answer has neither results.persons nor result.data", provider=NAME, remedy=SHAPE_CHANGED)


def _echo(entry: Any, key: str) -> str:
    echoed = value_of(entry, key, "requestid")
    if not echoed:
        raise Terminal("a person does not say for which request", provider=NAME, remedy=SHAPE_CHANGED)
    return str(echoed)


def _billed(known: Sequence[str], found: Mapping[str, object], surplus: int) -> set[str]:
    """The requests counted as billed: those matched, and the first `surplus` of the others."""
    others = [request_id for request_id in known if request_id not in found]
    return {*found, *others[:surplus]}


def _people(entries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        people = value_of(entry, "persons")
        yield from people if isinstance(people, list) else [entry]
