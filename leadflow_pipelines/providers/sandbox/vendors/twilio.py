"""Twilio as it answers: texts taken, refused, listed and stopped; lookups; and, for tests, replies and a log.

Under /twilio lies the public API, under /sandbox/twilio what only a test may do. What becomes of a text: `texting`.
"""

import base64
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from leadflow_pipelines.providers.sandbox.faults import KINDS, Fault, FaultSwitch
from leadflow_pipelines.providers.sandbox.texting.carrier import Carrier
from leadflow_pipelines.providers.sandbox.texting.inbox import Inbox
from leadflow_pipelines.providers.sandbox.texting.lookups import E164, lookup
from leadflow_pipelines.providers.sandbox.texting.texts import API, Text, Texts, segments_of
from leadflow_pipelines.providers.sandbox.texting.webhooks import Postman
from leadflow_pipelines.providers.sandbox.twilio_account import ACCOUNT_SID, AUTH_TOKEN
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Reply, Request, Shape, Vendor
from leadflow_pipelines.providers.sandbox.world import World

PREFIX, TEST_PREFIX = "/twilio", "/sandbox/twilio"
AUTHORIZATION = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
REFUSED_TO: Mapping[str, int] = {
    "+15005550001": 21211, "+15005550002": 21612, "+15005550003": 21408, "+15005550004": 21610, "+15005550009": 21614,
}  # fmt: skip
REFUSED_FROM: Mapping[str, int] = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
"""Numbers that Twilio's own test credentials refuse: twilio.com/docs/iam/test-credentials."""
REFUSED = "+1500557"
"""A number that begins so is refused: its last four digits are those of the error code 2...."""
STATUSES = {20003: 401, 20404: 404, 20429: 429, 30409: 409}
MOST_BODY, MOST_VALIDITY = 1600, 36_000
STOPPABLE = ("accepted", "queued", "scheduled")
CALL_KINDS = (*KINDS, "error_after")


