"""The vendors' own books: what was asked of each, what it refused, what it billed."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Account:
    """One vendor's books: calls received, answers refused, items billed."""

    calls: int = 0
    refused: int = 0
    billed: int = 0
    billed_by_zip: Counter[str] = field(default_factory=Counter)
    calls_by_zip: Counter[str] = field(default_factory=Counter)


@dataclass
class Books:
    """The accounts of all vendors, by provider."""

    accounts: dict[str, Account] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, provider: str, zip_code: str | None, *, billed: int = 0, is_refused: bool = False) -> None:
        """Books one call."""
        with self.lock:
            account = self.accounts.setdefault(provider, Account())
            account.calls += 1
            account.refused += is_refused
            account.billed += billed
            account.calls_by_zip[zip_code or "none"] += 1
            if billed:
                account.billed_by_zip[zip_code or "none"] += billed

    def as_json(self) -> dict[str, Any]:
        """Every account as JSON can hold it."""
        with self.lock:
            return {
                name: {**vars(one), "billed_by_zip": dict(one.billed_by_zip), "calls_by_zip": dict(one.calls_by_zip)}
                for name, one in self.accounts.items()
            }

    def clear(self) -> None:
        """Begins new books."""
        with self.lock:
            self.accounts.clear()
