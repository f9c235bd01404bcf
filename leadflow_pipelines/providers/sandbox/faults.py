"""The fault dial: what a vendor may do to a call, for the next few calls or for a share of all.

Here: which call suffers what. Not here: how a body is spoiled (`distortions`) or a socket broken (`server`).
"""

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from leadflow_pipelines.errors import InvalidInput

Refusal = Literal["status", "too_many", "expired_key", "empty_wallet"]
Stall = Literal["slow", "slow_drip", "timeout", "reset", "reset_midway", "cut_off"]
Spoiled = Literal[
    "truncated_json", "malformed_json", "wrong_shape", "missing_field", "renamed_field", "key_casing", "wrong_total",
    "duplicate_page",
]  # fmt: skip
KINDS: tuple[str, ...] = (*get_args(Refusal), *get_args(Stall), *get_args(Spoiled))
OWN_KINDS: Mapping[str, tuple[str, ...]] = {
    "twilio": (
        "error_after", "filtered", "unreachable", "carrier_unknown", "late", "duplicate_callback", "out_of_order",
        "lost_callback", "forged_callback", "duplicate_inbound", "forged_inbound", "lost_inbound",
    ),
    "llm": (
        "not_json", "wrong_schema", "cut_short", "lying_number", "lying_words", "contact_details", "promise",
        "over_long", "gullible", "declines", "no_usage", "over_usage",
    ),
}  # fmt: skip
"""What only one vendor may do: `vendors` says what each means."""
EVERYONE = "*"


@dataclass
class Fault:
    """One setting of the dial, for `provider` (`*`: each) and, where given, for one `zip` only.

    Without a `share` the next `times` calls suffer; with one, that share of all calls, the same ones in every run;
    another `seed`, others. Nothing is billed by status (answers `status`), too_many (the vendor's own refusal of haste;
    both with Retry-After where given), expired_key and empty_wallet. The others bill first. slow answers after
    `seconds`; slow_drip spreads the answer over them; timeout is silent for them and hangs up; reset drops the
    connection before the answer, reset_midway in its midst, where cut_off only stops. truncated_json, malformed_json
    and wrong_shape cannot be read. missing_field and renamed_field touch one field of each record, key_casing all keys;
    wrong_total miscounts; duplicate_page answers the page before again. What a vendor's answers do not have, no fault
    can spoil: see `Vendor.can_suffer`.
    """

    provider: str
    kind: str
    times: int = 1
    share: float | None = None
    status: int = 500
    retry_after: str | None = None
    seconds: float = 60.0
    zip: str | None = None
    seed: int = 0


PRESETS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "flaky": (
        {"kind": "status", "status": 502, "share": 0.08},
        {"kind": "too_many", "retry_after": "1", "share": 0.05},
        {"kind": "reset", "share": 0.04},
        {"kind": "reset_midway", "share": 0.02},
        {"kind": "cut_off", "share": 0.02},
    ),
    "rate-limited": (
        {"kind": "too_many", "retry_after": "1", "share": 0.2},
        {"kind": "too_many", "share": 0.1},
    ),
    "slow": ({"kind": "slow", "seconds": 2.0, "share": 0.3}, {"kind": "slow_drip", "seconds": 3.0, "share": 0.1}),
    "garbled": ({"kind": "truncated_json", "share": 0.1}, {"kind": "malformed_json", "share": 0.1}),
    "drifting": (
        {"kind": "missing_field", "share": 0.2},
        {"kind": "renamed_field", "share": 0.2},
        {"kind": "key_casing", "share": 0.2},
        {"kind": "wrong_total", "share": 0.2},
        {"kind": "duplicate_page", "share": 0.1},
    ),
    "expired-keys": ({"kind": "expired_key", "share": 1.0},),
    "empty-wallets": ({"kind": "empty_wallet", "share": 1.0},),
    "down": ({"kind": "status", "status": 503, "share": 1.0},),
}
"""What `leadflow sandbox --faults NAME` sets for every vendor."""


@dataclass
class FaultSwitch:
    """The armed faults of one sandbox, oldest first."""

    seed: int = 1
    armed: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    seen: Counter[tuple[str, bytes]] = field(default_factory=Counter)

    def arm(self, wanted: dict[str, Any]) -> None:
        """Adds a fault described by JSON. Raises InvalidInput where the description is wrong."""
        try:
            fault = Fault(**wanted)
        except TypeError as error:
            raise InvalidInput(f"Not a fault: {error}.") from error
        known = (*KINDS, *OWN_KINDS.get(fault.provider, ()))
        if fault.kind not in known:
            raise InvalidInput(f"No fault of {fault.provider} is called {fault.kind!r}; there are {', '.join(known)}.")
        if fault.share is not None and not 0 <= fault.share <= 1:
            raise InvalidInput(f"share {fault.share} is none between 0 and 1.")
        with self.lock:
            self.armed.append(fault)

    def arm_share(self, told: str) -> None:
        """Adds a fault written as VENDOR.KIND=SHARE, like twilio.filtered=0.1. Raises InvalidInput where it is not."""
        found = re.fullmatch(r"(\w+|\*)\.(\w+)=(0?\.\d+|0|1|1\.0*)", told)
        if found is None:
            raise InvalidInput(f"{told!r} is not VENDOR.KIND=SHARE.", remedy="Write it like twilio.filtered=0.1.")
        self.arm({"provider": found[1], "kind": found[2], "share": float(found[3])})

    def preset(self, names: Iterable[str]) -> None:
        """Sets these presets for every vendor. Raises InvalidInput where there is none of a name."""
        for name in names:
            if name not in PRESETS:
                raise InvalidInput(f"No preset is called {name!r}; there are {', '.join(PRESETS)}.")
            for one in PRESETS[name]:
                self.arm({"provider": EVERYONE, **one})

    def disarm(self) -> None:
        """Removes every fault."""
        with self.lock:
            self.armed.clear()
            self.seen.clear()

    def next_for(
        self, provider: str, zip_code: str | None, request: bytes, kinds: Collection[str] = KINDS
    ) -> Fault | None:
        """The fault of these kinds that the call must suffer, if any; `request` is what tells it from other calls."""
        with self.lock:
            if not self.armed:
                return None
            question = (provider, hashlib.blake2b(request, digest_size=8).digest())
            self.seen[question] += 1
            for number, fault in enumerate(self.armed):
                if fault.provider not in (provider, EVERYONE) or fault.zip not in (None, zip_code):
                    continue
                if fault.kind not in kinds:
                    continue
                if fault.share is None:
                    fault.times -= 1
                    if fault.times <= 0:
                        del self.armed[number]
                    return fault
                if self._dice(fault, question, self.seen[question]) < fault.share:
                    return fault
        return None

    def _dice(self, fault: Fault, question: tuple[str, bytes], time: int) -> float:
        """A number in [0, 1) that hangs on the fault, the question and how often it came, not on who else asks."""
        told = f"{self.seed}:{fault.seed}:{fault.kind}:{fault.status}:{question[0]}:{question[1].hex()}:{time}".encode()
        return int.from_bytes(hashlib.blake2b(told, digest_size=7).digest()) / 2**56
