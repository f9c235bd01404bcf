"""DNCScrub: whether numbers are on do-not-call lists (national, states', litigators), and whether they changed hands.

Source of truth: the vendor's published reference. POST `{base}/app/main/rpc/scrub` (`phoneList` of ten-digit numbers,
`version` 5, `output` json; at most 10,000) and POST `{data base}/v1.5/Data/RNDBasic` (`Data` of `phoneNumber` and
`date`; at most 1,000), header `loginId`. A request with one number that is none is refused whole, so only possible
numbers are asked about. Billing: each number, unconfirmed by a contract.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
import orjson
import polars as pl

from leadflow_pipelines.errors import Terminal
from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.providers.sources.pages import read_json, shape_changed, value_of
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "dncscrub"
SCRUB, REASSIGNED = "app/main/rpc/scrub", "v1.5/Data/RNDBasic"
CLEAN = ["C", "W", "Y", "E", "G"]
"""Result codes of numbers on no list: clean, wireless, VoIP, and two of a business relationship."""
HIT = ["D", "L", "F", "X", "O", "H", "V"]
"""On a list, or not to be called as wireless; X, O, H and V are exemptions that the vendor sees, no proof of ours."""
LITIGATOR = "(?i)litigator"


def dnc_calls(phones: Iterable[str], day: dt.date) -> list[Call]:
    """One call for each E.164 phone."""
    return [Call(NAME, SCRUB, {"phone": _national(phone)}, None, day, item_key=phone) for phone in phones]


def reassigned_calls(phones: Iterable[tuple[str, dt.date]], day: dt.date) -> list[Call]:
    """One call for each E.164 phone, each there once, with the day of its consent or last contact."""
    return [
        Call(NAME, REASSIGNED, {"phone": _national(phone), "date": since.isoformat()}, None, day, item_key=phone)
        for phone, since in phones
    ]


def dnc_answers(raw: pl.DataFrame) -> pl.DataFrame:
    """phone, answer (yes, no, unknown), is_litigator and told of raw pulls; any code that is not known is unknown."""
    told = pick_fields(raw["payload"], ["phone", "resultcode", "reason"])
    code, reason = pl.col("resultcode").str.strip_chars().str.to_uppercase(), pl.col("reason").fill_null("")
    answer = pl.when(code.is_in(HIT)).then(pl.lit("yes")).when(code.is_in(CLEAN)).then(pl.lit("no"))
    is_named = reason.str.contains(LITIGATOR)
    return told.select(
        phone=_e164(pl.col("phone")),
        answer=answer.otherwise(pl.lit("unknown")),
        is_litigator=pl.when(is_named).then(True).when(code.is_in(CLEAN)).then(False),
        told=code,
    )


def reassigned_answers(raw: pl.DataFrame) -> pl.DataFrame:
    """phone, answer, is_litigator (null) and told of raw pulls. What is neither true nor false is unknown."""
    told = pick_fields(raw["payload"], ["phonenumber", "isreassigned"], flags=["isreassigned"])
    said = pl.col("isreassigned").str.to_lowercase()
    answer = pl.when(said.is_in(["true", "1"])).then(pl.lit("yes")).when(said.is_in(["false", "0"])).then(pl.lit("no"))
    return told.select(
        phone=_e164(pl.col("phonenumber")),
        answer=answer.otherwise(pl.lit("unknown")),
        is_litigator=pl.lit(None, pl.Boolean),
        told=said.fill_null("no_data"),
    )


class DncScrub:
    """The client."""

    name = NAME
    batch_size = 1_000
    remedies: Mapping[int, str] = {
        400: "One of the numbers was refused, and with it all: see providers/sources/dncscrub.py.",
        401: "Check LEADFLOW_DNCSCRUB_API_KEY, your loginId.",
        404: "Check LEADFLOW_DNCSCRUB_BASE_URL and LEADFLOW_DNCSCRUB_DATA_BASE_URL.",
    }

    def __init__(self, *, base_url: str, data_base_url: str, api_key: str) -> None:
        self._hosts = {SCRUB: base_url.rstrip("/"), REASSIGNED: data_base_url.rstrip("/")}
        self._headers = {"loginid": api_key, "content-type": "application/json", "accept": "application/json"}

    @classmethod
    def from_settings(cls, settings: Settings) -> "DncScrub | None":
        """The client these settings describe, or None without a key."""
        if settings.dncscrub_api_key is None:
            return None
        return cls(
            base_url=str(settings.dncscrub_base_url),
            data_base_url=str(settings.dncscrub_data_base_url),
            api_key=settings.dncscrub_api_key.get_secret_value(),
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """POST of the numbers; never GET, whose URL would show them."""
        endpoint = calls[0].endpoint
        body: dict[str, Any]
        if endpoint == SCRUB:
            phones = ",".join(call.parameters["phone"] for call in calls)
            body = {"phoneList": phones, "version": "5", "output": "json"}
        else:
            body = {
                "Data": [{"phoneNumber": call.parameters["phone"], "date": call.parameters["date"]} for call in calls]
            }
        url = f"{self._hosts[endpoint]}/{endpoint}"
        return httpx.Request("POST", url, content=orjson.dumps(body), headers=self._headers)

    def accepts(self, answer: HttpAnswer) -> bool:
        """Only 200 carries answers."""
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """What was said of each number; one that is left out has no answer, and is counted as billed all the same."""
        entries = read_json(answer, NAME)
        key = "phone" if calls[0].endpoint == SCRUB else "phonenumber"
        if not isinstance(entries, list) or any(value_of(one, key) is None for one in entries):
            raise Terminal("the answer is no list of numbers", provider=NAME, remedy=shape_changed(calls[0]))
        said = {str(value_of(one, key)): one for one in entries}
        if said.keys() - {call.parameters["phone"] for call in calls} or len(said) < len(entries):
            told = "the answer names numbers that were not asked about, or one twice"
            raise Terminal(told, provider=NAME, remedy=shape_changed(calls[0]))
        return [
            Reply(_items(call, said.get(call.parameters["phone"])), billed=1, parameters=call.parameters)
            for call in calls
        ]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """None: a number is answered whole."""
        return None


def _items(call: Call, entry: Any) -> list[Item]:
    return [] if entry is None else [Item(call.item_key, orjson.dumps(entry).decode())]


def _national(phone: str) -> str:
    return phone.removeprefix("+1")


def _e164(national: pl.Expr) -> pl.Expr:
    return pl.lit("+1") + national.str.strip_chars()
