"""Fifty worked instants at the edges of clocks, calendars and places, each with its reasoning; and no cleared instant
outside any plausible window over 2026 to 2028."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadflow_pipelines.compliance import (
    CONSENT_COLUMNS,
    SEND_COLUMNS,
    SUPPRESSION_COLUMNS,
    Limits,
    check_calling_time,
    decide_sends,
    load_rules,
)
from leadflow_pipelines.compliance.clear_sends import HISTORY_COLUMNS
from tests.examples import tried

RULES = load_rules()
ET, CT, MT, PT = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
CALL: dict[str, Any] = {
    "zip": "00000", "property_id": "p1", "contact_point_id": "c1", "kind": "phone", "line_type": "landline",
    "is_on_dnc": False, "is_litigator": False, "is_reachable": True, "source": "simulated", "channel": "voice",
    "is_owner_occupied": False,
}  # fmt: skip


def decide(instant: datetime, width: str = "state_table", **where: Any) -> dict[str, Any]:
    """A call to a landline about to be made at `instant`; only places and hours can stand against it."""
    message = {**CALL, "day": instant.date(), "fetched_at": instant - timedelta(days=1), **where}
    empty = pl.DataFrame
    decided = decide_sends(
        pl.DataFrame([message], schema=SEND_COLUMNS), instant=instant, rules=RULES,
        consents=empty(schema=CONSENT_COLUMNS), suppressions=empty(schema=SUPPRESSION_COLUMNS),
        history=empty(schema=HISTORY_COLUMNS), limits=Limits(1, 3), widen_to=width,  # type: ignore[arg-type]
    )  # fmt: skip
    return decided.row(0, named=True)


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def phone(area_code: str, state: str | None = None, zip5: str | None = None) -> dict[str, Any]:
    return {"phone_e164": f"+1{area_code}5550123", "mailing_state": state, "mailing_zip5": zip5}


WORKED: list[tuple[str, str, str, dict[str, Any], bool]] = [
    # reasoning, local wall clock, zone, the person, whether the state table lets a call through
    # The clocks go forward on 2027-03-14 and back on 2027-11-07.
    ("clocks forward: 08:00 daylight time is 12:00 UTC, open", "2027-03-14T08:00", ET, phone("212", "NY"), True),
    ("a minute earlier would be 08:59 of a clock that was not set", "2027-03-14T07:59", ET, phone("212", "NY"), False),
    ("the day before, 08:00 standard time", "2027-03-13T08:00", ET, phone("212", "NY"), True),
    ("clocks back: 20:59 standard time is the last minute", "2027-11-07T20:59", ET, phone("212", "NY"), True),
    ("21:00 is the first closed one, whatever the offset of the morning", "2027-11-07T21:00", ET, phone("212", "NY"),
     False),
    ("clocks back: 08:00 is thirteen hours UTC, not twelve", "2027-11-07T08:00", ET, phone("212", "NY"), True),
    ("the hour that comes twice is night both times", "2027-11-07T01:30", ET, phone("212", "NY"), False),
    ("the hour that does not come is night too", "2027-03-14T02:30", ET, phone("212", "NY"), False),
    ("Arizona keeps its clocks, the Navajo Nation does not: 08:00 in Phoenix is 08:00 there in winter",
     "2027-01-12T08:00", "America/Phoenix", phone("602", "AZ"), True),
    ("in summer the Navajo Nation is an hour ahead: its 21:00 is 20:00 in Phoenix", "2027-07-13T20:00",
     "America/Phoenix", phone("602", "AZ"), False),
    ("19:59 in Phoenix is 20:59 there", "2027-07-13T19:59", "America/Phoenix", phone("602", "AZ"), True),
    ("08:00 in Phoenix in summer is 09:00 there, both open", "2027-07-13T08:00", "America/Phoenix",
     phone("602", "AZ"), True),
    ("a Navajo ZIP of Arizona plausibly lies in New Mexico: 09:00 there", "2027-01-12T08:30", MT,
     phone("602", "AZ", "86515"), False),
    ("and at 09:00 both are open", "2027-01-12T09:00", MT, phone("602", "AZ", "86515"), True),
    # Mississippi names Central Standard Time, all year.
    ("Mississippi in winter: 08:00 by the clock is standard", "2027-01-12T08:00", CT, phone("601", "MS"), True),
    ("in summer 08:59 daylight is 07:59 standard", "2027-07-13T08:59", CT, phone("601", "MS"), False),
    ("09:00 daylight is 08:00 standard", "2027-07-13T09:00", CT, phone("601", "MS"), True),
    ("19:59 daylight is 18:59 standard", "2027-07-13T19:59", CT, phone("601", "MS"), True),
    ("20:00 daylight is closed by the clock, though 19:00 standard", "2027-07-13T20:00", CT, phone("601", "MS"), False),
    ("on the day the clocks go forward 09:00 daylight is 08:00 standard, but a Sunday", "2027-03-14T09:00", CT,
     phone("601", "MS"), False),
    ("the Monday after, 08:30 daylight is 07:30 standard", "2027-03-15T08:30", CT, phone("601", "MS"), False),
    # Texas opens at noon on Sundays, in both of its zones.
    ("Sunday noon in Dallas is 11:00 in El Paso", "2027-01-10T12:00", CT, phone("214", "TX"), False),
    ("Sunday 13:00 in Dallas is noon in El Paso", "2027-01-10T13:00", CT, phone("214", "TX"), True),
    ("Sunday 20:59 in Dallas", "2027-01-10T20:59", CT, phone("214", "TX"), True),
    ("Saturday 09:00 in Dallas is 08:00 in El Paso", "2027-01-09T09:00", CT, phone("214", "TX"), False),
    ("Saturday 10:00 in Dallas", "2027-01-09T10:00", CT, phone("214", "TX"), True),
    # Midnight divides days, each in its own zone.
    ("Sunday 00:30 in New York is night, Saturday evening in Hawaii or not", "2027-01-10T00:30", ET,
     phone("808", "NY"), False),
    ("Saturday 20:59 in Utah", "2027-01-09T20:59", MT, phone("801", "UT"), True),
    ("Saturday 21:00 in Utah", "2027-01-09T21:00", MT, phone("801", "UT"), False),
    ("Sunday noon in Utah", "2027-01-10T12:00", MT, phone("801", "UT"), False),
    ("Monday 08:00 in Utah", "2027-01-11T08:00", MT, phone("801", "UT"), True),
    ("a Utah owner with a New York phone: Sunday in either place counts for Utah's rule", "2027-01-11T00:30", ET,
     phone("212", "UT"), False),
    # Holidays count on the day and on the day they are observed.
    ("Independence Day 2027 is a Sunday, observed on Monday: Alabama", "2027-07-05T12:00", CT, phone("205", "AL"),
     False),
    ("the Tuesday after it", "2027-07-06T12:00", CT, phone("205", "AL"), True),
    ("Christmas 2027 is a Saturday, observed on Friday: Pennsylvania", "2027-12-24T12:00", ET, phone("215", "PA"),
     False),
    ("New Year 2028 is a Saturday: the last day of 2027 is closed in Louisiana", "2027-12-31T12:00", CT,
     phone("504", "LA"), False),
    ("the same day in Georgia, which has no such rule", "2027-12-31T12:00", ET, phone("404", "GA"), True),
    ("Juneteenth 2027 is a Saturday, observed on Friday: Utah", "2027-06-18T12:00", MT, phone("801", "UT"), False),
    ("Mardi Gras 2028 is 29 February", "2028-02-29T12:00", CT, phone("504", "LA"), False),
    ("the Ash Wednesday after it", "2028-03-01T12:00", CT, phone("504", "LA"), True),
    ("Good Friday 2027 in Pennsylvania", "2027-03-26T12:00", ET, phone("215", "PA"), False),
    ("election day 2028 in Rhode Island", "2028-11-07T12:00", ET, phone("401", "RI"), False),
    # An overlay of a split area code rings in every zone of its state.
    ("448 overlays 850, half of which is Central: 08:00 Eastern is 07:00 there", "2027-01-12T08:30", ET,
     phone("448", "FL"), False),
    ("09:00 Eastern is 08:00 Central", "2027-01-12T09:00", ET, phone("448", "FL"), True),
    ("364 overlays 270: Kentucky opens at 10:00 Central", "2027-01-12T10:30", ET, phone("364", "KY"), False),
    ("11:00 Eastern is 10:00 Central", "2027-01-12T11:00", ET, phone("364", "KY"), True),
    ("458 overlays 541: Malheur County is Mountain, so 19:00 Pacific is 20:00 there", "2027-01-12T19:00", PT,
     phone("458", "OR"), False),
    ("18:59 Pacific is 19:59 there", "2027-01-12T18:59", PT, phone("458", "OR"), True),
    # A ZIP that straddles a state line has the law of both.
    ("42223 is Fort Campbell, Kentucky and Tennessee: Kentucky opens at 10:00", "2027-01-12T09:30", CT,
     phone("931", "TN", "42223"), False),
    ("at 10:00 Central both are open", "2027-01-12T10:00", CT, phone("931", "TN", "42223"), True),
]  # fmt: skip


def test_there_are_fifty() -> None:
    assert len({(reasoning, wall) for reasoning, wall, *_ in WORKED}) == 50


@pytest.mark.parametrize(
    ("reasoning", "wall", "zone", "person", "is_open"), WORKED, ids=[f"{row[1]} {row[0][:40]}" for row in WORKED]
)
def test_worked_edges(reasoning: str, wall: str, zone: str, person: dict[str, Any], is_open: bool) -> None:
    told = decide(at(wall, zone), **person)
    assert (told["verdict"] == "cleared") is is_open, (reasoning, told["reason_codes"], told["zones"])
    assert (told["closes_at"] is not None) is is_open


AREA_CODES = sorted(code.area_code for code in RULES.area_codes.values())
ZIPS = sorted(zip5 if len(zip5) == 5 else f"{zip5}01" for zip5 in RULES.zip_states)
STATES = sorted(RULES.calling_rules)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@tried(60)
@given(
    instants, st.sampled_from(AREA_CODES), st.sampled_from([*STATES, None]), st.sampled_from([*ZIPS, None]),
    st.sampled_from([*STATES, None]), st.sampled_from([True, False, None]), st.sampled_from(["default", "state_table"]),
)  # fmt: skip
def test_no_cleared_instant_lies_outside_any_plausible_window(
    instant: datetime, area_code: str, state: str | None, zip5: str | None, home: str | None, lives_there: bool | None,
    width: str,
) -> None:  # fmt: skip
    """Checked state by state and zone by zone with nothing but the rule rows and the zone's clock."""
    where = {**phone(area_code, state, zip5), "property_state": home, "is_owner_occupied": lives_there}
    told = decide(instant, width, **where)
    if told["verdict"] == "blocked":
        return
    assert told["states"]
    assert told["zones"]
    for moment in (instant, told["closes_at"] - timedelta(seconds=1)):
        for place in told["states"]:
            for zone in told["zones"]:
                local = moment.astimezone(ZoneInfo(zone))
                rule = RULES.calling_rule(place, local.date())
                assert rule
                window = rule.weekly[local.weekday()]
                assert window is not None
                assert window[0] <= local.hour * 60 + local.minute < window[1]
                assert not (rule.is_closed_on_holidays and RULES.is_holiday(local.date()))
                if width == "default":
                    assert 10 <= local.hour < 18
                    assert local.weekday() < 6
    assert state is None or state in told["states"]
    assert home is None or lives_there is False or home in told["states"]


@tried(24)
@given(instants, st.sampled_from(AREA_CODES), st.sampled_from(STATES), st.sampled_from(STATES))
def test_one_more_plausible_state_never_opens_what_was_closed(
    instant: datetime, area_code: str, state: str, other: str
) -> None:
    narrow = decide(instant, **phone(area_code, state), property_state=other, is_owner_occupied=False)
    wide = decide(instant, **phone(area_code, state), property_state=other, is_owner_occupied=None)
    assert set(narrow["reason_codes"]) <= set(wide["reason_codes"])
    if wide["states"] and wide["zones"] and "state_unknown" not in wide["reason_codes"]:
        answer = check_calling_time(instant, states=wide["states"], zones=wide["zones"], widen_to="state_table")
        assert answer.allowed is (wide["verdict"] == "cleared")
