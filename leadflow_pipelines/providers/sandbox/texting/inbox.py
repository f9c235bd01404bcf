"""Replies to the simulated Twilio: whom they came to, what they switch off, and how we are told of them.

Opt-out words as Twilio's default for long codes; their scope is one number or one Messaging Service, as Twilio's is.
Source: twilio.com/docs/messaging/tutorials/advanced-opt-out. Not here: texts that go out (`carrier`).
"""

import datetime as dt
import threading
from typing import Any

from leadflow_pipelines.providers.sandbox.faults import FaultSwitch
from leadflow_pipelines.providers.sandbox.texting.texts import Text, Texts
from leadflow_pipelines.providers.sandbox.texting.webhooks import FORGED, Postman
from leadflow_pipelines.providers.sandbox.twilio_account import ACCOUNT_SID

WORDS = {
    **dict.fromkeys(("STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}
TOLD_BADLY = ("duplicate_inbound", "forged_inbound", "lost_inbound")


class Inbox:
    """Replies, and who opted out of whom."""

    def __init__(self, texts: Texts, faults: FaultSwitch, postman: Postman) -> None:
        self._texts, self._faults, self._postman = texts, faults, postman
        self._url: str | None = None
        self._blocks = True
        self._numbers: dict[str, str] = {}
        self._opted_out: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def configure(self, url: str | None, *, blocks: bool) -> None:
        """Where replies are brought; `blocks`: whether those who opted out are kept from texts, as by Twilio."""
        self._url, self._blocks = url, blocks

    def number_of(self, sender: str) -> str:
        """The number a sender writes from: a Messaging Service has one of its own, a 555-01xx one."""
        if not sender.startswith("MG"):
            return sender
        with self._lock:
            return self._numbers.setdefault(sender, f"+1500555{100 + len(self._numbers) % 100:04}")

    def is_opted_out(self, person: str, sender: str) -> bool:
        """Whether the person opted out of this sender, and we mind."""
        return self._blocks and (person, sender) in self._opted_out

    def receive(self, person: str, to: str, body: str) -> dict[str, Any]:
        """A person writes to a number or Messaging Service; tells the gateway and says how it took it."""
        number = self.number_of(to)
        service = next((one for one, its in self._numbers.items() if its == number), None)
        kind = WORDS.get(body.strip().upper())
        if kind == "STOP":
            self._opted_out.add((person, service or number))
        elif kind == "START":
            self._opted_out.discard((person, service or number))
        now = dt.datetime.now(dt.UTC)
        dice = self._texts.chance(number, person)
        text = Text(
            sid=f"SM{dice.hex()}", to=number, from_number=person, body=body, direction="inbound", status="received",
            created_at=now, sent_at=now, dice=dice, service=service, opt_out_type=kind,
        )  # fmt: skip
        self._texts.add(text)
        answer = self._tell(text)
        if answer is not None and 200 <= answer < 300:
            text.acknowledged_at = dt.datetime.now(dt.UTC)
        return {**text.as_inbound_log(), "status": answer}

    def clear(self) -> None:
        """Forgets who opted out."""
        with self._lock:
            self._opted_out.clear()
            self._numbers.clear()

    def _tell(self, text: Text) -> int | None:
        if self._url is None:
            return None
        fault = self._faults.next_for("twilio", None, b"inbound" + text.from_number.encode(), TOLD_BADLY)
        kind = fault.kind if fault else ""
        if kind == "lost_inbound":
            return None
        form = _webhook(text)
        if kind == "forged_inbound":
            told = {**form, "Body": "START", "OptOutType": "START"}
            self._postman.post(self._url, told, token=text.sid, signed=FORGED)
        if kind == "duplicate_inbound":
            self._postman.post(self._url, form, token=text.sid)
        return self._postman.post(self._url, form, token=text.sid)


def _webhook(text: Text) -> dict[str, str]:
    """The fields of an inbound webhook: twilio.com/docs/messaging/guides/webhook-request."""
    form = {
        "AccountSid": ACCOUNT_SID, "ApiVersion": "2010-04-01", "From": text.from_number, "To": text.to,
        "MessageSid": text.sid, "SmsSid": text.sid, "SmsMessageSid": text.sid, "SmsStatus": "received",
        "Body": text.body, "NumMedia": "0", "NumSegments": "1", "FromCountry": "US", "ToCountry": "US",
    }  # fmt: skip
    if text.service is not None:
        form["MessagingServiceSid"] = text.service
    if text.opt_out_type is not None:
        form["OptOutType"] = text.opt_out_type
    return form
