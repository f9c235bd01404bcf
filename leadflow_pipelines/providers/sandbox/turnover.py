"""How many calls a simulated vendor takes within a second. Not here: what it answers to one too many (`vendors`)."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping

WINDOW_SECONDS = 1.0


class Turnover:
    """Counts calls by vendor. `calls_per_second`: unlimited for a vendor that is absent; `clock`: seconds."""

    def __init__(self, calls_per_second: Mapping[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = calls_per_second
        self._clock = clock
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def is_too_fast(self, vendor: str) -> bool:
        """Whether the vendor had as many calls within a second as it takes; if not, this one is counted."""
        limit = self._limits.get(vendor)
        if limit is None:
            return False
        with self._lock:
            now, recent = self._clock(), self._recent[vendor]
            while recent and recent[0] <= now - WINDOW_SECONDS:
                recent.popleft()
            if len(recent) >= limit:
                return True
            recent.append(now)
        return False
