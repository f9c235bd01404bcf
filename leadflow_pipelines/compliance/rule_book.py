"""The outreach rules as one frozen, validated, versioned value.

Here: what the dated tables in `rules/` say, and which row is in force on a day. Not here: deciding with them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import pairwise
from math import gcd
from zoneinfo import available_timezones

from leadflow_pipelines.compliance import rule_tables as tables
from leadflow_pipelines.compliance.do_not_call.state_registries import StateRegistry, read_state_registry
from leadflow_pipelines.compliance.holidays import (
    KINDS,
    OBSERVANCES,
    WEEKDAYS,
    Holiday,
    dates_in,
    is_in_force,
)
from leadflow_pipelines.compliance.rule_tables import CONFIDENCES, Faults, Parsed, Row, Weekly, Window
from leadflow_pipelines.contracts import CHANNELS
from leadflow_pipelines.errors import InvalidInput

AREA_CODE_KINDS = ("geographic", "toll_free", "personal", "premium", "unplaced")
JURISDICTIONS = 51


@dataclass(frozen=True)
class CallingRule:
    """One state's calling hours while in force, local to the called person.

    `also_in_zone` must hold as well: Mississippi's statute names Central Standard Time, all year.
    """

    state: str
    effective_from: date | None
    effective_to: date | None
    weekly: Weekly
    is_closed_on_holidays: bool
    also_in_zone: str | None
    max_per_24h: int | None
    applies_to_text: str
    source: str
    confidence: str


@dataclass(frozen=True)
class WirelessRestriction:
    """A state in which even a hand-dialled cold call to a wireless number is out."""

    state: str
    effective_from: date | None
    effective_to: date | None
    source: str
    confidence: str


@dataclass(frozen=True)
class ConsentKind:
    """What one kind of consent is good for on one channel. A kind without a row there does not suffice."""

    kind: str
    channel: str
    holds_days: int | None
    lifts_dnc: bool
    lifts_wireless: bool
    text: str
    source: str
    confidence: str


@dataclass(frozen=True)
class AreaCode:
    """Where an area code may ring. Toll-free, personal and premium codes have no place."""

    area_code: str
    states: tuple[str, ...]
    zones: tuple[str, ...]
    kind: str


@dataclass(frozen=True, eq=False)
class RuleBook:
    """All rules. Immutable; `rule_version` names the content, so equal versions decide alike."""

    rule_version: str
    published_on: date
    default_weekly: Weekly
    dnc_max_age: timedelta
    clearance_max_age: timedelta
    reassigned_after: timedelta
    reassigned_max_age: timedelta
    calling_rules: Mapping[str, tuple[CallingRule, ...]]
    holidays: tuple[Holiday, ...]
    state_zones: Mapping[str, tuple[str, ...]]
    area_codes: Mapping[str, AreaCode]
    zip_states: Mapping[str, tuple[str, ...]]
    wireless_restrictions: tuple[WirelessRestriction, ...]
    state_registries: tuple[StateRegistry, ...]
    consent_kinds: tuple[ConsentKind, ...]
    _holiday_years: dict[int, frozenset[date]] = field(default_factory=dict, repr=False)

    def calling_rule(self, state: str, day: date) -> CallingRule | None:
        """The state's row in force on a local day; None for a state without rules. Rows leave no gap in time."""
        for rule in self.calling_rules.get(state, ()):
            if is_in_force(rule.effective_from, rule.effective_to, day):
                return rule
        return None

    def also_in_zones(self, state: str) -> frozenset[str]:
        """Zones that a state's rules name besides the person's own, at any time."""
        return frozenset(rule.also_in_zone for rule in self.calling_rules[state] if rule.also_in_zone)

    @cached_property
    def like_hours(self) -> dict[str, str]:
        """For each state the first one that has the same hours at all times."""
        first: dict[tuple[object, ...], str] = {}
        for state, rows in self.calling_rules.items():
            first.setdefault(_hours(rows), state)
        return {state: first[_hours(rows)] for state, rows in self.calling_rules.items()}

    @cached_property
    def narrower_than_default(self) -> frozenset[str]:
        """States whose hours do not hold the default window: none as packaged, some where an org made them stricter."""
        return frozenset(
            state
            for state, rows in self.calling_rules.items()
            for row in rows
            if not all(lies_inside(*pair) for pair in zip(self.default_weekly, row.weekly, strict=True))
        )

    @cached_property
    def minutes_alike(self) -> int:
        """Instants of one span of so many minutes, counted from the full hour, have the same objections to them.

        Windows begin and end at its multiples, and so do the days of every zone, as long as clocks stand whole
        quarters of an hour apart.
        """
        weeks = [self.default_weekly, *(rule.weekly for rows in self.calling_rules.values() for rule in rows)]
        return gcd(15, *(edge for week in weeks for window in week if window for edge in window))

    def is_holiday(self, day: date) -> bool:
        """Whether a local day is on any list. The five states that close share the union of their lists."""
        if day.year not in self._holiday_years:
            self._holiday_years[day.year] = dates_in(self.holidays, day.year)
        return day in self._holiday_years[day.year]

    def change_days(self) -> tuple[date, ...]:
        """Days on which some calling rule begins to differ from the day before, in order."""
        rules = [rule for rows in self.calling_rules.values() for rule in rows]
        begins = {rule.effective_from for rule in rules if rule.effective_from}
        ends = {rule.effective_to + timedelta(days=1) for rule in rules if rule.effective_to}
        return tuple(sorted(begins | ends))

    def states_of_zip(self, zip5: str) -> tuple[str, ...]:
        """States a ZIP (or ZIP+4) may lie in: its own row where it straddles a state line, else its prefix.

        None for what does not begin with five digits: 2108 is 02108 in Boston, and no prefix of Maryland.
        """
        five = zip5.strip()[:5]
        if len(five) < 5 or not five.isdecimal():
            return ()
        return self.zip_states.get(five) or self.zip_states.get(five[:3], ())

    def wireless_restricted(self, day: date) -> frozenset[str]:
        """States with a wireless restriction in force on a day."""
        return frozenset(
            row.state for row in self.wireless_restrictions if is_in_force(row.effective_from, row.effective_to, day)
        )

    def states_with_lists(self, day: date) -> frozenset[str]:
        """States whose own do-not-call list must be asked on a day, beside the national one."""
        return frozenset(
            row.state for row in self.state_registries if is_in_force(row.effective_from, row.effective_to, day)
        )

    def as_of(self, day: date) -> "RuleBook":
        """The rules in force on `day`, as if they held for ever: what that day's rules would have said."""
        calling = {state: self.calling_rule(state, day) for state in self.calling_rules}
        return replace(
            self,
            rule_version=f"{self.rule_version}@{day.isoformat()}",
            calling_rules={
                state: (replace(rule, effective_from=None, effective_to=None),)
                for state, rule in calling.items()
                if rule
            },
            holidays=tuple(
                replace(row, effective_from=None, effective_to=None)
                for row in self.holidays
                if is_in_force(row.effective_from, row.effective_to, day)
            ),
            wireless_restrictions=tuple(
                replace(row, effective_from=None, effective_to=None)
                for row in self.wireless_restrictions
                if is_in_force(row.effective_from, row.effective_to, day)
            ),
            state_registries=tuple(
                replace(row, effective_from=None, effective_to=None)
                for row in self.state_registries
                if is_in_force(row.effective_from, row.effective_to, day)
            ),
            _holiday_years={},
        )


