"""Openings over days: the next instant, and the weekly windows, that suit a set of states and zones.

Here: interval arithmetic on the rules, cached for lists. Not here: the reasons against one instant
(`calling_time`), which are computed on their own so that each checks the other in the tests.
"""

import json
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leadflow_pipelines.compliance.holidays import WEEKDAYS
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.compliance.rule_tables import Weekly, Window

Width = Literal["default", "state_table"]
"""default: the product's narrow window. state_table: each state's own limits, the widest an org may choose."""
SEARCH_DAYS = (4, 35, 370)
"""How far ahead the next opening is sought, step by step; a year shows every season of the clocks."""
MOST_OPENINGS = 100_000
"""A sender asks at ever new instants: so many answers are kept."""
ALL_DAY: Window = (0, 24 * 60)

Interval = tuple[int, int]
"""Seconds since the epoch, or minutes of a local day; end exclusive."""


@dataclass(frozen=True)
class Terms:
    """What a set of states asks of a local day in one zone, merged."""

    weekly: Weekly
    is_closed_on_holidays: bool


@dataclass(frozen=True)
class WeeklyWindows:
    """Windows by weekday in `zone`'s local time, that hold in every season of the year; holidays come on top."""

    zone: str
    days: tuple[tuple[Window, ...], ...]
    is_closed_on_holidays: bool

    @cached_property
    def json(self) -> str:
        """`{"zone": "America/New_York", "mon": [["12:00", "18:00"]], …, "sun": [], "holidays": "closed"}`."""
        told: dict[str, object] = {"zone": self.zone}
        for name, windows in zip(WEEKDAYS, self.days, strict=True):
            told[name] = [[_clock(start), _clock(end)] for start, end in windows]
        told["holidays"] = "closed" if self.is_closed_on_holidays else "open"
        return json.dumps(told, separators=(",", ":"))


