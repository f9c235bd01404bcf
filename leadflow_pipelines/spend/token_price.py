"""What tokens of a language model cost, counted in ten-thousandths of a cent, the smallest sum that the ledger knows.

A dollar per million tokens is one ten-thousandth of a cent per token, so prices in those dollars are prices in these
units. Not here: how many tokens a text has at most, or had (`providers.sources.llm`).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal


@dataclass(frozen=True)
class TokenPrice:
    """Dollars per million tokens, of the question and of the answer."""

    input_dollars_per_million: Decimal
    output_dollars_per_million: Decimal

    def units(self, input_tokens: int, output_tokens: int) -> int:
        """Ten-thousandths of a cent, rounded up: a call is never counted below its price."""
        asked = input_tokens * self.input_dollars_per_million
        answered = output_tokens * self.output_dollars_per_million
        return int((asked + answered).to_integral_value(ROUND_CEILING))
