"""What the dispatcher sees of those who carry messages: five calls, three ways to fail.

Not here: who carries (`twilio`, …), and what a message's row becomes of it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable
from uuid import UUID

from leadflow_pipelines.errors import LeadflowError

Behaviour = Literal[
    "suppress", "do_not_retry_number", "retry_later", "pause_sender", "pause_campaign", "unknown", "failed"
]
"""What an error code asks of us. suppress: the person opted out. do_not_retry_number: this number takes no texts.
retry_later: nothing was sent, the sender's or carrier's queue is full. pause_sender, pause_campaign: every further
message would fail alike. unknown: it may have arrived, and is never sent again. failed: this message did not arrive."""

Fate = Literal["accepted", "delivered", "failed", "cancelled"]
"""What a messenger's status makes of a message; the same names as in its row."""

MOST_VALID_SECONDS = 36_000
"""The longest that a text may wait at its carrier: Twilio takes no longer validity period."""


@dataclass(frozen=True)
class Outgoing:
    """A message about to go. `sender`: a number or a Messaging Service (SMS), an address (e-mail), whose reader sees
    `sender_name`.

    `valid_seconds`: it must not arrive later than so many seconds from now; 36,000 is the most that Twilio takes.
    Printed, it tells its identity and nothing of the person.
    """

    message_id: UUID
    to: str = field(repr=False)
    sender: str
    body: str = field(repr=False)
    valid_seconds: int = 36_000
    subject: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    sender_name: str | None = None


@dataclass(frozen=True)
class Sent:
    """The messenger took it. `status`: in its own words; `segments`: None where it does not count them yet."""

    provider_id: str
    status: str
    segments: int | None


@dataclass(frozen=True)
class Status:
    """How a message fares; `behaviour` where there is an error code."""

    provider_id: str
    status: str
    fate: Fate
    error_code: str | None
    behaviour: Behaviour | None
    segments: int | None


@dataclass(frozen=True)
class Reply:
    """A message from a person. `opt_out_type`: STOP, START or HELP where the messenger recognised it."""

    provider_id: str
    sender: str = field(repr=False)
    received_by: str
    body: str = field(repr=False)
    received_at: dt.datetime
    opt_out_type: str | None = None


class Refused(LeadflowError):
    """The messenger said no: nothing was sent. `code` is its error code, `behaviour` what follows."""

    def __init__(self, message: str, *, code: str, behaviour: Behaviour, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code
        self.behaviour = behaviour


class NotProcessed(LeadflowError):
    """Nothing happened: the same call may be made again, after `retry_after` seconds where the messenger says so."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(LeadflowError):
    """The message may be on its way. It is never sent again; `Messenger.find` may tell later. `why`: in one word."""

    def __init__(self, message: str, *, why: str) -> None:
        super().__init__(message)
        self.why = why


class Messenger(Protocol):
    """Who carries messages of one channel.

    Only `send` sends, and only once per call. The other calls may be repeated at will: where the messenger cannot be
    asked they raise NotProcessed, where it says no, Refused.
    """

    def send(self, message: Outgoing) -> Sent:
        """Hands the message over. Raises Refused, NotProcessed, or OutcomeUnknown."""
        ...

    def find(self, message: Outgoing, *, since: dt.datetime) -> Sent | None:
        """The message with this recipient and body taken since then, if there is one."""
        ...

    def fetch(self, provider_id: str) -> Status:
        """How a message fares."""
        ...

    def cancel(self, provider_id: str) -> bool:
        """Stops a message that has not gone yet. Whether it is stopped now: False where it was too late."""
        ...

    def replies(self, *, to: str, since: dt.datetime) -> list[Reply]:
        """What people wrote to this number since then, oldest first; for polling where no webhook reaches us."""
        ...


@runtime_checkable
class ListsSent(Protocol):
    """A messenger that can tell what it took for somebody. Asking may be repeated at will."""

    def sent_to(self, to: str, *, since: dt.datetime) -> list[Sent]:
        """Everything taken for this recipient since then, whatever became of it; raises as `Messenger.find` does."""
        ...
