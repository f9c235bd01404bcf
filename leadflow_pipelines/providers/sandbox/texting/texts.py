"""The texts of the simulated Twilio account, out and in, and how its API and our log show them.

Here: rows and finding them. Not here: what becomes of them (`carrier`), who is told (`webhooks`).
"""

import datetime as dt
import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from leadflow_pipelines.providers.sandbox.twilio_account import ACCOUNT_SID

API = f"/2010-04-01/Accounts/{ACCOUNT_SID}"
SID_BYTES = 16


@dataclass
class Text:
    """One text. `sender`: what the caller named, a number or a Messaging Service; `from_number`: who it came from.

    `due_at`: when the carrier brings it, on the simulated clock; `dice`: bytes that decide what is left to chance.
    """

    sid: str
    to: str
    from_number: str
    body: str
    direction: str
    status: str
    created_at: dt.datetime
    dice: bytes
    sender: str = ""
    service: str | None = None
    callback: str | None = None
    validity: int = 36_000
    segments: int = 1
    due_at: dt.datetime | None = None
    sent_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    error_code: int | None = None
    opt_out_type: str | None = None
    acknowledged_at: dt.datetime | None = None

    @property
    def message_id(self) -> str | None:
        """The caller's own identity of the text: the end of its status callback's address."""
        return self.callback.partition("?")[0].rstrip("/").rpartition("/")[2] if self.callback else None

    @property
    def delivered_at(self) -> dt.datetime | None:
        """When it reached the person, on the simulated clock."""
        return self.due_at if self.status == "delivered" else None

    def as_json(self) -> dict[str, Any]:
        """As the API shows it: schema api.v2010.account.message."""
        is_settled = self.service is None or self.status not in ("accepted", "scheduled")
        return {
            "account_sid": ACCOUNT_SID,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": format_datetime(self.created_at),
            "date_sent": format_datetime(self.sent_at) if self.sent_at else None,
            "date_updated": format_datetime(self.updated_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.from_number if is_settled else None,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": str(self.segments) if is_settled else "0",
            "price": None,
            "price_unit": None,
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{API}/Messages/{self.sid}/Media.json"},
            "to": self.to,
            "uri": f"{API}/Messages/{self.sid}.json",
        }

    def as_log(self) -> dict[str, Any]:
        """As the log shows one that went out."""
        return {
            "sid": self.sid,
            "to": self.to,
            "from": self.from_number,
            "sender": self.sender,
            "body": self.body,
            "message_id": self.message_id,
            "accepted_at": self.created_at,
            "validity": self.validity,
            "expires_at": self.created_at + dt.timedelta(seconds=self.validity),
            "delivered_at": self.delivered_at,
            "status": self.status,
            "error_code": self.error_code,
        }

    def as_inbound_log(self) -> dict[str, Any]:
        """As the log shows one that came in."""
        return {
            "sid": self.sid,
            "from": self.from_number,
            "to": self.to,
            "body": self.body,
            "opt_out_type": self.opt_out_type,
            "received_at": self.created_at,
            "acknowledged_at": self.acknowledged_at,
        }


@dataclass
class Texts:
    """All texts of the account, oldest first."""

    seed: int
    lock: threading.RLock = field(default_factory=threading.RLock)
    every: list[Text] = field(default_factory=list)
    by_sid: dict[str, Text] = field(default_factory=dict)
    by_to: defaultdict[str, list[Text]] = field(default_factory=lambda: defaultdict(list))
    drawn: Counter[str] = field(default_factory=Counter)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def chance(self, to: str, sender: str = "") -> bytes:
        """Bytes for the next text there: the same in every run of a seed, whoever else is written to."""
        with self.lock:
            self.drawn[f"{sender}>{to}"] += 1
            told = f"{self.seed}:{sender}>{to}:{self.drawn[f'{sender}>{to}']}".encode()
        return hashlib.blake2b(told, digest_size=SID_BYTES).digest()

    def add(self, text: Text) -> None:
        """Keeps a text."""
        with self.lock:
            self.every.append(text)
            self.by_sid[text.sid] = text
            self.by_to[text.to].append(text)

    def matching(self, query: Mapping[str, str]) -> list[Text]:
        """The texts that a list's filters leave, newest first."""
        with self.lock:
            to = query.get("To")
            found = [
                one
                for one in (self.every if to is None else self.by_to.get(to, []))
                if query.get("From") in (None, one.from_number)
                and all(_lies(one.sent_at, sign, query.get(f"DateSent{sign}")) for sign in ("", "<", ">"))
            ]
        return found[::-1]

    def clear(self) -> None:
        """Forgets every text."""
        with self.lock:
            self.every.clear()
            self.by_sid.clear()
            self.by_to.clear()
            self.drawn.clear()
            self.refused.clear()


def segments_of(body: str) -> int:
    """Segments, roughly: as if the alphabet of short texts were ASCII."""
    single, part = (160, 153) if body.isascii() else (70, 67)
    return 1 if len(body) <= single else -(-len(body) // part)


def _lies(sent_at: dt.datetime | None, sign: str, wanted: str | None) -> bool:
    """Whether a text was sent on a day of GMT, or up to it (<), or from it on (>). One not sent is on none."""
    if wanted is None:
        return True
    if sent_at is None:
        return False
    day, asked = sent_at.date(), dt.date.fromisoformat(wanted[:10])
    return day <= asked if sign == "<" else day >= asked if sign == ">" else day == asked