class CallingCalendar:
    """The rules applied to days. Holds caches, so that a list asks about each set of places once.

    `states` and `zones` are sorted tuples of known codes. Raises ValueError for an unknown width.
    """

    def __init__(self, rules: RuleBook, widen_to: Width = "default") -> None:
        if widen_to not in get_args(Width):
            raise ValueError(f"widen_to is one of {', '.join(get_args(Width))}, not {widen_to!r}")
        self.rules = rules
        self.is_default = widen_to == "default"
        self._changes = rules.change_days()
        self._terms: dict[tuple[tuple[str, ...], str, bool, int], Terms] = {}
        self._intervals: dict[tuple[str, Terms, date], Interval | None] = {}
        self._weeks: dict[tuple[object, ...], WeeklyWindows | None] = {}
        self._openings: dict[tuple[object, ...], datetime | None] = {}

    def _binding_states(self, states: tuple[str, ...]) -> tuple[str, ...]:
        """The states that decide: one of each set of like hours, so that lists work each out once.

        Where the default counts, only those with another zone to keep and those that are narrower still.
        """
        also, stand_in, narrow = self.rules.also_in_zones, self.rules.like_hours, self.rules.narrower_than_default
        return tuple(
            sorted({stand_in[state] for state in states if also(state) or state in narrow or not self.is_default})
        )

    def next_open(self, instant: datetime, states: tuple[str, ...], zones: tuple[str, ...]) -> datetime | None:
        """The first instant from `instant` on at which every window is open; None within a year."""
        binding = self._binding_states(states)
        key = instant, binding, zones
        if key not in self._openings:
            if len(self._openings) >= MOST_OPENINGS:
                self._openings.clear()
            self._openings[key] = self._search(instant, binding, zones)
        return self._openings[key]

    def open_until(self, instant: datetime, states: tuple[str, ...], zones: tuple[str, ...]) -> datetime | None:
        """The end of the opening that holds `instant`; None where it is closed."""
        now = instant.timestamp()
        first = instant.astimezone(UTC).date() - timedelta(days=1)
        for opens, closes in self._open_intervals(self._binding_states(states), zones, first, 2):
            if opens <= now < closes:
                return datetime.fromtimestamp(closes, UTC)
        return None

    def _search(self, instant: datetime, states: tuple[str, ...], zones: tuple[str, ...]) -> datetime | None:
        now = instant.timestamp()
        first = instant.astimezone(UTC).date() - timedelta(days=1)
        for days in SEARCH_DAYS:
            for opens, closes in self._open_intervals(states, zones, first, days):
                if closes > now:
                    return instant if opens <= now else datetime.fromtimestamp(opens, UTC)
        return None

    def weekly_windows(self, day: date, states: tuple[str, ...], zones: tuple[str, ...]) -> WeeklyWindows | None:
        """Windows that hold in every week of the year from `day`, whatever season the clocks are in.

        Told in the easternmost plausible zone. None where some season leaves nothing at all.
        """
        binding = self._binding_states(states)
        key = day, binding, zones
        if key not in self._weeks:
            self._weeks[key] = self._common_week(day, binding, zones)
        return self._weeks[key]

    def _common_week(self, day: date, states: tuple[str, ...], zones: tuple[str, ...]) -> WeeklyWindows | None:
        demands = self._demands(states, zones)
        asked = {
            tuple((zone, self._terms_of(states, zone, is_plausible, on)) for zone, is_plausible in demands)
            for on in (day, day + self.rules.clearance_max_age)
        }
        reference = max(zones, key=lambda zone: _offset(zone, date(day.year, 1, 15)))
        weeks = [_week(terms, reference, start) for terms in asked for start in _season_starts(day, zones)]
        days = weeks[0]
        for week in weeks[1:]:
            days = tuple(_overlap(*pair) for pair in zip(days, week, strict=True))
        closes = any(terms.is_closed_on_holidays for by_zone in asked for _, terms in by_zone)
        return WeeklyWindows(reference, days, closes) if any(days) else None

    def _demands(self, states: tuple[str, ...], zones: tuple[str, ...]) -> list[tuple[str, bool]]:
        """Zones that must be open: the plausible ones, and those a state's statute names besides."""
        named = sorted({zone for state in states for zone in self.rules.also_in_zones(state)})
        return [(zone, True) for zone in zones] + [(zone, False) for zone in named]

    def _terms_of(self, states: tuple[str, ...], zone: str, is_plausible: bool, day: date) -> Terms:
        key = states, zone, is_plausible, bisect_right(self._changes, day)
        if key not in self._terms:
            rules = [rule for state in states if (rule := self.rules.calling_rule(state, day))]
            if not is_plausible:
                rules = [rule for rule in rules if rule.also_in_zone == zone]
            weekly: Weekly = (ALL_DAY,) * 7
            narrowing = [self.rules.default_weekly] if is_plausible and self.is_default else []
            for other in [rule.weekly for rule in rules] + narrowing:
                weekly = tuple(both(*pair) for pair in zip(weekly, other, strict=True))
            closes = bool(narrowing) or any(rule.is_closed_on_holidays for rule in rules)
            self._terms[key] = Terms(weekly, closes)
        return self._terms[key]

    def _open_intervals(
        self, states: tuple[str, ...], zones: tuple[str, ...], first: date, days: int
    ) -> tuple[Interval, ...]:
        span = [first + timedelta(days=shift) for shift in range(days + 2)]
        common: tuple[Interval, ...] | None = None
        for zone, is_plausible in self._demands(states, zones):
            found = (self._interval(zone, self._terms_of(states, zone, is_plausible, day), day) for day in span)
            own = tuple(interval for interval in found if interval)
            common = own if common is None else _overlap(common, own)
        return common or ()

    def _interval(self, zone: str, terms: Terms, day: date) -> Interval | None:
        key = zone, terms, day
        if key not in self._intervals:
            is_closed = terms.is_closed_on_holidays and self.rules.is_holiday(day)
            window = None if is_closed else terms.weekly[day.weekday()]
            self._intervals[key] = _to_utc(zone, day, window) if window else None
        return self._intervals[key]


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """The IANA zone of that name; None where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def both(one: Window | None, other: Window | None) -> Window | None:
    """What two windows of a day share."""
    if one is None or other is None:
        return None
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None


def _week(demands: tuple[tuple[str, Terms], ...], reference: str, start: date) -> tuple[tuple[Window, ...], ...]:
    """The seven days from `start`, holidays aside, as local windows of the reference zone, Monday first."""
    span = [start + timedelta(days=shift) for shift in range(-2, 9)]
    common: tuple[Interval, ...] | None = None
    for zone, terms in demands:
        own = tuple(_to_utc(zone, day, window) for day in span if (window := terms.weekly[day.weekday()]))
        common = own if common is None else _overlap(common, own)
    days: list[tuple[Window, ...]] = [()] * 7
    for opens, closes in common or ():
        local = datetime.fromtimestamp(opens, zone_of(reference))
        if start <= local.date() < start + timedelta(days=7):
            begins = local.hour * 60 + local.minute
            days[local.weekday()] += ((begins, begins + (closes - opens) // 60),)
    return tuple(days)


@lru_cache(maxsize=4096)
def _season_starts(day: date, zones: tuple[str, ...]) -> tuple[date, ...]:
    """A first day of seven for each way in which the zones' clocks stand to each other within a year."""
    runs: dict[tuple[float, ...], tuple[int, date]] = {}
    begins = sorted({day, *(change for zone in zones for change in _clock_changes(zone, day))})
    for begun, end in pairwise([*begins, day + timedelta(days=SEARCH_DAYS[-1])]):
        offsets, length = tuple(_offset(zone, begun) for zone in zones), (end - begun).days
        if length >= runs.get(offsets, (0, begun))[0]:
            runs[offsets] = length, begun
    return tuple(begun for _, begun in runs.values())


@lru_cache(maxsize=4096)
def _clock_changes(zone: str, day: date) -> tuple[date, ...]:
    """The days within a year from `day` on which a zone's clock differs from the day before."""
    days = (day + timedelta(days=shift) for shift in range(SEARCH_DAYS[-1]))
    return tuple(after for before, after in pairwise(days) if _offset(zone, before) != _offset(zone, after))


@lru_cache(maxsize=65536)
def _offset(zone: str, day: date) -> float:
    """Seconds east of Greenwich at noon UTC, after any change of clocks of that day in the United States."""
    offset = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).astimezone(zone_of(zone)).utcoffset()
    return offset.total_seconds() if offset else 0.0


@lru_cache(maxsize=65536)
def _to_utc(zone: str, day: date, window: Window) -> Interval:
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a local wall clock, given its zone below
    opens, closes = (
        int((midnight + timedelta(minutes=minute)).replace(tzinfo=zone_of(zone)).timestamp()) for minute in window
    )
    return opens, closes


def _overlap(one: tuple[Interval, ...], other: tuple[Interval, ...]) -> tuple[Interval, ...]:
    """What two ordered lists of intervals share, in one pass."""
    shared = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            shared.append((start, end))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(shared)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
