"""Where a person may be: every plausible state and zone, from area code, mailing address and property.

Here: the union of the evidence. Not here: what may be done there (`calling_calendar`, `clear_contacts`).
An area code gives all zones of its state, so an overlay of a split code never loses its sibling's zone; a ZIP
gives all zones of its state, because a ZIP may straddle a zone line.
"""

from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.compliance.rule_book import RuleBook

AREA_CODE = pl.col("phone_e164").str.slice(2, 3)
MAILING = ("mailing_state", "mailing_zip5")
PROPERTY = ("property_state", "property_zip")


@dataclass(frozen=True)
class Places:
    """States and zones that one piece of evidence allows. What it names but the rules do not know is counted."""

    states: frozenset[str] = frozenset()
    zones: frozenset[str] = frozenset()
    has_unknown_state: bool = False
    has_unknown_zone: bool = False

    def joined(self, other: "Places") -> "Places":
        """Both together: never fewer states, zones or unknowns than either."""
        return Places(
            self.states | other.states,
            self.zones | other.zones,
            self.has_unknown_state or other.has_unknown_state,
            self.has_unknown_zone or other.has_unknown_zone,
        )


NOWHERE = Places()
UNKNOWN = Places(has_unknown_state=True, has_unknown_zone=True)


def places_of_area_code(rules: RuleBook, area_code: str | None) -> Places:
    """Places of an area code. Toll-free, personal and unlisted codes may ring anywhere: unknown."""
    code = rules.area_codes.get(area_code or "")
    if code is None or not code.states:
        return UNKNOWN
    return _in_states(rules, code.states).joined(Places(zones=frozenset(code.zones)))


def places_of_address(rules: RuleBook, state: str | None, zip5: str | None) -> Places:
    """Places of an address, from its state and its ZIP together; nothing given adds nothing."""
    if not state and not zip5:
        return NOWHERE
    states = {state} if state else set()
    states.update(rules.states_of_zip(zip5) if zip5 else ())
    return _in_states(rules, tuple(states)) if states else UNKNOWN


def _in_states(rules: RuleBook, states: tuple[str, ...]) -> Places:
    known = [state for state in states if state in rules.calling_rules]
    is_incomplete = len(known) < len(states)
    zones = frozenset(zone for state in known for zone in rules.state_zones[state])
    return Places(frozenset(states), zones, is_incomplete, is_incomplete)


def whereabouts(frame: pl.DataFrame, rules: RuleBook) -> tuple[pl.Series, list[Places]]:
    """For each row the index of its places, and the places by index: few, however many the rows.

    `frame` holds kind, phone_e164, the mailing and property columns, and is_owner_occupied. The property counts
    unless it is known that the owner lives elsewhere.
    """
    evidence = frame.select(
        area_code=pl.when(pl.col("kind") == "phone").then(AREA_CODE.fill_null("")),
        mailing=_address(MAILING),
        property=pl.when(pl.col("is_owner_occupied").fill_null(True)).then(_address(PROPERTY)),
    )
    found: list[Places] = []
    index: dict[Places, int] = {}

    def number(places: Places) -> int:
        if places not in index:
            index[places] = len(found)
            found.append(places)
        return index[places]

    def numbered(column: str) -> pl.Expr:
        distinct = evidence[column].unique().drop_nulls()
        numbers = [number(_read(rules, column, value)) for value in distinct]
        return pl.col(column).replace_strict(distinct, pl.Series(numbers, dtype=pl.Int64), default=None)

    coded = evidence.select(numbered(column) for column in evidence.columns)
    combined = coded.unique()
    together = []
    for row in combined.iter_rows():
        places = NOWHERE
        for part in row:
            places = places if part is None else places.joined(found[part])
        together.append(number(places))
    numbers = combined.with_columns(places=pl.Series(together, dtype=pl.Int64))
    joined = coded.join(
        numbers, on=evidence.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    return joined["places"], found


def _address(columns: tuple[str, str]) -> pl.Expr:
    state, zip5 = (pl.col(name).fill_null("") for name in columns)
    return pl.when((state != "") | (zip5 != "")).then(pl.concat_str(state, pl.lit("|"), zip5))


def _read(rules: RuleBook, column: str, value: str) -> Places:
    if column == "area_code":
        return places_of_area_code(rules, value)
    state, zip5 = value.split("|", 1)
    return places_of_address(rules, state, zip5)
