"""When a call or text may reach a person: windows of every plausible state in every plausible zone.

Here: one instant, with every reason against it. Not here: openings over days (`calling_calendar`), whether the
person may be contacted at all (`clear_contacts`), where the person may be (`whereabouts`).
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from leadflow_pipelines.compliance.calling_calendar import CallingCalendar, Width, both, zone_of
from leadflow_pipelines.compliance.rule_book import CallingRule, RuleBook, load_rules
from leadflow_pipelines.compliance.rule_tables import Window

DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class CallingTime:
    """Whether a call or text may arrive at an instant. `reasons` holds every rule against it."""

    allowed: bool
    reasons: tuple[str, ...]
    next_open_at: datetime | None


def check_calling_time(
    instant: datetime,
    *,
    states: Collection[str],
    zones: Collection[str],
    widen_to: Width = "default",
    rules: RuleBook | None = None,
) -> CallingTime:
    """Whether a call or text may arrive at `instant`: inside the window of every state in every zone.

    `next_open_at` is the instant itself when allowed, else the next opening, None where there is none within a
    year. Nothing known about state or zone is not allowed. Reasons: `no_state`, `no_zone`, `unknown_state:XX`,
    `unknown_zone:X`, `sunday:AL` (a closed weekday), `hours:FL:America/Chicago`, `holiday:PA:2026-12-25`.
    Raises ValueError for a naive instant, an unknown width, or a string where a collection is meant.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError("a calling time needs an aware instant: a naive one names no moment")
    if isinstance(states, str) or isinstance(zones, str):
        raise ValueError("states and zones are collections of codes, not one string")
    calendar = CallingCalendar(rules or load_rules(), widen_to)
    ordered_states, ordered_zones = tuple(sorted(set(states))), tuple(sorted(set(zones)))
    unknown = tuple(_unknown(calendar.rules, ordered_states, ordered_zones))
    if unknown:
        return CallingTime(False, unknown, None)
    reasons = objections(calendar, instant, ordered_states, ordered_zones)
    return CallingTime(not reasons, reasons, calendar.next_open(instant, ordered_states, ordered_zones))


def objections(
    calendar: CallingCalendar, instant: datetime, states: tuple[str, ...], zones: tuple[str, ...]
) -> tuple[str, ...]:
    """Every rule against `instant`, for sorted known states and zones."""
    return tuple(dict.fromkeys(_objections(calendar, instant, states, zones)))


def _unknown(rules: RuleBook, states: tuple[str, ...], zones: tuple[str, ...]) -> Iterator[str]:
    if not states:
        yield "no_state"
    if not zones:
        yield "no_zone"
    yield from (f"unknown_state:{state}" for state in states if state not in rules.calling_rules)
    yield from (f"unknown_zone:{zone}" for zone in zones if zone_of(zone) is None)


def _objections(
    calendar: CallingCalendar, instant: datetime, states: tuple[str, ...], zones: tuple[str, ...]
) -> Iterator[str]:
    for state in states:
        for zone in zones:
            yield from _objections_in_zone(calendar, instant, state, zone)
        for zone in calendar.rules.also_in_zones(state):
            yield from _objections_elsewhere(calendar, instant, state, zone)


def _objections_in_zone(calendar: CallingCalendar, instant: datetime, state: str, zone: str) -> Iterator[str]:
    local, rule = _local(calendar, instant, state, zone)
    hours, closes = rule.weekly[local.weekday()], rule.is_closed_on_holidays
    if calendar.is_default:
        hours, closes = both(hours, calendar.rules.default_weekly[local.weekday()]), True
    if closes and calendar.rules.is_holiday(local.date()):
        yield f"holiday:{state}:{local.date().isoformat()}"
    yield from _outside(hours, local, state, zone)


def _objections_elsewhere(calendar: CallingCalendar, instant: datetime, state: str, zone: str) -> Iterator[str]:
    """The zone a statute names besides the person's own: the state's own limits, never the narrower default."""
    local, rule = _local(calendar, instant, state, zone)
    if rule.also_in_zone != zone:
        return
    if rule.is_closed_on_holidays and calendar.rules.is_holiday(local.date()):
        yield f"holiday:{state}:{local.date().isoformat()}"
    yield from _outside(rule.weekly[local.weekday()], local, state, zone)


def _local(calendar: CallingCalendar, instant: datetime, state: str, zone: str) -> tuple[datetime, CallingRule]:
    local = instant.astimezone(zone_of(zone))
    rule = calendar.rules.calling_rule(state, local.date())
    if rule is None:
        raise ValueError(f"{state} has no calling rule on {local.date()}")
    return local, rule


def _outside(hours: Window | None, local: datetime, state: str, zone: str) -> Iterator[str]:
    if hours is None:
        yield f"{DAY_NAMES[local.weekday()]}:{state}"
    elif not hours[0] <= local.hour * 60 + local.minute < hours[1]:
        yield f"hours:{state}:{zone}"
