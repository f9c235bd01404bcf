"""What the rules say about the places of each contact point: worked out once per set of places, not per row.

Here: windows, openings, holds, wireless restrictions and caps by place. Not here: where a person may be
(`whereabouts`), which of it blocks (`conditions`).
"""

from functools import lru_cache
from typing import Any

import polars as pl

from leadflow_pipelines.compliance.calling_calendar import CallingCalendar, Width
from leadflow_pipelines.compliance.calling_time import objections
from leadflow_pipelines.compliance.consents import INSTANT
from leadflow_pipelines.compliance.evidence import Question
from leadflow_pipelines.compliance.rule_book import RuleBook
from leadflow_pipelines.compliance.whereabouts import Places, whereabouts
from leadflow_pipelines.contracts import CHANNELS

EVERYWHERE = "*"
PLACE_COLUMNS: dict[str, Any] = {
    "states": pl.List(pl.String), "zones": pl.List(pl.String), "is_state_unknown": pl.Boolean,
    "is_zone_unknown": pl.Boolean, "calling_windows": pl.String, "next_open_at": INSTANT,
    "held_channels": pl.List(pl.String), "is_wireless_restricted": pl.Boolean, "state_cap": pl.Int64,
    "hours_against": pl.List(pl.String), "closes_at": INSTANT,
}  # fmt: skip


@lru_cache(maxsize=16)
def calendar_of(rules: RuleBook, widen_to: Width) -> CallingCalendar:
    """The calendar of a rule book, with what it has worked out so far: a sender asks it all day long."""
    return CallingCalendar(rules, widen_to)


def with_places(points: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Adds PLACE_COLUMNS. hours_against and closes_at are null unless the question is whether to send now."""
    calendar = calendar_of(question.rules, question.widen_to)
    place_of_row, found = whereabouts(points, question.rules)
    held = _held(question.holds)
    restricted = question.rules.wireless_restricted(question.now.date())
    told = pl.DataFrame(
        [(*_windows(places, calendar, question), _held_channels(places, held),
          not restricted.isdisjoint(places.states), _state_cap(places, question),
          *_hours(places, calendar, question)) for places in found],
        schema=PLACE_COLUMNS, orient="row",
    )  # fmt: skip
    return pl.concat([points, told[place_of_row]], how="horizontal")


def _windows(places: Places, calendar: CallingCalendar, question: Question) -> tuple[Any, ...]:
    weekly = opening = None
    if not (places.is_state_unknown or places.is_zone_unknown):
        weekly = calendar.weekly_windows(question.now.date(), places.states, places.zones)
        opening = calendar.next_open(question.now, places.states, places.zones) if weekly else None
    return (
        list(places.states), list(places.zones), places.is_state_unknown, places.is_zone_unknown,
        weekly and weekly.json, opening,
    )  # fmt: skip


def _hours(places: Places, calendar: CallingCalendar, question: Question) -> tuple[list[str] | None, Any]:
    """Reasons against the instant of sending, and the end of the opening. Unknown places block by themselves."""
    if not question.is_send or places.is_state_unknown or places.is_zone_unknown:
        return None, None
    against = objections(calendar, question.now, places.states, places.zones)
    return list(against), None if against else calendar.open_until(question.now, places.states, places.zones)


def _held(holds: pl.DataFrame) -> dict[str, frozenset[str]]:
    """The states held per channel."""
    return {
        channel: frozenset(holds.filter(pl.col("channel") == channel)["state"].drop_nulls()) for channel in CHANNELS
    }


def _held_channels(places: Places, held: dict[str, frozenset[str]]) -> list[str]:
    """Channels on which a plausible state is held. Where no state is known, any hold may be meant."""
    return [
        channel
        for channel, states in held.items()
        if states and (EVERYWHERE in states or not places.states or not states.isdisjoint(places.states))
    ]


def _state_cap(places: Places, question: Question) -> int | None:
    """The least number of attempts a day that a plausible state allows; None where none limits them."""
    day = question.now.date()
    rules = (question.rules.calling_rule(state, day) for state in places.states)
    caps = [rule.max_per_24h for rule in rules if rule and rule.max_per_24h is not None]
    return min(caps, default=None)
