"""RealPhoneValidation: whether a number is on do-not-call lists, and whether it changed hands since a day.

Source of truth: the vendor's published reference. GET `{base}/rpvWebService/DNCLookup.php` (national_dnc, state_dnc,
dma, litigator: Y, N, or `?` for a timeout or another list) and `ReassignedNumberLookup.php` (reassigned: yes, no,
no_data, undetermined); the token is a query parameter. Two published copies define `yes` in opposite ways, which is why
canaries are asked first. HTTP 403 is haste. Billing: each answered request, unconfirmed by a contract.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx
import orjson
import polars as pl

from leadflow_pipelines.errors import Terminal, Transient
from leadflow_pipelines.providers.json_fields import pick_fields
from leadflow_pipelines.providers.source import HttpAnswer, Item, Reply
from leadflow_pipelines.providers.sources.pages import read_json, shape_changed, value_of
from leadflow_pipelines.providers.sources.secret_query import get_quietly
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.spend.call import Call

NAME = "realphonevalidation"
DNC, REASSIGNED = "rpvWebService/DNCLookup.php", "rpvWebService/ReassignedNumberLookup.php"
LISTS = ("national_dnc", "state_dnc", "dma", "litigator")
REFUSALS = {
    "unauthorized": "Check LEADFLOW_REALPHONEVALIDATION_API_KEY and the account's balance.",
    "-1": "The vendor does not take the number for one.",
    "invalid-phone": "The vendor does not take the number for one.",
    "102": "The vendor does not take the number for one.",
}


def dnc_calls(phones: Iterable[str], day: dt.date) -> list[Call]:
    """One call for each E.164 phone."""
    return [Call(NAME, DNC, {"phone": phone.removeprefix("+1")}, None, day, item_key=phone) for phone in phones]


def reassigned_calls(phones: Iterable[tuple[str, dt.date]], day: dt.date) -> list[Call]:
    """One call for each E.164 phone with the day of its consent or last contact."""
    return [
        Call(
            NAME, REASSIGNED, {"phone": phone.removeprefix("+1"), "contact_date": since.isoformat()}, None, day,
            item_key=phone,
        )
        for phone, since in phones
    ]  # fmt: skip


def dnc_answers(raw: pl.DataFrame) -> pl.DataFrame:
    """phone, answer, is_litigator and told of raw pulls: a Y on any list is a yes, four N are a no, else unknown."""
    told = pick_fields(raw["payload"], LISTS).with_columns(
        pl.col(name).str.strip_chars().str.to_uppercase() for name in LISTS
    )
    is_hit = pl.any_horizontal((pl.col(name) == "Y").fill_null(False) for name in LISTS)
    is_clean = pl.all_horizontal((pl.col(name) == "N").fill_null(False) for name in LISTS)
    litigator = pl.col("litigator")
    return told.select(
        phone=raw["item_key"],
        answer=pl.when(is_hit).then(pl.lit("yes")).when(is_clean).then(pl.lit("no")).otherwise(pl.lit("unknown")),
        is_litigator=pl.when(litigator == "Y").then(True).when(litigator == "N").then(False),
        told=pl.concat_str([pl.col(name).fill_null("-") for name in LISTS]),
    )


def reassigned_answers(raw: pl.DataFrame) -> pl.DataFrame:
    """phone, answer, is_litigator (null) and told of raw pulls. no_data and undetermined are unknown."""
    said = pick_fields(raw["payload"], ["reassigned"])["reassigned"].str.strip_chars().str.to_lowercase()
    return pl.DataFrame({"phone": raw["item_key"], "told": said.fill_null("no_data")}).with_columns(
        answer=pl.when(pl.col("told").is_in(["yes", "no"])).then("told").otherwise(pl.lit("unknown")),
        is_litigator=pl.lit(None, pl.Boolean),
    )


class RealPhoneValidation:
    """The client."""

    name = NAME
    batch_size = 1
    remedies: Mapping[int, str] = {
        401: "Check LEADFLOW_REALPHONEVALIDATION_API_KEY.",
        404: "Check LEADFLOW_REALPHONEVALIDATION_BASE_URL.",
    }

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._secret = {"token": api_key}

    @classmethod
    def from_settings(cls, settings: Settings) -> "RealPhoneValidation | None":
        """The client these settings describe, or None without a token."""
        if settings.realphonevalidation_api_key is None:
            return None
        return cls(
            base_url=str(settings.realphonevalidation_base_url),
            api_key=settings.realphonevalidation_api_key.get_secret_value(),
        )

    def request(self, calls: Sequence[Call]) -> httpx.Request:
        """GET of one number; neither token nor number is in any text made of the request."""
        (call,) = calls
        return get_quietly(f"{self._base_url}/{call.endpoint}", {**call.parameters, "output": "json"}, self._secret)

    def accepts(self, answer: HttpAnswer) -> bool:
        """200 with the code OK. 403 is haste; any other code is a refusal that another try does not change."""
        if answer.status == httpx.codes.FORBIDDEN:
            told = "HTTP 403, too many requests"
            raise Transient(told, provider=NAME, may_be_billed=False, is_throttled=True)
        code = _code(answer)
        if answer.status == 200 and code is not None and code != "ok":
            raise Terminal(f"refused with {code[:20]}", provider=NAME, remedy=REFUSALS.get(code))
        return answer.status == 200

    def read(self, answer: HttpAnswer, calls: Sequence[Call]) -> list[Reply]:
        """What was said of the number."""
        (call,) = calls
        body = read_json(answer, NAME)
        wanted = "national_dnc" if call.endpoint == DNC else "reassigned"
        if value_of(body, "responsecode") is None or value_of(body, wanted) is None:
            raise Terminal(f"the answer has no {wanted}", provider=NAME, remedy=shape_changed(call))
        return [Reply([Item(call.item_key, orjson.dumps(body).decode())], billed=1, parameters=call.parameters)]

    def follow_up(self, call: Call, parameters: Mapping[str, Any], items: int) -> Call | None:
        """None: a number is answered whole."""
        return None


def _code(answer: HttpAnswer) -> str | None:
    try:
        code = value_of(orjson.loads(answer.body), "responsecode")
    except orjson.JSONDecodeError:
        return None
    return str(code).strip().lower() if code is not None else None
