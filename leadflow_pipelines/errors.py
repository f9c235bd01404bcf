"""The one exception tree.

An error says what was wrong, where (file, row, column, provider, setting) and what to do about it.
Nothing here formats for a terminal or logs; that is the caller's choice.
"""


class LeadflowError(Exception):
    """Any fault that LeadFlow itself names. `remedy` is the next thing a person should do."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}" if self.remedy else self.message


class InvalidSettings(LeadflowError):
    """The environment or .env is wrong. `faults` holds every fault found, one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("The settings are not valid:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class InvalidInput(LeadflowError):
    """A file, mapping, argument or record cannot be used as given."""


class ContractBroken(LeadflowError):
    """Rows violate a table's contract and were not written."""


class DatabaseUnavailable(LeadflowError):
    """Postgres is missing, stopped, unreachable or not migrated."""


class DatabaseRestored(LeadflowError):
    """The database is older than what was done with it: it was restored to an earlier state."""


class LakeUnavailable(LeadflowError):
    """The lake's storage cannot be read or written."""


class LakeConflict(LeadflowError):
    """Another writer committed to the same part of a table first, more often than we retry."""


class ProviderError(LeadflowError):
    """A call to a source failed. `provider` is its name."""

    def __init__(self, message: str, *, provider: str, remedy: str | None = None) -> None:
        super().__init__(f"{provider}: {message}", remedy=remedy)
        self.provider = provider


class Transient(ProviderError):
    """Worth another attempt: a timeout, a reset, 429, 5xx. `retry_after_seconds` is the vendor's wish.

    `is_throttled`: the vendor is well and only wants fewer calls.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        remedy: str | None = None,
        retry_after_seconds: float | None = None,
        may_be_billed: bool = True,
        is_throttled: bool = False,
    ) -> None:
        super().__init__(message, provider=provider, remedy=remedy)
        self.retry_after_seconds = retry_after_seconds
        self.may_be_billed = may_be_billed
        self.is_throttled = is_throttled


class ProviderDown(ProviderError):
    """The provider's breaker is open: it failed often in a row, and nobody asks it until its pause is over.

    `is_probing`: the pause is over, and one call is finding out whether it is well again.
    """

    def __init__(self, message: str, *, provider: str, remedy: str | None = None, is_probing: bool = False) -> None:
        super().__init__(message, provider=provider, remedy=remedy)
        self.is_probing = is_probing


class Terminal(ProviderError):
    """Another attempt gives the same answer: 4xx, an empty wallet, an answer of the wrong shape."""


class BudgetExceeded(LeadflowError):
    """The worst-case price of a call does not fit the budget; nothing was sent."""

    def __init__(self, message: str, *, provider: str, price_cents: str, available_cents: str) -> None:
        super().__init__(message, remedy="Raise the limit with `leadflow spend limit`, or ask for fewer ZIPs.")
        self.provider = provider
        self.price_cents = price_cents
        self.available_cents = available_cents
