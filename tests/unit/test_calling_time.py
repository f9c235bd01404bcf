"""Calling times: worked instants, the edges of clocks and calendars, and properties over 2026 to 2028."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadflow_pipelines.compliance import check_calling_time, load_rules
from leadflow_pipelines.compliance.calling_calendar import CallingCalendar, Width

RULES = load_rules()
STATES = sorted(RULES.state_zones)
ZONES = sorted({zone for zones in RULES.state_zones.values() for zone in zones})


def zones_of(*states: str) -> set[str]:
    return {zone for state in states for zone in RULES.state_zones[state]}


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


EASTERN, CENTRAL, MOUNTAIN, PACIFIC = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
)  # fmt: skip

TABLE = [
    # what, instant (UTC), states, allowed under the state table, a reason
    ("FL 07:59 in its Central part", "2027-01-12T13:59Z", "FL", False, "hours:FL:America/Chicago"),
    ("FL 08:00 in its Central part", "2027-01-12T14:00Z", "FL", True, ""),
    ("OK owner with a CA phone, 08:30 there", "2027-01-12T16:30Z", "CA OK", False, "hours:CA:America/Los_Angeles"),
    ("the same at 09:00 there", "2027-01-12T17:00Z", "CA OK", True, ""),
    ("the same at 19:59 in OK", "2027-01-13T01:59Z", "CA OK", True, ""),
    ("the same at 20:00 in OK, exclusive", "2027-01-13T02:00Z", "CA OK", False, "hours:OK:America/Chicago"),
    ("TX Sunday before noon in El Paso", "2027-01-10T17:59Z", "TX", False, "hours:TX:America/Denver"),
    ("TX Sunday noon in El Paso", "2027-01-10T19:00Z", "TX", True, ""),
    ("PA on Christmas Day", "2026-12-25T17:00Z", "PA", False, "holiday:PA:2026-12-25"),
    ("NY on Christmas Day", "2026-12-25T17:00Z", "NY", True, ""),
    ("MS in July 08:30 by the clock, 07:30 standard", "2027-07-13T13:30Z", "MS", False, "hours:MS:Etc/GMT+6"),
    ("MS in July 09:00 by the clock, 08:00 standard", "2027-07-13T14:00Z", "MS", True, ""),
    ("MS in July 20:00 by the clock", "2027-07-14T01:00Z", "MS", False, "hours:MS:America/Chicago"),
    ("AZ in July 08:30, 09:30 in the Navajo Nation", "2027-07-13T15:30Z", "AZ", True, ""),
    ("AZ in July 20:30, 21:30 in the Navajo Nation", "2027-07-14T03:30Z", "AZ", False, "hours:AZ:America/Denver"),
    ("UT on Sunday", "2027-01-10T19:00Z", "UT", False, "sunday:UT"),
    ("NY 08:00 on the day the clocks go forward", "2027-03-14T12:00Z", "NY", True, ""),
    ("NY a minute before", "2027-03-14T11:59Z", "NY", False, "hours:NY:America/New_York"),
    ("NY 08:00 on the day the clocks go back", "2027-11-07T13:00Z", "NY", True, ""),
    ("NY an hour before, 07:00 standard", "2027-11-07T12:00Z", "NY", False, "hours:NY:America/New_York"),
    ("RI 17:59 in summer", "2027-07-13T21:59Z", "RI", True, ""),
    ("RI 18:00 in summer", "2027-07-13T22:00Z", "RI", False, "hours:RI:America/New_York"),
    ("RI Saturday 09:59", "2027-07-17T13:59Z", "RI", False, "hours:RI:America/New_York"),
    ("KY 09:59 Central, 10:59 Eastern", "2027-01-12T15:59Z", "KY", False, "hours:KY:America/Chicago"),
    ("HI 08:00", "2027-01-12T18:00Z", "HI", True, ""),
    ("AL on the Monday after a Sunday 4 July 2027", "2027-07-05T17:00Z", "AL", False, "holiday:AL:2027-07-05"),
    ("LA on Mardi Gras", "2027-02-09T18:00Z", "LA", False, "holiday:LA:2027-02-09"),
    ("UT on Pioneer Day, a Saturday, observed Friday", "2027-07-23T18:00Z", "UT", False, "holiday:UT:2027-07-23"),
    ("SD on a Sunday", "2027-01-10T19:00Z", "SD", False, "sunday:SD"),
    ("CT before its law of 2023-10-01, 20:30", "2023-09-20T00:30Z", "CT", True, ""),
    ("CT under its law, 20:30", "2023-10-04T00:30Z", "CT", False, "hours:CT:America/New_York"),
    ("Sunday in NY is still Saturday in HI: both are asked", "2027-01-10T05:30Z", "NY HI", False,
     "hours:NY:America/New_York"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "instant", "states", "allowed", "reason"), TABLE, ids=[row[0] for row in TABLE])
def test_worked_instants(what: str, instant: str, states: str, allowed: bool, reason: str) -> None:
    moment = datetime.fromisoformat(instant)
    answer = check_calling_time(moment, states=states.split(), zones=zones_of(*states.split()), widen_to="state_table")
    assert answer.allowed is allowed
    assert (reason in answer.reasons) if reason else answer.reasons == ()
    assert answer.next_open_at is not None
    assert (answer.next_open_at == moment) is allowed


def test_the_default_window_is_narrower_than_any_state() -> None:
    ask = {"states": ["TX"], "zones": [CENTRAL]}
    assert not check_calling_time(at("2027-01-12T09:59", CENTRAL), **ask).allowed
    assert check_calling_time(at("2027-01-12T10:00", CENTRAL), **ask).allowed
    assert check_calling_time(at("2027-01-12T17:59", CENTRAL), **ask).allowed
    assert check_calling_time(at("2027-01-12T18:00", CENTRAL), **ask).reasons == ("hours:TX:America/Chicago",)
    assert check_calling_time(at("2027-01-16T17:00", CENTRAL), **ask).reasons == ("hours:TX:America/Chicago",)
    assert check_calling_time(at("2027-01-10T12:00", CENTRAL), **ask).reasons == ("sunday:TX",)
    assert check_calling_time(at("2026-11-26T12:00", CENTRAL), **ask).reasons == ("holiday:TX:2026-11-26",)


def test_every_rule_against_an_instant_is_told() -> None:
    christmas = at("2027-12-26T05:00", EASTERN)
    answer = check_calling_time(christmas, states=["AL", "PA"], zones=[EASTERN], widen_to="state_table")
    assert answer.reasons == ("holiday:AL:2027-12-26", "sunday:AL", "holiday:PA:2027-12-26", "sunday:PA")


@pytest.mark.parametrize(
    ("states", "zones", "reasons"),
    [
        ([], [EASTERN], ("no_state",)),
        (["NY"], [], ("no_zone",)),
        ([], [], ("no_state", "no_zone")),
        (["NY", "PR"], [EASTERN], ("unknown_state:PR",)),
        (["NY"], [EASTERN, "America/Gotham"], ("unknown_zone:America/Gotham",)),
        (["ny"], [""], ("unknown_state:ny", "unknown_zone:")),
    ],
)
def test_the_unknown_is_never_allowed(states: list[str], zones: list[str], reasons: tuple[str, ...]) -> None:
    answer = check_calling_time(at("2027-01-12T12:00", EASTERN), states=states, zones=zones)
    assert (answer.allowed, answer.reasons, answer.next_open_at) == (False, reasons, None)


def test_misuse_is_refused() -> None:
    noon = at("2027-01-12T12:00", EASTERN)
    with pytest.raises(ValueError, match="naive"):
        check_calling_time(datetime(2027, 1, 12, 12), states=["NY"], zones=[EASTERN])  # noqa: DTZ001
    with pytest.raises(ValueError, match="widen_to"):
        check_calling_time(noon, states=["NY"], zones=[EASTERN], widen_to="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="collections"):
        check_calling_time(noon, states="NY", zones=[EASTERN])


@pytest.mark.parametrize(
    ("instant", "states", "opens"),
    [
        # Friday evening before the clocks change on Sunday: Monday 10:00 in the new offset.
        (at("2027-03-12T19:00", EASTERN), "NY", "2027-03-13T15:00Z"),
        (at("2027-03-13T18:00", EASTERN), "NY", "2027-03-15T14:00Z"),
        (at("2027-11-06T18:00", EASTERN), "NY", "2027-11-08T15:00Z"),
        # Thanksgiving eve: Thursday and the day after are holidays, Saturday opens.
        (at("2026-11-25T18:00", EASTERN), "NY", "2026-11-28T15:00Z"),
        # Hawaii's ten o'clock is 15:00 in New York in winter and 16:00 in summer.
        (at("2027-01-12T09:00", EASTERN), "HI NY", "2027-01-12T20:00Z"),
        (at("2027-07-13T09:00", EASTERN), "HI NY", "2027-07-13T20:00Z"),
    ],
)
def test_the_next_opening(instant: datetime, states: str, opens: str) -> None:
    answer = check_calling_time(instant, states=states.split(), zones=zones_of(*states.split()))
    assert answer.next_open_at == datetime.fromisoformat(opens)


def test_a_statutes_own_zone_binds_beside_the_default() -> None:
    """A Mississippian in Hawaii: 16:30 there is 20:30 Central Standard, past the statute's eight o'clock."""
    hawaii = "Pacific/Honolulu"
    answer = check_calling_time(at("2027-01-12T16:30", hawaii), states=["MS"], zones=[hawaii])
    assert answer.reasons == ("hours:MS:Etc/GMT+6",)
    assert answer.next_open_at == at("2027-01-13T10:00", hawaii)
    weekly = CallingCalendar(RULES).weekly_windows(date(2027, 1, 12), ("MS",), (hawaii,))
    assert weekly is not None
    assert json.loads(weekly.json)["tue"] == [["10:00", "16:00"]]


def test_where_no_hour_suits_all_there_is_no_opening() -> None:
    """Nine at night in Berlin is the afternoon in Denver; ten in the morning on Guam is evening there."""
    zones = ["Pacific/Guam", "America/Denver", "Europe/Berlin"]
    answer = check_calling_time(at("2027-01-12T12:00", MOUNTAIN), states=["CO"], zones=zones)
    assert (answer.allowed, answer.next_open_at) == (False, None)
    assert CallingCalendar(RULES).weekly_windows(date(2027, 1, 12), ("CO",), tuple(sorted(zones))) is None


def test_weekly_windows_keep_to_a_stricter_rule_that_begins_soon() -> None:
    """Oregon closed at 21:00 until 2026 began, at 20:00 since; a clearance may live 30 days."""
    calendar, zones = CallingCalendar(RULES, "state_table"), (PACIFIC,)
    long_before = calendar.weekly_windows(date(2025, 10, 1), ("OR",), zones)
    shortly_before = calendar.weekly_windows(date(2025, 12, 15), ("OR",), zones)
    assert long_before is not None
    assert shortly_before is not None
    assert (long_before.days[0], shortly_before.days[0]) == (((480, 1260),), ((480, 1200),))


instants = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
state_sets = st.sets(st.sampled_from(STATES), min_size=1, max_size=4)
zone_sets = st.sets(st.sampled_from(ZONES), min_size=1, max_size=4)
widths: st.SearchStrategy[Width] = st.sampled_from(["default", "state_table"])


@settings(max_examples=300, deadline=None)
@given(instants, state_sets, zone_sets, widths)
def test_no_allowed_instant_lies_outside_any_window(
    instant: datetime, states: set[str], zones: set[str], width: Width
) -> None:
    """Against a plain reading of the table, zone by zone and state by state."""
    if not check_calling_time(instant, states=states, zones=zones, widen_to=width).allowed:
        return
    for state in states:
        for zone in zones:
            local = instant.astimezone(ZoneInfo(zone))
            rule = RULES.calling_rule(state, local.date())
            assert rule is not None
            hours = rule.weekly[local.weekday()]
            assert hours is not None
            assert hours[0] <= local.hour * 60 + local.minute < hours[1]
            assert not (rule.is_closed_on_holidays and RULES.is_holiday(local.date()))
            if width == "default":
                assert 10 <= local.hour < (17 if local.weekday() == 5 else 18)
                assert local.weekday() != 6
                assert not RULES.is_holiday(local.date())
    if "MS" in states:
        assert 8 <= (instant - timedelta(hours=6)).hour < 20


@settings(max_examples=300, deadline=None)
@given(instants, st.tuples(state_sets, state_sets), st.tuples(zone_sets, zone_sets), widths)
def test_more_evidence_never_opens_what_was_closed(
    instant: datetime,
    both_states: tuple[set[str], set[str]],
    both_zones: tuple[set[str], set[str]],
    width: Width,
) -> None:
    (states, more_states), (zones, more_zones) = both_states, both_zones
    few = check_calling_time(instant, states=states, zones=zones, widen_to=width)
    many = check_calling_time(instant, states=states | more_states, zones=zones | more_zones, widen_to=width)
    assert few.allowed or not many.allowed
    assert set(few.reasons) <= set(many.reasons)
    if many.next_open_at is not None:
        assert few.next_open_at is not None
        assert few.next_open_at <= many.next_open_at


@settings(max_examples=200, deadline=None)
@given(instants, state_sets, zone_sets)
def test_the_default_lies_inside_the_state_table(instant: datetime, states: set[str], zones: set[str]) -> None:
    narrow = check_calling_time(instant, states=states, zones=zones)
    assert not narrow.allowed or check_calling_time(instant, states=states, zones=zones, widen_to="state_table").allowed


@settings(max_examples=300, deadline=None)
@given(instants, state_sets, zone_sets, widths)
def test_the_next_opening_is_open_and_the_first(
    instant: datetime, states: set[str], zones: set[str], width: Width
) -> None:
    """The interval arithmetic of the opening against the instant-by-instant check."""

    def ask(moment: datetime) -> bool:
        return check_calling_time(moment, states=states, zones=zones, widen_to=width).allowed

    opens = check_calling_time(instant, states=states, zones=zones, widen_to=width).next_open_at
    if opens is None:
        assert not ask(instant)
        return
    assert ask(opens)
    if opens > instant:
        assert not ask(opens - timedelta(seconds=1))
        span = (opens - instant) / 7
        assert not any(ask(instant + span * step) for step in range(7))


@settings(max_examples=150, deadline=None)
@given(instants, state_sets, zone_sets, widths, st.integers(0, 180))
def test_weekly_windows_hold_in_every_season(
    instant: datetime, states: set[str], zones: set[str], width: Width, weeks_later: int
) -> None:
    calendar = CallingCalendar(RULES, width)
    weekly = calendar.weekly_windows(instant.date(), tuple(sorted(states)), tuple(sorted(zones)))
    if weekly is None:
        return
    told = json.loads(weekly.json)
    local = (instant + timedelta(days=2 * weeks_later)).astimezone(ZoneInfo(told["zone"]))
    if told["holidays"] == "closed" and any(
        RULES.is_holiday((local + timedelta(days=shift)).date()) for shift in (-1, 0, 1)
    ):
        return
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[local.weekday()]
    for start, end in told[day]:
        hour, minute = map(int, start.split(":"))
        opening = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        last_hour, last_minute = divmod(sum(int(p) * f for p, f in zip(end.split(":"), (60, 1), strict=True)) - 1, 60)
        closing = local.replace(hour=last_hour, minute=last_minute, second=59, microsecond=0)
        for moment in (opening, closing):
            answer = check_calling_time(moment, states=states, zones=zones, widen_to=width)
            assert answer.allowed, answer.reasons