def _hours(rows: tuple[CallingRule, ...]) -> tuple[object, ...]:
    return tuple(
        (row.effective_from, row.effective_to, row.weekly, row.is_closed_on_holidays, row.also_in_zone) for row in rows
    )


@cache
def load_rules() -> RuleBook:
    """The packaged rules, read and validated once per process (25 ms).

    Raises InvalidInput naming every fault in the tables.
    """
    texts, digest = tables.read_tables()
    return build_rules(texts, digest)


def build_rules(texts: Mapping[str, str], digest: str, *, is_packaged: bool = True) -> RuleBook:
    """A rule book from the text of each table, by table name.

    The packaged default window lies inside every state's hours; an org's stricter hours may be narrower than it.
    Raises InvalidInput naming every fault.
    """
    faults = Faults()

    def read(name: str, parse: Callable[[Row], Parsed]) -> list[Parsed]:
        return tables.parse_rows(name, texts[name], parse, faults)

    parameters = dict(read("parameters", lambda row: (row["name"], row["value"])))
    calling: dict[str, tuple[CallingRule, ...]] = {}
    for rule in read("state_calling_rules", _calling_rule):
        calling[rule.state] = (*calling.get(rule.state, ()), rule)
    published_on = parameters.get("published_on", "")
    try:
        book = RuleBook(
            rule_version=f"{published_on}.{digest[:12]}",
            published_on=date.fromisoformat(published_on),
            default_weekly=_default_weekly(parameters),
            dnc_max_age=timedelta(days=int(parameters["dnc_max_age_days"])),
            clearance_max_age=timedelta(days=int(parameters["clearance_max_days"])),
            reassigned_after=timedelta(days=int(parameters["reassigned_after_days"])),
            reassigned_max_age=timedelta(days=int(parameters["reassigned_max_age_days"])),
            calling_rules=calling,
            holidays=tuple(read("holidays", _holiday)),
            state_zones=dict(read("state_zones", lambda row: (row["state"], tables.codes(row["zones"])))),
            area_codes={row.area_code: row for row in read("area_code_zones", _area_code)},
            zip_states=dict(read("zip_states", lambda row: (row["zip_prefix"], tables.codes(row["states"])))),
            wireless_restrictions=tuple(read("wireless_restricted_states", _wireless_restriction)),
            state_registries=tuple(read("state_registries", read_state_registry)),
            consent_kinds=tuple(read("consent_kinds", _consent_kind)),
        )
    except (ValueError, KeyError) as error:
        faults.found.append(f"parameters.csv: {error}")
    else:
        _check_together(book, faults, is_packaged=is_packaged)
    if faults.found:
        raise InvalidInput(
            "The outreach rules are not valid:\n" + "\n".join(f"  - {fault}" for fault in faults.found),
            remedy="Correct the tables in leadflow_pipelines/compliance/rules.",
        )
    return book


