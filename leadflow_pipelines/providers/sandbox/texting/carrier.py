"""What becomes of a text after the simulated Twilio took it: statuses one after another, and who is told of them.

Two clocks: callbacks come within a second, so that tests end; the instant at which a text reaches its person
(`Text.due_at`) may lie hours ahead, as in a carrier's queue, and decides whether it expired. Not here: whether it is
taken at all (`vendors.twilio`).
"""

import datetime as dt
import heapq
import itertools
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from leadflow_pipelines.providers.sandbox.faults import FaultSwitch
from leadflow_pipelines.providers.sandbox.texting.texts import Text, Texts
from leadflow_pipelines.providers.sandbox.texting.webhooks import FORGED, Postman
from leadflow_pipelines.providers.sandbox.twilio_account import ACCOUNT_SID

FATES = {"filtered": 30007, "unreachable": 30003, "carrier_unknown": 30008}
"""Faults of the dial that leave a text undelivered, and their error codes."""
ON_THE_WAY = (*FATES, "late")
TOLD_BADLY = ("duplicate_callback", "out_of_order", "lost_callback", "forged_callback")
EXPIRED = 30036
UNDELIVERED = "+1500556"
"""A number that begins so never gets a text: its last four digits are those of the error code 3...."""
LONGEST_QUEUE_SECONDS = 36_000
POSTMEN = 4
FINAL = ("delivered", "undelivered", "failed", "canceled")


@dataclass(frozen=True, order=True)
class _Event:
    """A status that a text will have at `at` (monotonic seconds); `number` keeps equal instants in order."""

    at: float
    number: int
    text: Text = field(compare=False)
    status: str
    error_code: int
    copies: int
    is_state: bool
    is_told: bool
    is_forged: bool


class Carrier:
    """Moves texts along. `pace` stretches the time between statuses; 0 is at once."""

    def __init__(self, texts: Texts, faults: FaultSwitch, postman: Postman) -> None:
        self.pace = 1.0
        self.told: Counter[str] = Counter()
        self._texts, self._faults, self._postman = texts, faults, postman
        self._numbers = itertools.count()
        self._waiting: list[_Event] = []
        self._bell = threading.Condition()
        self._letters: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        threading.Thread(target=self._move, daemon=True).start()
        for _ in range(POSTMEN):
            threading.Thread(target=self._tell, daemon=True).start()

    def take(self, text: Text) -> None:
        """Decides the text's fate and sets out its statuses."""
        person = text.to.encode()
        fate = self._faults.next_for("twilio", None, b"fate" + person, ON_THE_WAY)
        telling = self._faults.next_for("twilio", None, b"telling" + person, TOLD_BADLY)
        late = self._queue_seconds(text, is_late=fate is not None and fate.kind == "late")
        text.due_at = text.created_at + dt.timedelta(seconds=late)
        if text.to.startswith(UNDELIVERED):
            end, code = "undelivered", int(f"3{text.to[-4:]}")
        elif fate is not None and fate.kind in FATES:
            end, code = "undelivered", FATES[fate.kind]
        elif late > text.validity:
            end, code = "failed", EXPIRED
        else:
            end, code = "delivered", 0
        steps = ["queued"] if text.service else []
        steps += [end] if end == "failed" else ["sent", end]
        self._set_out(text, steps, code, telling.kind if telling else "")

    def _queue_seconds(self, text: Text, *, is_late: bool) -> float:
        share = int.from_bytes(text.dice[:4]) / 2**32
        return share * LONGEST_QUEUE_SECONDS if is_late else 0.2 + share * 2

    def _set_out(self, text: Text, steps: list[str], code: int, telling: str) -> None:
        now = time.monotonic()
        gaps = [0.01 + byte / 2550 for byte in text.dice[4 : 4 + len(steps)]]
        ends = list(itertools.accumulate(gap * self.pace for gap in gaps))
        events = [
            _Event(
                now + end,
                next(self._numbers),
                text,
                step,
                code if step == steps[-1] else 0,
                2 if telling == "duplicate_callback" else 1,
                is_state=True,
                is_told=telling not in ("lost_callback", "out_of_order"),
                is_forged=telling == "forged_callback" and step == steps[-1],
            )
            for end, step in zip(ends, steps, strict=True)
        ]
        if telling == "out_of_order":
            events += [
                _Event(now + end, next(self._numbers), text, step, code if step == steps[-1] else 0, 1, False, True,
                       False)
                for end, step in zip(ends, reversed(steps), strict=True)
            ]  # fmt: skip
        with self._bell:
            for event in events:
                heapq.heappush(self._waiting, event)
            self._bell.notify()

    def _move(self) -> None:
        while True:
            with self._bell:
                while not self._waiting or self._waiting[0].at > time.monotonic():
                    self._bell.wait(self._waiting[0].at - time.monotonic() if self._waiting else None)
                event = heapq.heappop(self._waiting)
            with self._texts.lock:
                if self._is_forgotten(event.text) or event.text.status == "canceled":
                    continue
                if event.is_state:
                    _become(event.text, event)
            if event.is_told and event.text.callback is not None:
                self._letters.put(event)

    def _is_forgotten(self, text: Text) -> bool:
        return self._texts.by_sid.get(text.sid) is not text

    def _tell(self) -> None:
        while True:
            event = self._letters.get()
            text = event.text
            if text.callback is None or self._is_forgotten(text):
                continue
            if event.is_forged:
                lie = "undelivered" if event.status == "delivered" else "delivered"
                code = 21610 if lie == "undelivered" else 0
                told = _callback(text, lie, code)
                answer = self._postman.post(text.callback, told, token=text.sid, signed=FORGED)
                self.told["forged_believed" if answer is not None and answer < 400 else "forged_refused"] += 1
            form = _callback(text, event.status, event.error_code)
            for _ in range(event.copies):
                answer = self._postman.post(text.callback, form, token=f"{text.sid}-{event.status}")
                self.told["unanswered" if answer is None else f"answered_{answer // 100}xx"] += 1


def _become(text: Text, event: _Event) -> None:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    text.status, text.updated_at = event.status, now
    if event.error_code:
        text.error_code = event.error_code
    if event.status == "sent":
        text.sent_at = now


def _callback(text: Text, status: str, error_code: int) -> dict[str, str]:
    """The fields of a status callback: twilio.com/docs/messaging/guides/track-outbound-message-status."""
    form = {
        "AccountSid": ACCOUNT_SID, "ApiVersion": "2010-04-01", "From": text.from_number, "To": text.to,
        "MessageSid": text.sid, "SmsSid": text.sid, "MessageStatus": status, "SmsStatus": status,
    }  # fmt: skip
    if text.service is not None:
        form["MessagingServiceSid"] = text.service
    if error_code:
        form["ErrorCode"] = str(error_code)
    return form
