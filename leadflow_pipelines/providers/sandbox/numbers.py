"""What the simulated vendors know of a number: its last two digits say it, so that a test can read it off.

10-19: on the national list. 20-24: on a state's. 25-27: a litigator, on no list. 28-29: the vendor cannot tell.
30-34: reassigned on 2024-01-01. 35-37: no data on reassignment. All others: clean, and in the same hands.
"""

import datetime as dt
from dataclasses import dataclass

REASSIGNED_ON = dt.date(2024, 1, 1)


@dataclass(frozen=True)
class KnownNumber:
    """What is true of a number in the simulated world. `reassigned_on`: null, never."""

    is_national: bool
    is_state: bool
    is_litigator: bool
    is_unanswered: bool
    reassigned_on: dt.date | None
    has_data: bool


def known_number(national: str) -> KnownNumber | None:
    """What is known of ten digits; None where they are no number."""
    if len(national) != 10 or not national.isascii() or not national.isdecimal() or national[0] in "01":
        return None
    fate = int(national[-2:])
    return KnownNumber(
        is_national=10 <= fate <= 19,
        is_state=20 <= fate <= 24,
        is_litigator=25 <= fate <= 27,
        is_unanswered=28 <= fate <= 29,
        reassigned_on=REASSIGNED_ON if 30 <= fate <= 34 else None,
        has_data=not 35 <= fate <= 37,
    )
