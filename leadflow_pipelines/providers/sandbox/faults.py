"""Misbehaviour on demand: what a vendor may do to a call, armed for the next few calls of a provider."""

import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from leadflow_pipelines.errors import InvalidInput

Kind = Literal["status", "slow", "reset", "timeout", "cut_off", "truncated_json", "wrong_shape"]


@dataclass
class Fault:
    """A fault for the next `times` calls of `provider` (or only those for `zip`).

    status: answers `status` (with Retry-After, if given) and bills nothing. slow: answers after `seconds`. The
    others bill first, then fail:
    reset drops the connection, timeout stays silent for `seconds`, cut_off stops midway, truncated_json and
    wrong_shape answer what cannot be read.
    """

    provider: str
    kind: Kind
    times: int = 1
    status: int = 500
    retry_after: str | None = None
    seconds: float = 60.0
    zip: str | None = None


@dataclass
class FaultSwitch:
    """The armed faults of one sandbox, oldest first."""

    armed: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, wanted: dict[str, Any]) -> None:
        """Adds a fault described by JSON. Raises InvalidInput where the description is wrong."""
        try:
            fault = Fault(**wanted)
        except TypeError as error:
            raise InvalidInput(f"Not a fault: {error}.") from error
        if fault.kind not in get_args(Kind):
            raise InvalidInput(f"No fault is called {fault.kind!r}; there are {', '.join(get_args(Kind))}.")
        with self.lock:
            self.armed.append(fault)

    def disarm(self) -> None:
        """Removes every fault."""
        with self.lock:
            self.armed.clear()

    def next_for(self, provider: str, zip_code: str | None) -> Fault | None:
        """The fault that the call must suffer, if any; it is used up."""
        with self.lock:
            for fault in self.armed:
                if fault.provider == provider and fault.zip in (None, zip_code):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.armed.remove(fault)
                    return fault
        return None
