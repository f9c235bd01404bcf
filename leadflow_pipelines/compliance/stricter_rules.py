"""An org's own rules: the packaged tables with some rows made stricter, and proof that nothing became looser.

Pure. Not here: who made a change and when (`clearance/rule_store`).
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from leadflow_pipelines.compliance.rule_book import RuleBook, build_rules, lies_inside
from leadflow_pipelines.compliance.rule_tables import digest_of
from leadflow_pipelines.errors import InvalidInput

Row = dict[str, str]
KEY_COLUMN = {
    "state_calling_rules": "state", "parameters": "name", "holidays": "holiday", "wireless_restricted_states": "state",
    "state_registries": "state",
}  # fmt: skip
"""Tables an org may make stricter, and the column that names a row."""
HOURS = ("weekday_start", "weekday_end", "sat_start", "sat_end", "sun_start", "sun_end")
SETTABLE = {
    "state_calling_rules": (*HOURS, "holiday_ban", "max_per_24h"),
    "parameters": ("value",),
    "holidays": ("name", "month", "day", "date"),
    "wireless_restricted_states": (),
    "state_registries": (),
}
STATES_LISTED = ("wireless_restricted_states", "state_registries")
"""Tables in which a row says that a state is one of them, and nothing else."""
TIGHTENED = "made stricter by the org"


@dataclass(frozen=True)
class Change:
    """One row made stricter: column to its value."""

    table: str
    row_key: str
    new_values: Mapping[str, str]


def tightened(texts: Mapping[str, str], changes: Sequence[Change]) -> dict[str, str]:
    """The tables' text with the changes applied, in order. Raises InvalidInput for a table, row or column unknown."""
    changed = dict(texts)
    for change in changes:
        changed[change.table] = _apply(changed, change)
    return changed


def narrowed_to_default(texts: Mapping[str, str], accepted: frozenset[str]) -> dict[str, str]:
    """The tables' text with the default window in place of every state's hours of low confidence.

    accepted: states whose doubtful hours somebody answered for.
    """
    values = {row["name"]: row["value"] for row in _rows(texts["parameters"])}
    hours: Row = {}
    for day, name in (("weekday", "default_weekday"), ("sat", "default_saturday"), ("sun", "default_sunday")):
        start, _, end = values[name].partition("-")
        hours[f"{day}_start"], hours[f"{day}_end"] = start, end or start

    def narrow(row: Row) -> Row:
        is_doubtful = row["confidence"] == "low" and row["state"] not in accepted
        return {**row, **hours, "holiday_ban": "yes"} if is_doubtful else row

    return {**texts, "state_calling_rules": _edited(texts["state_calling_rules"], narrow)}


def build_own_rules(texts: Mapping[str, str]) -> RuleBook:
    """The rule book of an org's own tables. Raises InvalidInput naming every fault."""
    return build_rules(texts, digest_of(texts), is_packaged=False)


def looser_points(before: RuleBook, after: RuleBook, day: date) -> list[str]:
    """Everything that `after` would allow from `day` on and `before` does not."""
    return list(_looser(before, after, day))


def _looser(before: RuleBook, after: RuleBook, day: date) -> Iterator[str]:
    for state in before.calling_rules:
        old, new = before.calling_rule(state, day), after.calling_rule(state, day)
        assert old
        assert new
        if not all(lies_inside(*pair) for pair in zip(new.weekly, old.weekly, strict=True)):
            yield f"the hours of {state} would be wider"
        if old.is_closed_on_holidays and not new.is_closed_on_holidays:
            yield f"{state} would be open on holidays"
        if old.max_per_24h is not None and (new.max_per_24h is None or new.max_per_24h > old.max_per_24h):
            yield f"the cap of {state} would be higher"
    if not all(lies_inside(*pair) for pair in zip(after.default_weekly, before.default_weekly, strict=True)):
        yield "the default window would be wider"
    for name in ("dnc_max_age", "clearance_max_age", "reassigned_after", "reassigned_max_age"):
        if getattr(after, name) > getattr(before, name):
            yield f"{name} would be longer"
    if before.wireless_restricted(day) - after.wireless_restricted(day):
        yield "a wireless restriction would fall"
    if before.states_with_lists(day) - after.states_with_lists(day):
        yield "a state's do-not-call list would not be asked"
    if any(before.is_holiday(on) and not after.is_holiday(on) for on in _days(day, 800)):
        yield "a holiday would fall"


def _days(first: date, number: int) -> Iterator[date]:
    return (first + timedelta(days=shift) for shift in range(number))


def _apply(texts: Mapping[str, str], change: Change) -> str:
    if change.table not in KEY_COLUMN:
        raise InvalidInput(
            f"The table {change.table!r} cannot be made stricter.", remedy=f"Choose from {', '.join(KEY_COLUMN)}."
        )
    if unknown := set(change.new_values) - set(SETTABLE[change.table]):
        raise InvalidInput(
            f"{change.table} has no column {sorted(unknown)[0]!r} to set.",
            remedy=f"It has {', '.join(SETTABLE[change.table]) or 'none: naming the state is all'}.",
        )
    text, key = texts[change.table], KEY_COLUMN[change.table]
    if change.table == "holidays":
        return _with_row(text, _holiday(change))
    if change.table in STATES_LISTED:
        return _with_row(text, {"state": change.row_key.upper(), "source": TIGHTENED, "confidence": "high"})
    if not any(row[key] == change.row_key for row in _rows(text)):
        raise InvalidInput(f"{change.table} has no row {change.row_key!r}.", remedy="See `leadflow rules show`.")
    return _edited(text, lambda row: {**row, **change.new_values} if row[key] == change.row_key else row)


def _holiday(change: Change) -> Row:
    """A day of every year (month, day) or a single one (date)."""
    values = change.new_values
    try:
        single = date.fromisoformat(values["date"]) if "date" in values else None
        month, day = (single.month, single.day) if single else (int(values["month"]), int(values["day"]))
        date(2024, month, day)
    except (KeyError, ValueError) as error:
        raise InvalidInput(
            f"The holiday {change.row_key!r} has no date.", remedy="Give date=2026-12-24, or month=12 and day=24."
        ) from error
    bounds = str(single) if single else ""
    return {
        "holiday": change.row_key, "name": values.get("name", change.row_key), "kind": "fixed", "month": str(month),
        "day": str(day), "weekday": "", "nth": "", "offset_days": "0", "observance": "none", "is_federal": "no",
        "states": "", "effective_from": bounds, "effective_to": bounds, "source": TIGHTENED, "confidence": "high",
    }  # fmt: skip


def _rows(text: str) -> list[Row]:
    return list(csv.DictReader(text.splitlines(), strict=True))


def _with_row(text: str, row: Row) -> str:
    return _written(_names(text), [*_rows(text), row])


def _edited(text: str, edit: Callable[[Row], Row]) -> str:
    return _written(_names(text), [edit(row) for row in _rows(text)])


def _names(text: str) -> list[str]:
    return next(csv.reader(text.splitlines()))


def _written(names: Sequence[str], rows: Sequence[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
