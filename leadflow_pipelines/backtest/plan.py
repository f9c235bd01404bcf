"""What a backtest is asked to do. Here: the question. Not here: doing it (`walk_forward`)."""

import datetime as dt
from dataclasses import dataclass

from leadflow_pipelines.errors import InvalidInput

HORIZON_DAYS = 365
STEP_MONTHS = 3
VALUE_MONTHS = 3
"""Homes sold within so many months of a date are valued as of it, or within one step, where steps are shorter."""
NEWEST_DATES = 4
"""So many dates are judged where nobody says from when: a year in steps of three months."""
SEED = 20_260
ROUNDS = 200
LONGEST_HORIZON_DAYS = 3_653


@dataclass(frozen=True)
class BacktestPlan:
    """market: the name it goes by. first, last: as-of dates, both inclusive, step_months apart; None: found in the
    sales, the newest NEWEST_DATES whose windows are closed. horizon_days: length of the window in which a sale counts.
    without: columns of the sales that nobody may use. rounds: draws of the bootstrap."""

    market: str
    first: dt.date | None = None
    last: dt.date | None = None
    horizon_days: int = HORIZON_DAYS
    step_months: int = STEP_MONTHS
    without: tuple[str, ...] = ()
    rounds: int = ROUNDS
    seed: int = SEED

    def __post_init__(self) -> None:
        if self.first and self.last and self.last < self.first:
            raise InvalidInput(f"--from {self.first} lies after --to {self.last}.", remedy="Turn them around.")
        if not 1 <= self.horizon_days <= LONGEST_HORIZON_DAYS:
            raise InvalidInput(f"A horizon of {self.horizon_days} days is none.", remedy="365 is a year.")
        if self.step_months < 1:
            raise InvalidInput(f"A step of {self.step_months} months leads nowhere.", remedy="1 is a month.")


def read_as_of(text: str, *, told_as: str) -> dt.date:
    """A date as people write it, 2014-07-31 or 2014-07 for its first day. Raises InvalidInput naming `told_as`."""
    try:
        return dt.date.fromisoformat(f"{text}-01" if len(text) == len("2014-07") else text)
    except ValueError as error:
        raise InvalidInput(
            f"{told_as} {text!r} is not a date.", remedy="Write it like 2014-07-31, or 2014-07."
        ) from error
