"""Holiday definitions and the dates they fall on.

Here: one definition (a row of rules/holidays.csv) and its dates in a year. Not here: which states close on them.
"""

from dataclasses import dataclass
from datetime import date, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS = ("fixed", "nth_weekday", "easter")
OBSERVANCES = ("none", "nearest_weekday", "sunday_to_monday", "utah_monday")
SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True)
class Holiday:
    """One holiday. `nth` counts from 1, -1 is the last; `offset_days` is added to the computed date.

    `states` are those whose list names it. The safe reading closes on the day itself and on the day observed.
    """

    holiday: str
    name: str
    kind: str
    month: int | None
    day: int | None
    weekday: int | None
    nth: int | None
    offset_days: int
    observance: str
    is_federal: bool
    states: tuple[str, ...]
    effective_from: date | None
    effective_to: date | None
    source: str
    confidence: str

    def dates(self, year: int) -> frozenset[date]:
        """The day itself, and the day on which it is observed (possibly in a neighbouring year)."""
        day = self._day(year) + timedelta(days=self.offset_days)
        return frozenset({day, day + timedelta(days=_shift(day.weekday(), self.observance))})

    def _day(self, year: int) -> date:
        if self.kind == "easter":
            return easter(year)
        assert self.month is not None
        if self.kind == "fixed":
            assert self.day is not None
            return date(year, self.month, self.day)
        assert self.weekday is not None
        assert self.nth is not None
        if self.nth > 0:
            first = date(year, self.month, 1)
            return first + timedelta(days=(self.weekday - first.weekday()) % 7 + 7 * (self.nth - 1))
        last = date(year + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - self.weekday) % 7 + 7 * (-self.nth - 1))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous computus, Meeus 1991)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    moon = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * moon) // 451
    month, day = divmod(h + moon - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _shift(weekday: int, observance: str) -> int:
    if observance == "utah_monday":
        return {SATURDAY: 2, SUNDAY: 1}.get(weekday, -weekday)
    if weekday == SUNDAY and observance in ("nearest_weekday", "sunday_to_monday"):
        return 1
    return -1 if weekday == SATURDAY and observance == "nearest_weekday" else 0


def dates_in(holidays: tuple[Holiday, ...], year: int) -> frozenset[date]:
    """Every closed date of a year: the union of all definitions in force on that date.

    The neighbouring years count too: a New Year's Day on a Saturday is observed on 31 December.
    """
    return frozenset(
        day
        for holiday in holidays
        for basis in (year - 1, year, year + 1)
        for day in holiday.dates(basis)
        if day.year == year and is_in_force(holiday.effective_from, holiday.effective_to, day)
    )


def is_in_force(effective_from: date | None, effective_to: date | None, day: date) -> bool:
    """Both ends count; a missing end is open."""
    return (effective_from is None or effective_from <= day) and (effective_to is None or day <= effective_to)
