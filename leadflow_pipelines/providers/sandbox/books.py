"""The vendors' own books: what was asked of each, what it refused, what it billed."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Account:
    """One vendor's books: calls received, answers refused, calls that a fault of the dial struck, items billed."""

    calls: int = 0
    refused: int = 0
    suffered: int = 0
    billed: int = 0
    billed_by_zip: Counter[str] = field(default_factory=Counter)
    calls_by_zip: Counter[str] = field(default_factory=Counter)
    calls_by_path: Counter[str] = field(default_factory=Counter)


@dataclass
class Books:
    """The accounts of all vendors, by provider."""

    accounts: dict[str, Account] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(
        self,
        provider: str,
        zip_code: str | None,
        *,
        billed: int = 0,
        is_refused: bool = False,
        is_struck: bool = False,
        path: str | None = None,
    ) -> None:
        """Books one call; `path`, with its query, where the vendor's books hold paths."""
        with self.lock:
            account = self.accounts.setdefault(provider, Account())
            account.calls += 1
            account.refused += is_refused
            account.suffered += is_struck
            account.billed += billed
            account.calls_by_zip[zip_code or "none"] += 1
            if path is not None:
                account.calls_by_path[path] += 1
            if billed:
                account.billed_by_zip[zip_code or "none"] += billed

    def as_json(self) -> dict[str, Any]:
        """Every account as JSON can hold it."""
        with self.lock:
            return {
                name: {
                    key: dict(value) if isinstance(value, Counter) else value
                    for key, value in vars(one).items()
                    if key != "calls_by_path" or value
                }
                for name, one in self.accounts.items()
            }

    def clear(self) -> None:
        """Begins new books."""
        with self.lock:
            self.accounts.clear()
