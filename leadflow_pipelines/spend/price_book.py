"""What a call costs: each provider's billing rule and price, as dated data.

Here: arithmetic on prices. Not here: what may be spent (`budget`), nor what was spent (`ledger`).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.spend.call import Call

PRICES_FILE = Path(__file__).with_name("prices.yaml")
Rule = Literal["per_call", "per_record", "per_hit", "metered", "free"]
FOUR_DECIMALS = Decimal("0.0001")


@dataclass(frozen=True)
class Price:
    """One line of the price book. `endpoint` may be `*`, and `provider` a pattern such as `county_*`; `cents` is per
    unit of the rule.
    """

    provider: str
    endpoint: str
    rule: Rule
    cents: Decimal
    effective_from: dt.date
    source: str


class PriceBook:
    """Answers what a request may cost at worst, and what it did cost."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._prices = sorted(prices, key=lambda price: price.effective_from, reverse=True)

    def price(self, provider: str, endpoint: str, day: dt.date) -> Price:
        """The price in force on a day: a provider's own line wins over a pattern, an endpoint's own over `*`.

        Raises InvalidInput where none is.
        """
        lines = [
            line
            for line in self._prices
            if line.effective_from <= day and line.endpoint in (endpoint, "*") and fnmatchcase(provider, line.provider)
        ]
        if lines:
            return min(lines, key=lambda line: (line.provider != provider, line.endpoint != endpoint))
        raise InvalidInput(
            f"No price is known for {provider} {endpoint} on {day}.",
            remedy=f"Add it to {PRICES_FILE.name}: what has no price is not bought.",
        )

    def is_free(self, provider: str, day: dt.date) -> bool:
        """Whether nothing that the provider is asked for costs money, so that it needs no budget."""
        rules = {
            line.rule for line in self._prices if line.effective_from <= day and fnmatchcase(provider, line.provider)
        }
        return rules == {"free"}

    def worst_case(self, calls: Sequence[Call], day: dt.date) -> Decimal:
        """Cents that one request carrying these calls can cost at most on `day`."""
        return self._cents(calls, sum(call.most_items for call in calls), day)

    def actual(self, calls: Sequence[Call], billed: int, day: dt.date) -> Decimal:
        """Cents that the request did cost; `billed` counts the records or hits in its answer."""
        return self._cents(calls, billed, day)

    def at_price_of(self, cents: Decimal, like: Call, *, paid_on: dt.date, day: dt.date) -> Decimal:
        """What was paid on one day for calls like this, at the price of another; as it was where the rule changed."""
        then, now = (self.price(like.provider, like.endpoint, when) for when in (paid_on, day))
        if then.rule != now.rule or then.cents in (0, now.cents):
            return cents
        return (cents * now.cents / then.cents).quantize(FOUR_DECIMALS)

    def _cents(self, calls: Sequence[Call], units: int, day: dt.date) -> Decimal:
        price = self.price(calls[0].provider, calls[0].endpoint, day)
        if price.rule == "free":
            return Decimal(0)
        return (price.cents * (1 if price.rule == "per_call" else units)).quantize(FOUR_DECIMALS)


def split_cents(total: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """`total` shared out by weight to four decimals, equally where all weights are 0; the shares sum to `total`."""
    if not weights:
        return []
    whole = sum(weights)
    parts = weights if whole else [1] * len(weights)
    share_of = {part: (total * part / (whole or len(parts))).quantize(FOUR_DECIMALS, ROUND_DOWN) for part in set(parts)}
    shares = [share_of[part] for part in parts]
    last = max(index for index, part in enumerate(parts) if part)
    shares[last] += total - sum(shares, Decimal(0))
    return shares


@cache
def load_price_book(path: Path = PRICES_FILE) -> PriceBook:
    """The price book of a file. Raises InvalidInput naming every faulty line at once."""
    faults: list[str] = []
    prices: list[Price] = []
    for number, line in enumerate(yaml.safe_load(path.read_text()) or [], start=1):
        try:
            prices.append(_read_price(line))
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            faults.append(f"{path.name}, price {number}: {error}")
    if faults:
        raise InvalidInput("\n".join(faults), remedy="Mend the price book.")
    return PriceBook(prices)


def _read_price(line: dict[str, Any]) -> Price:
    if line["rule"] not in get_args(Rule):
        raise ValueError(f"rule {line['rule']!r} is none of {', '.join(get_args(Rule))}")
    cents = Decimal(str(line["cents"]))
    if cents < 0 or cents != cents.quantize(FOUR_DECIMALS):
        raise ValueError(f"cents {cents} must be at least 0, with at most four decimals")
    if not isinstance(line["effective_from"], dt.date):
        raise ValueError(f"effective_from {line['effective_from']!r} is not a date")
    return Price(line["provider"], line["endpoint"], line["rule"], cents, line["effective_from"], line["source"])