def _default_weekly(parameters: Mapping[str, str]) -> Weekly:
    def of(name: str) -> Window | None:
        cell = parameters[name]
        return tables.window(*cell.split("-")) if cell != "closed" else None

    return (*(of("default_weekday"),) * 5, of("default_saturday"), of("default_sunday"))


def _calling_rule(row: Row) -> CallingRule:
    weekday = tables.window(row["weekday_start"], row["weekday_end"])
    saturday = tables.window(row["sat_start"], row["sat_end"])
    sunday = tables.window(row["sun_start"], row["sun_end"])
    return CallingRule(
        state=row["state"],
        effective_from=tables.optional_date(row["effective_from"]),
        effective_to=tables.optional_date(row["effective_to"]),
        weekly=(*(weekday,) * 5, saturday, sunday),
        is_closed_on_holidays=tables.flag(row["holiday_ban"]),
        also_in_zone=row["also_in_zone"] or None,
        max_per_24h=tables.optional_int(row["max_per_24h"]),
        applies_to_text=tables.some(row["applies_to_text"]),
        source=tables.some(row["source"]),
        confidence=tables.one_of(row["confidence"], CONFIDENCES),
    )


def _holiday(row: Row) -> Holiday:
    holiday = Holiday(
        holiday=tables.some(row["holiday"]),
        name=tables.some(row["name"]),
        kind=tables.one_of(row["kind"], KINDS),
        month=tables.optional_int(row["month"]),
        day=tables.optional_int(row["day"]),
        weekday=WEEKDAYS.index(tables.one_of(row["weekday"], WEEKDAYS)) if row["weekday"] else None,
        nth=tables.optional_int(row["nth"]),
        offset_days=int(row["offset_days"]),
        observance=tables.one_of(row["observance"], OBSERVANCES),
        is_federal=tables.flag(row["is_federal"]),
        states=tables.codes(row["states"]),
        effective_from=tables.optional_date(row["effective_from"]),
        effective_to=tables.optional_date(row["effective_to"]),
        source=tables.some(row["source"]),
        confidence=tables.one_of(row["confidence"], CONFIDENCES),
    )
    needed = {"fixed": (holiday.month, holiday.day), "nth_weekday": (holiday.month, holiday.weekday, holiday.nth)}
    if None in needed.get(holiday.kind, ()):
        raise ValueError(f"{holiday.holiday}: a {holiday.kind} holiday lacks a part of its date")
    return holiday


