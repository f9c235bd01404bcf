"""The dated rules: complete, validated as a whole, and in agreement with independent sources."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import zipcodes

from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.compliance.holidays import dates_in
from leadflow_pipelines.compliance.rule_book import build_rules
from leadflow_pipelines.compliance.rule_tables import read_tables
from leadflow_pipelines.errors import InvalidInput

RULES = load_rules()
TERRITORIES_AND_MILITARY = {"AA", "AE", "AP", "AS", "FM", "GU", "MH", "MP", "PR", "PW", "VI"}


def altered(table: str, old: str, new: str) -> dict[str, str]:
    texts, _ = read_tables()
    assert old in texts[table]
    return {**texts, table: texts[table].replace(old, new)}


def clock(zone: str) -> tuple[object, ...]:
    """The offsets of a zone on the 1st and 15th of each month of 2026 to 2028."""
    instants = [datetime(year, month, day, 12, tzinfo=UTC)
                for year in (2026, 2027, 2028) for month in range(1, 13) for day in (1, 15)]  # fmt: skip
    return tuple(instant.astimezone(ZoneInfo(zone)).utcoffset() for instant in instants)


def test_every_state_has_hours_and_zones() -> None:
    assert len(RULES.calling_rules) == 51
    assert set(RULES.calling_rules) == set(RULES.state_zones)
    assert {s for s, rows in RULES.calling_rules.items() if rows[-1].is_closed_on_holidays} == {
        "AL", "LA", "PA", "RI", "UT",
    }  # fmt: skip
    assert {s for s, rows in RULES.calling_rules.items() if rows[-1].max_per_24h == 3} == {"FL", "MD", "OK", "OR"}


def test_rows_hold_between_their_dates() -> None:
    before, after = RULES.calling_rule("OR", date(2025, 12, 31)), RULES.calling_rule("OR", date(2026, 1, 1))
    assert before is not None
    assert after is not None
    assert (before.weekly[0], after.weekly[0]) == ((480, 1260), (480, 1200))


def test_as_of_applies_a_days_rules_to_every_day() -> None:
    past = RULES.as_of(date(2025, 6, 1))
    rule = past.calling_rule("OR", date(2026, 11, 21))
    assert rule is not None
    assert rule.weekly[0] == (480, 1260)
    assert past.rule_version != RULES.rule_version


def test_the_version_names_the_content() -> None:
    texts, digest = read_tables()
    assert build_rules(texts, digest).rule_version == RULES.rule_version == f"2026-11-21.{digest[:12]}"


@pytest.mark.parametrize(
    ("table", "old", "new", "told"),
    [
        ("state_calling_rules", "PA,,,09:00,19:00", "PA,,,11:00,19:00", "the default window leaves that of PA"),
        ("state_calling_rules", "NY,,,08:00,21:00", "NY,,,21:00,08:00", "ends before it begins"),
        ("state_calling_rules", "OR,2026-01-01", "OR,2026-02-01", "OR has a gap"),
        ("state_calling_rules", "OR,2026-01-01,,", "OR,2026-01-01,2026-06-30,", "OR begins late or ends"),
        ("state_calling_rules", "AL,,,", "QQ,,,", "not the states that have rules"),
        ("state_zones", "CT,America/New_York", "CT,America/Hartford", "America/Hartford"),
        ("holidays", "good_friday,Good Friday,easter", "good_friday,Good Friday,lunar", "'lunar' is none of"),
        ("holidays", "flag_day,Flag Day,fixed,6,14", "flag_day,Flag Day,fixed,6,", "lacks a part of its date"),
        ("consent_kinds", "express,voice", "express,pigeon", "'pigeon' is none of"),
        ("area_code_zones", "615,TN,", "615,,", "area code 615"),
        ("parameters", "dnc_max_age_days,31", "dnc_max_age_days,many", "parameters.csv"),
    ],
)
def test_a_wrong_table_is_refused_with_the_reason(table: str, old: str, new: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        build_rules(altered(table, old, new), "0" * 64)


def test_all_faults_are_told_at_once() -> None:
    texts = altered("holidays", "fixed,6,14", "lunar,6,14")
    texts["state_calling_rules"] = texts["state_calling_rules"].replace("NY,,,08:00", "NY,,,8 am")
    with pytest.raises(InvalidInput) as caught:
        build_rules(texts, "0" * 64)
    assert "holidays.csv line" in str(caught.value)
    assert "state_calling_rules.csv line" in str(caught.value)


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 4, 3), "Good Friday"),
        (date(2027, 2, 9), "Mardi Gras"),
        (date(2027, 3, 26), "Good Friday"),
        (date(2026, 11, 3), "Election Day"),
        (date(2028, 11, 7), "Election Day"),
        (date(2026, 7, 3), "Independence Day, a Saturday, observed"),
        (date(2027, 7, 5), "Independence Day, a Sunday, observed"),
        (date(2027, 12, 31), "New Year's Day 2028, a Saturday, observed in the year before"),
        (date(2026, 7, 24), "Pioneer Day"),
        (date(2026, 8, 10), "Victory Day"),
        (date(2026, 11, 26), "Thanksgiving"),
        (date(2028, 5, 29), "Memorial Day"),
        (date(2026, 4, 27), "Confederate Memorial Day"),
        (date(2026, 6, 15), "Juneteenth 2026, a Friday, in Utah on the Monday before"),
        (date(2027, 6, 21), "Juneteenth 2027, a Saturday, in Utah on the Monday after"),
        (date(2027, 6, 14), "Flag Day"),
    ],
)
def test_holidays_fall_where_the_calendar_has_them(day: date, name: str) -> None:
    assert RULES.is_holiday(day), name


def test_a_holiday_observed_in_the_year_before_counts_there() -> None:
    new_year = tuple(row for row in RULES.holidays if row.holiday == "new_year")
    assert date(2027, 12, 31) in dates_in(new_year, 2027)
    assert dates_in(new_year, 2028) == {date(2028, 1, 1)}


def test_ordinary_days_are_no_holidays() -> None:
    year = [date(2027, 1, 1) + timedelta(days=shift) for shift in range(365)]
    assert 30 <= sum(RULES.is_holiday(day) for day in year) <= 45
    assert not RULES.is_holiday(date(2027, 3, 14))


def test_zip_states_agree_with_the_postal_table() -> None:
    """The compact prefix table holds the state of every ZIP, and the state's zones hold the ZIP's clock."""
    wrong_state, wrong_clock = [], []
    clocks = {state: {clock(zone) for zone in zones} for state, zones in RULES.state_zones.items()}
    known = {zone: clock(zone) for zone in {row["timezone"] for row in zipcodes.list_all()} if zone and "/" in zone}
    for row in zipcodes.list_all():
        code, state, zone = row["zip_code"], row["state"], row["timezone"]
        states = RULES.states_of_zip(code)
        if state not in states and state not in TERRITORIES_AND_MILITARY and not code.startswith("099"):
            wrong_state.append(code)
        if zone in known and states[0] in clocks and known[zone] not in set().union(*(clocks[s] for s in states)):
            wrong_clock.append((code, zone))
    assert wrong_state == []
    assert wrong_clock == []


def test_zips_across_a_state_line_give_both_states() -> None:
    assert RULES.states_of_zip("42223") == ("KY", "TN")
    assert RULES.states_of_zip("96799") == ("AS",)
    assert RULES.states_of_zip("00000") == ()


@pytest.mark.parametrize(
    ("code", "overlay"),
    [("850", "448"), ("270", "364"), ("541", "458"), ("812", "930"), ("208", "986"), ("423", "729")],
)
def test_an_overlay_keeps_its_siblings_zones(code: str, overlay: str) -> None:
    """The overlay alone names only the majority zone; its state's zones are always added."""
    split = RULES.area_codes[code]
    sibling = RULES.area_codes.get(overlay)
    states = sibling.states if sibling else split.states
    added = {clock(zone) for state in states for zone in RULES.state_zones[state]}
    assert {clock(zone) for zone in split.zones} <= added
