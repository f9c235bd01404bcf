"""What the rules say about the places of each contact point: worked out once per set of places, not per row.

Here: windows, openings, holds, wireless restrictions and caps by place. Not here: where a person may be
(`whereabouts`), which of it blocks (`conditions`).
"""

from datetime import date, datetime
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


def places_of(points: pl.DataFrame, question: Question) -> tuple[pl.Series, pl.DataFrame]:
    """For each row the index of what the rules say of its places, and that, as PLACE_COLUMNS: few rows.

    hours_against and closes_at are null unless the question is whether to send now. Where rows bring instants of
    their own, openings (next_open_at, closes_at) are not told, and whatever instants nothing divides share a row.
    """
    calendar = calendar_of(question.rules, question.widen_to)
    held = _held(question.holds)
    place_of_row, found = whereabouts(points, question.rules)
    if question.now is not None:
        told = [_told(places, question.now, calendar, held, question) for places in found]
        return place_of_row, pl.DataFrame(told, schema=PLACE_COLUMNS, orient="row")
    rows = points.select(place_of_row, pl.col("now").dt.truncate(f"{question.rules.minutes_alike}m"))
    distinct = rows.unique().with_row_index("told")
    told = [_told(found[place], now, calendar, held, question) for _, place, now in distinct.iter_rows()]
    index = rows.join(distinct, on=["places", "now"], how="left", maintain_order="left")["told"]
    return index, pl.DataFrame(told, schema=PLACE_COLUMNS, orient="row")


def _told(
    places: Places, now: datetime, calendar: CallingCalendar, held: dict[str, frozenset[str]], question: Question
) -> tuple[Any, ...]:
    """A row of PLACE_COLUMNS. Of places that are not known whole, no hours are told: they block by themselves."""
    states, zones, today = places.states, places.zones, now.date()
    opens = closes = weekly = against = None
    if not (places.is_state_unknown or places.is_zone_unknown):
        weekly = calendar.weekly_windows(today, states, zones)
        against = objections(calendar, now, states, zones) if question.is_send else None
        if question.now is not None:
            opens = calendar.next_open(now, states, zones) if weekly else None
            closes = calendar.open_until(now, states, zones) if against == () else None
    restricted = question.rules.wireless_restricted(today)
    return (
        list(states), list(zones), places.is_state_unknown, places.is_zone_unknown, weekly and weekly.json, opens,
        _held_channels(places, held), not restricted.isdisjoint(states), _state_cap(places, question.rules, today),
        None if against is None else list(against), closes,
    )  # fmt: skip


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


def _state_cap(places: Places, rules: RuleBook, day: date) -> int | None:
    """The least number of attempts a day that a plausible state allows; None where none limits them."""
    found = (rules.calling_rule(state, day) for state in places.states)
    return min((rule.max_per_24h for rule in found if rule and rule.max_per_24h is not None), default=None)