def _area_code(row: Row) -> AreaCode:
    kind = tables.one_of(row["kind"], AREA_CODE_KINDS)
    code = AreaCode(tables.some(row["area_code"]), tables.codes(row["states"]), tables.codes(row["zones"]), kind)
    if (kind == "geographic") != bool(code.states and code.zones):
        raise ValueError(f"area code {code.area_code}: only geographic codes, and all of them, have a place")
    return code


def _wireless_restriction(row: Row) -> WirelessRestriction:
    return WirelessRestriction(
        tables.some(row["state"]), tables.optional_date(row["effective_from"]),
        tables.optional_date(row["effective_to"]), tables.some(row["source"]),
        tables.one_of(row["confidence"], CONFIDENCES),
    )  # fmt: skip


def _consent_kind(row: Row) -> ConsentKind:
    return ConsentKind(
        tables.some(row["kind"]), tables.one_of(row["channel"], CHANNELS),
        tables.optional_int(row["holds_days"]), tables.flag(row["lifts_dnc"]),
        tables.flag(row["lifts_wireless"]), tables.some(row["text"]), tables.some(row["source"]),
        tables.one_of(row["confidence"], CONFIDENCES),
    )  # fmt: skip


def _check_together(book: RuleBook, faults: Faults, *, is_packaged: bool) -> None:
    """What single rows cannot show: gaps, overlaps, a default window outside the law, unknown zones."""
    faults.check(len(book.calling_rules) == JURISDICTIONS, "state_calling_rules.csv: not 50 states and DC")
    faults.check(set(book.calling_rules) == set(book.state_zones), "state_zones.csv: not the states that have rules")
    for state, rows in book.calling_rules.items():
        ordered = sorted(rows, key=lambda row: row.effective_from or date.min)
        for before, after in pairwise(ordered):
            follows = before.effective_to and before.effective_to + timedelta(days=1) == after.effective_from
            faults.check(bool(follows), f"state_calling_rules.csv: {state} has a gap or an overlap in time")
        is_open_ended = ordered[0].effective_from is None and ordered[-1].effective_to is None
        faults.check(is_open_ended, f"state_calling_rules.csv: {state} begins late or ends")
        is_inside = not is_packaged or state not in book.narrower_than_default
        faults.check(is_inside, f"parameters.csv: the default window leaves that of {state}")
    known = available_timezones()
    used = {zone for zones in book.state_zones.values() for zone in zones}
    used |= {zone for code in book.area_codes.values() for zone in code.zones}
    used |= {row.also_in_zone for rows in book.calling_rules.values() for row in rows if row.also_in_zone}
    faults.check(used <= known, f"zones that IANA does not know: {sorted(used - known)}")
    placed = {state for code in book.area_codes.values() for state in code.states}
    placed |= {row.state for row in book.wireless_restrictions}
    placed |= {row.state for row in book.state_registries}
    placed |= {state for row in book.holidays for state in row.states}
    faults.check(placed <= set(book.calling_rules), f"states without a rule: {placed - set(book.calling_rules)}")


def lies_inside(inner: Window | None, outer: Window | None) -> bool:
    """Whether every minute of the one window belongs to the other."""
    if inner is None:
        return True
    return outer is not None and outer[0] <= inner[0] and inner[1] <= outer[1]
