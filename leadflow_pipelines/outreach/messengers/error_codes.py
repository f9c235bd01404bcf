"""Twilio's error codes and statuses, and what each means for us. The codes are data: `twilio_errors.csv`.

Not here: the calls that meet them (`twilio`), the webhooks that bring them (`twilio_webhooks`).
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast, get_args

from leadflow_pipelines.outreach.messengers.messenger import Behaviour, Fate

STATUS_RANKS: Mapping[str, int] = {
    "scheduled": 0, "accepted": 1, "queued": 2, "sending": 3, "sent": 4,
    "delivered": 5, "undelivered": 5, "failed": 5, "canceled": 5, "partially_delivered": 5, "read": 6,
}  # fmt: skip
"""How far a message has come; callbacks arrive out of order, and a message never goes back."""

FATES: Mapping[str, Fate] = {
    "delivered": "delivered", "read": "delivered", "partially_delivered": "delivered",
    "undelivered": "failed", "failed": "failed", "canceled": "cancelled",
}  # fmt: skip
"""Statuses that end a message; with any other it is still under way, that is accepted."""


@dataclass(frozen=True)
class ErrorCode:
    """One code: what follows from it, what it means, who says so."""

    code: str
    behaviour: Behaviour
    text: str
    source: str


def twilio_code(code: str | int) -> ErrorCode:
    """What a code means; one that nobody listed fails its own message and stops nothing."""
    known = twilio_codes().get(str(code))
    return known or ErrorCode(str(code), "failed", f"Twilio's error {code}.", f"twilio.com/docs/api/errors/{code}")


@cache
def twilio_codes() -> Mapping[str, ErrorCode]:
    """Every listed code. Raises ValueError where the list names a behaviour that there is not."""
    text = (files(__package__) / "twilio_errors.csv").read_text(encoding="utf-8")
    found: dict[str, ErrorCode] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["behaviour"] not in get_args(Behaviour) or row["code"] in found:
            raise ValueError(f"twilio_errors.csv: {row['code']} is listed twice, or its behaviour is none.")
        behaviour = cast("Behaviour", row["behaviour"])
        found[row["code"]] = ErrorCode(row["code"], behaviour, row["text"], row["source"])
    return found


def fate_of(status: str) -> Fate:
    """What a status makes of its message."""
    return FATES.get(status, "accepted")


def is_later(status: str, than: str | None) -> bool:
    """Whether a status lies further on than the one known, so that it should replace it."""
    return than is None or STATUS_RANKS.get(status, -1) > STATUS_RANKS.get(than, -1)