def refusal(code: int, **headers: str) -> Reply:
    """An error as Twilio's API tells it."""
    status = STATUSES.get(code, 400)
    told = {
        "code": code,
        "message": f"Simulated error {code}",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    return Reply(status, told, headers=headers)


class _Refused(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Desk:
    """One simulated account: everything it took, and how it fares."""

    def __init__(self, world: World, faults: FaultSwitch) -> None:
        self._world, self._faults = world, faults
        self._postman = Postman()
        self._texts = Texts(world.seed)
        self._carrier = Carrier(self._texts, faults, self._postman)
        self._inbox = Inbox(self._texts, faults, self._postman)

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        """The reply, and the fault that its way to the caller still has to suffer. What is refused was not done."""
        if request.prefix == TEST_PREFIX:
            return self._for_tests(request), None
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        about = (form.get("To") or request.path).encode()
        fault = self._faults.next_for("twilio", None, request.method.encode() + about, CALL_KINDS)
        if fault is not None and not VENDOR.can_suffer(fault.kind):
            fault = None
        refused = _refused_by(fault)
        if refused is not None:
            return refused, None
        try:
            reply = self._public(request, form)
        except _Refused as no:
            return refusal(no.code), fault if fault is not None and fault.kind in KINDS else None
        if fault is not None and fault.kind == "error_after":
            return Reply(500, {"code": 20500, "message": "Internal Server Error", "status": 500}), None
        return reply, fault

    def _public(self, request: Request, form: Mapping[str, str]) -> Reply:
        if request.headers.get("authorization") != AUTHORIZATION:
            raise _Refused(20003)
        path, method = request.path, request.method
        if path.startswith("/v2/PhoneNumbers/") and method == "GET":
            number = path.rpartition("/")[2].replace("%2B", "+")
            return Reply(200, lookup(number, request.query, self._world.seed))
        if path == f"{API}/Messages.json":
            return self._take(form) if method == "POST" else Reply(200, self._list(request.query))
        found = re.fullmatch(re.escape(API) + r"/Messages/((?:SM|MM)[0-9a-f]{32})\.json", path)
        text = self._texts.by_sid.get(found[1]) if found else None
        if text is None:
            raise _Refused(20404)
        if method == "POST":
            self._change(text, form)
        return Reply(200, text.as_json())

    def _take(self, form: Mapping[str, str]) -> Reply:
        to, sender = form.get("To", ""), form.get("MessagingServiceSid") or form.get("From", "")
        at = dt.datetime.now(dt.UTC)
        try:
            _check(form, to, sender)
            if self._inbox.is_opted_out(to, sender):
                raise _Refused(21610)
        except _Refused as no:
            self._texts.refused.append(
                {"at": at, "to": to, "code": no.code, "message_id": form.get("StatusCallback", "").rpartition("/")[2]}
            )
            raise
        service = sender if sender.startswith("MG") else None
        dice = self._texts.chance(to)
        is_scheduled = form.get("ScheduleType") == "fixed" and "SendAt" in form
        text = Text(
            sid=f"SM{dice.hex()}",
            to=to,
            from_number=self._inbox.number_of(sender),
            body=form["Body"],
            direction="outbound-api",
            status="scheduled" if is_scheduled else "accepted" if service else "queued",
            created_at=at,
            dice=dice,
            sender=sender,
            service=service,
            callback=form.get("StatusCallback"),
            segments=segments_of(form["Body"]),
            validity=int(form.get("ValidityPeriod", MOST_VALIDITY)),
        )
        self._texts.add(text)
        reply = Reply(201, text.as_json(), billed=1)
        if not is_scheduled:
            self._carrier.take(text)
        return reply

    def _change(self, text: Text, form: Mapping[str, str]) -> None:
        with self._texts.lock:
            if form.get("Status") == "canceled":
                if text.status not in STOPPABLE:
                    raise _Refused(30409)
                text.status = "canceled"
            if form.get("Body") == "":
                text.body = ""

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        size = min(max(int(query.get("PageSize", 50)), 1), 1000)
        page = int(query.get("Page", 0))
        found = self._texts.matching(query)
        if "PageToken" in query:  # what came meanwhile lies before the last one told, and moves nothing
            start = next((place for place, one in enumerate(found) if f"PA{one.sid}" == query["PageToken"]), -1) + 1
        else:
            start = page * size
        told = found[start : start + size]
        filters = {name: value for name, value in query.items() if name not in ("Page", "PageToken")}
        here = f"{API}/Messages.json?"
        following = here + urlencode({**filters, "Page": page + 1, "PageToken": f"PA{told[-1].sid}"}) if told else ""
        return {
            "messages": [one.as_json() for one in told],
            "page": page,
            "page_size": size,
            "start": start,
            "end": start + max(len(told) - 1, 0),
            "uri": here + urlencode(query),
            "first_page_uri": here + urlencode({**filters, "Page": 0}),
            "next_page_uri": following if start + size < len(found) else None,
            "previous_page_uri": None,
        }

    def _for_tests(self, request: Request) -> Reply:
        match request.method, request.path:
            case "POST", "/webhooks":
                told = request.json() or {}
                self._postman.deliver_to = told.get("deliver_to")
                self._carrier.pace = float(told.get("pace", 1.0))
                self._inbox.configure(told.get("inbound_url"), blocks=told.get("blocks_opted_out", True))
                return Reply(200, {})
            case "POST", "/inbound":
                told = request.json() or {}
                if not all(isinstance(told.get(name), str) for name in ("from", "to", "body")):
                    return Reply(400, {"error": "from, to and body, please"})
                return Reply(200, self._inbox.receive(told["from"], told["to"], told["body"]))
            case "GET", "/log":
                return Reply(200, self._log())
            case "DELETE", "/log":
                self._texts.clear()
                self._inbox.clear()
                self._carrier.told.clear()
                return Reply(200, {})
        return NO_SUCH_PATH

    def _log(self) -> dict[str, Any]:
        with self._texts.lock:
            every = [*self._texts.every]
            return {
                "messages": [one.as_log() for one in every if one.direction != "inbound"],
                "refused": [*self._texts.refused],
                "inbound": [one.as_inbound_log() for one in every if one.direction == "inbound"],
                "callbacks": dict(self._carrier.told),
            }


def _refused_by(fault: Fault | None) -> Reply | None:
    """The answer of a fault under which nothing is done."""
    after = {"Retry-After": fault.retry_after} if fault is not None and fault.retry_after is not None else {}
    match fault:
        case Fault(kind="status"):
            return Reply(fault.status, {"code": 20000 + fault.status, "message": "Simulated", "status": fault.status},
                         headers=after)  # fmt: skip
        case Fault(kind="too_many"):
            return replace(VENDOR.too_many, headers=after)
        case Fault(kind="expired_key"):
            return VENDOR.expired
        case Fault(kind="empty_wallet"):
            return VENDOR.empty
    return None


def _check(form: Mapping[str, str], to: str, sender: str) -> None:
    """Raises _Refused where Twilio would not take the text."""
    callback = urlsplit(form.get("StatusCallback", "https://callback.example/"))
    validity = form.get("ValidityPeriod", "1")
    for code, is_wrong in (
        (21604, not to),
        (21211, not E164.fullmatch(to)),
        (REFUSED_TO.get(to, 0), to in REFUSED_TO),
        (int(f"2{to[-4:]}") if to.startswith(REFUSED) else 0, to.startswith(REFUSED)),
        (21603, not sender),
        (REFUSED_FROM.get(sender, 0), sender in REFUSED_FROM),
        (21212, not E164.fullmatch(sender) and not SERVICE.fullmatch(sender) and not re.fullmatch(r"\d{5,6}", sender)),
        (21602, not form.get("Body")),
        (21617, len(form.get("Body", "")) > MOST_BODY),
        (90007, not validity.isdigit() or not 1 <= int(validity) <= MOST_VALIDITY),
        (21609, callback.scheme not in ("http", "https") or not callback.hostname or "_" in callback.hostname),
    ):
        if is_wrong:
            raise _Refused(code)


def _no_answer(world: World, request: Request) -> Reply:
    """Without a desk there is no account: the server opens one."""
    return NO_SUCH_PATH


VENDOR = Vendor(
    name="twilio",
    prefixes=(PREFIX, TEST_PREFIX),
    answer=_no_answer,
    open_desk=Desk,
    settings=lambda url: {
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_auth_token": AUTH_TOKEN,
        "twilio_base_url": f"{url}{PREFIX}",
    },
    shape=Shape(items=("messages",)),
    expired=refusal(20003),
    empty=refusal(30002),
    too_many=refusal(20429),
)
