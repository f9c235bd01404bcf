"""How often and how long a failed call is tried again, as a value that tests can replace by one that never sleeps."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from leadflow_pipelines.errors import Transient
from leadflow_pipelines.settings import Settings


@dataclass(frozen=True)
class RetryPolicy:
    """Attempts and total seconds are both bounded; waits double with jitter, and a vendor's Retry-After wins.

    A wait that would end after `total_seconds` is not begun: the last error is raised at once.
    """

    attempts: int = 4
    total_seconds: float = 120.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def from_settings(cls, settings: Settings) -> "RetryPolicy":
        """The policy of this installation."""
        return cls(attempts=settings.http_attempts, total_seconds=settings.http_total_seconds)

    def retrying(self) -> Retrying:
        """A fresh tenacity controller; call it with the function to try."""
        jittered = wait_random_exponential(multiplier=self.first_wait_seconds, max=self.longest_wait_seconds)

        def wait(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after_seconds if isinstance(error, Transient) else None
            return max(asked or 0.0, jittered(state))

        def stop(state: RetryCallState) -> bool:
            spent = max(state.seconds_since_start or 0.0, state.idle_for)
            return state.attempt_number >= self.attempts or spent + state.upcoming_sleep > self.total_seconds

        return Retrying(sleep=self.sleep, wait=wait, stop=stop, retry=retry_if_exception_type(Transient), reraise=True)


@dataclass
class RecordedWaits:
    """A sleep that only takes notes: `RetryPolicy(sleep=waits)` never waits, and `waits.seconds` says how long."""

    seconds: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
