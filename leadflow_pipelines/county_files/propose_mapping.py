"""A mapping proposed from a file's headers and values, with a reason and a confidence for each column.

Here: which column becomes which target. Not here: the words (`column_rules`), the value checks
(`column_values`), putting parts together (`assemble_columns`).
"""

from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.county_files.assemble_columns import Choice, assemble_columns
from leadflow_pipelines.county_files.column_rules import NOT_THESE, HeaderRule, matching_rules
from leadflow_pipelines.county_files.column_values import (
    ColumnSample,
    list_name_share,
    looks_like_street_addresses,
    sample_columns,
)
from leadflow_pipelines.county_files.county_file import CountyFile
from leadflow_pipelines.county_files.infer_county import InferredPlace, county_of_points, state_at_end_of
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.source_rows.list_codes import known_list_code
from leadflow_pipelines.source_rows.mapping import ColumnRule, Mapping
from leadflow_pipelines.source_rows.targets import TARGETS
from leadflow_pipelines.source_rows.transforms import clean_text, parse_number

_LEAST_FIT = 0.5
_SAME_ADDRESS = 0.95
_OWED = ("amount owed", "total owed", "tax owed", "owed", "delinquent", "amount delinquent", "balance owed")


@dataclass(frozen=True)
class ColumnReason:
    """Why a column was mapped to a target, or left out (target None). confidence is 0 to 1."""

    column: str
    target: str | None
    confidence: float
    reason: str


@dataclass(frozen=True)
class Proposal:
    """A proposed mapping, one reason per column of the file, and reasons of the constants."""

    mapping: Mapping
    reasons: tuple[ColumnReason, ...]
    constants: dict[str, str]

    def to_yaml(self) -> str:
        """The mapping as a YAML file to keep and edit; what was inferred or left out stands in comments."""
        lines = [f"# {name}: {reason}" for name, reason in self.constants.items()]
        lines += [f"# not mapped: {item.column!r}: {item.reason}" for item in self.reasons if item.target is None]
        return "\n".join([*lines, self.mapping.to_yaml()])


def propose_mapping(file: CountyFile) -> Proposal:
    """Propose what each column of the file is.

    Raises InvalidInput when neither an address nor a parcel number can be told, naming the columns there are.
    """
    samples = sample_columns(file.frame, file.columns)
    proposer = _Proposer(file, samples)
    proposer.choose()
    columns, choices = assemble_columns(proposer.choices, {sample.header: sample for sample in samples})
    if not {"address", "street", "parcel_number"} & set(columns):
        raise InvalidInput(
            f"No column of {file.file_name} looks like an address or a parcel number "
            f"(columns: {', '.join(file.columns)}).",
            remedy="Write a mapping and give it with --mapping; docs/county_files.md tells how.",
        )
    place = _place(file, choices, samples)
    constants: dict[str, str] = {}
    if place.state and "state" not in columns:
        constants["state"] = place.reason
    if place.county_fips and "county_fips" not in columns:
        constants["county_fips"] = place.reason
    list_code, list_reason = proposer.list_code()
    if list_code:
        constants["list_code"] = list_reason
    by_sale = proposer.observation_by_sale(columns)
    if by_sale:
        constants["observed_at"] = "each row tells of one sale, and parcels recur"
    mapping = Mapping(
        state=place.state if "state" in constants else None,
        county_fips=place.county_fips if "county_fips" in constants else None,
        list_code=list_code,
        columns={target: columns[target] for target in TARGETS if target in columns} | by_sale,
    )
    return Proposal(mapping, proposer.reasons(choices), constants)


class _Proposer:
    """Chooses at most one column per goal and one goal per column, surest first."""

    def __init__(self, file: CountyFile, samples: list[ColumnSample]) -> None:
        self.file = file
        self.samples = samples
        self.choices: dict[str, Choice] = {}
        self.left_out: dict[str, str] = {}

    def choose(self) -> None:
        candidates: list[tuple[float, int, ColumnSample, HeaderRule]] = []
        for sample in self.samples:
            candidates += self._candidates(sample)
        candidates.sort(key=lambda item: (-item[0], item[1]))
        self._place_generic_columns(candidates)
        for confidence, _, sample, rule in candidates:
            self._take(sample, rule.goal, confidence)
        self._address_by_value_alone()
        self._drop_mailing_that_repeats_the_situs()
        self._drop_sale_date_of_a_list()

    def _candidates(self, sample: ColumnSample) -> list[tuple[float, int, ColumnSample, HeaderRule]]:
        barred = next((reason for pattern, reason in NOT_THESE if pattern.search(sample.words)), None)
        rules = matching_rules(sample.words)
        if barred:
            self.left_out[sample.header] = barred
            return []
        if sample.filled == 0:
            self.left_out[sample.header] = "holds no values"
            return []
        if not rules:
            self.left_out[sample.header] = "its name says nothing that LeadFlow uses"
            return []
        found = []
        for rule in rules:
            fit = sample.fit(rule.goal)
            if fit >= _LEAST_FIT:
                # A second ADDRESS column with whole addresses is the owner's; with `APT 4` it would be a second line.
                goal = "mailing:1" if rule.goal == "mailing:again" else rule.goal
                found.append((rule.weight * (0.5 + 0.5 * fit), sample.position, sample, _renamed(rule, goal)))
            else:
                name = rule.goal.replace(":", " ")
                self.left_out[sample.header] = f"named like {name}, but only {fit:.0%} of its values can be that"
        return found

    def _place_generic_columns(self, candidates: list[tuple[float, int, ColumnSample, HeaderRule]]) -> None:
        """Settle whether a plain ADDRESS, CITY, STATE or ZIP is the property's or the owner's.

        A plain address beside one that says "property" is the owner's. A plain city, state or ZIP belongs to the
        address column before it, which also settles two columns of one name.
        """
        situs = [item for item in candidates if item[3].goal == "address" and not item[3].is_generic]
        mailing = [item for item in candidates if item[3].goal == "mailing:1"]
        lines = {item[1]: False for item in situs} | {item[1]: True for item in mailing}
        for index, (confidence, position, sample, rule) in enumerate(candidates):
            if rule.goal == "address" and rule.is_generic and situs and not mailing and position not in lines:
                lines[position] = True
                candidates[index] = (confidence * 0.8, position, sample, _renamed(rule, "mailing:1"))
            elif rule.goal == "address" and rule.is_generic:
                lines.setdefault(position, False)
        for index, (confidence, position, sample, rule) in enumerate(candidates):
            before = [line for line in lines if line < position]
            if rule.is_generic and rule.goal in ("city", "state", "zip") and before and lines[max(before)]:
                candidates[index] = (confidence, position, sample, _renamed(rule, f"mailing_{rule.goal}"))
        candidates.sort(key=lambda item: (-item[0], item[1]))

    def _take(self, sample: ColumnSample, goal: str, confidence: float) -> None:
        if any(choice.column == sample.header for choice in self.choices.values()):
            return
        if goal in self.choices:
            self.left_out[sample.header] = f"{goal.replace(':', ' ')} is already {self.choices[goal].column!r}"
            return
        fit = sample.fit(goal)
        self.choices[goal] = Choice(
            goal, sample.header, round(confidence, 2), f"named {sample.words!r}; {fit:.0%} of its values fit"
        )

    def _address_by_value_alone(self) -> None:
        if {"address", "street:name"} & set(self.choices):
            return
        taken = {choice.column for choice in self.choices.values()}
        for sample in self.samples:
            if sample.header not in taken and looks_like_street_addresses(sample) and "mailing" not in sample.words:
                reason = "its values read as street addresses, whatever its name"
                self.choices["address"] = Choice("address", sample.header, 0.5, reason)
                return

    def _drop_mailing_that_repeats_the_situs(self) -> None:
        situs, mailing = self.choices.get("address"), self.choices.get("mailing:1")
        if not situs or not mailing:
            return
        share = _same_share(self.file.frame, situs.column, mailing.column)
        if share >= _SAME_ADDRESS:
            del self.choices["mailing:1"]
            self.left_out[mailing.column] = (
                f"the same as {situs.column!r} in {share:.1%} of the filled rows: a copy, not a mailing address"
            )

    def _drop_sale_date_of_a_list(self) -> None:
        chosen = self.choices.get("sale_date")
        words = {sample.header: sample.words for sample in self.samples}
        if not chosen or "sale_price_cents" in self.choices or words[chosen.column].startswith("last"):
            return
        if "list_codes" in self.choices or self.list_code()[0] or self._names_a_debt():
            del self.choices["sale_date"]
            self.left_out[chosen.column] = (
                "in a list of tax sales or foreclosures this is the day of that sale, not of the property's last one"
            )

    def observation_by_sale(self, columns: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        """In a file of sales a row says what held at that sale, so a later file's word counts for more.

        A roll of parcels has each parcel once, and knows its last sale; it speaks of the day it was made.
        """
        if "observed_at" in columns or not {"sale_date", "sale_price_cents", "parcel_number"} <= set(columns):
            return {}
        frame = self.file.frame.select(*columns["parcel_number"].columns, *columns["sale_date"].columns).drop_nulls()
        parcels = frame.select(columns["parcel_number"].columns).n_unique()
        is_of_sales = frame.height >= 0.95 * self.file.frame.height and parcels < 0.99 * frame.height
        return {"observed_at": columns["sale_date"]} if is_of_sales else {}

    def _names_a_debt(self) -> str | None:
        return next(
            (sample.header for sample in self.samples if any(sample.words.endswith(debt) for debt in _OWED)), None
        )

    def list_code(self) -> tuple[str | None, str]:
        """The list that every row is on, by the file's name or its headers, unless a column says it per row."""
        if "list_codes" in self.choices:
            return None, ""
        for sample in self.samples:
            if (
                sample.values.n_unique() == 1
                and list_name_share(sample) == 1.0
                and sample.filled == self.file.frame.height
            ):
                return known_list_code(str(sample.values[0])), f"every row of {sample.header!r} says so"
        if code := known_list_code(self.file.file_name.split(".")[0]):
            return code, "the file's name says so"
        is_roll = {"year_built", "living_sqft", "beds", "sale_price_cents"} & set(self.choices)
        debt = self._names_a_debt()
        if debt and not is_roll:
            return "tax_delinquent", f"the column {debt!r} holds what is owed"
        for sample in self.samples:
            code = known_list_code(sample.header)
            if code and not is_roll and code != "vacant":
                return code, f"the column {sample.header!r} says so"
        return None, ""

    def reasons(self, choices: list[Choice]) -> tuple[ColumnReason, ...]:
        by_column = {choice.column: choice for choice in choices}
        left_out = {
            **{c.column: f"{c.goal.replace(':', ' ')} is told by another column" for c in self.choices.values()},
            **self.left_out,
        }
        return tuple(
            ColumnReason(name, choice.goal, choice.confidence, choice.reason)
            if (choice := by_column.get(name))
            else ColumnReason(name, None, 0.0, left_out.get(name, "not used"))
            for name in self.file.columns
        )


def _renamed(rule: HeaderRule, goal: str) -> HeaderRule:
    return HeaderRule(goal, rule.pattern, rule.weight, rule.is_generic)


def _same_share(frame: pl.DataFrame, situs: str, mailing: str) -> float:
    """Share of rows, both filled, in which one address begins with the other, punctuation aside."""
    bare = {
        alias: pl.col(name).str.to_uppercase().str.replace_all(r"[^A-Z0-9]+", "")
        for alias, name in (("situs", situs), ("mailing", mailing))
    }
    filled = frame.select(**bare).drop_nulls().filter((pl.col("situs") != "") & (pl.col("mailing") != ""))
    if filled.is_empty():
        return 0.0
    same = pl.col("mailing").str.starts_with(pl.col("situs")) | pl.col("situs").str.starts_with(pl.col("mailing"))
    return float(filled.select(same.mean()).item())


def _place(file: CountyFile, choices: list[Choice], samples: list[ColumnSample]) -> InferredPlace:
    """State and county for files whose rows give no ZIP and no state of their own."""
    column = {choice.goal: choice.column for choice in choices}
    if {"zip", "state"} & set(column):
        return InferredPlace()
    if {"lat", "lon"} <= set(column) and "city" not in column:
        return county_of_points(*(parse_number(clean_text(file.frame[column[axis]])) for axis in ("lat", "lon")))
    # A copy of the property address is no mailing address, but may say the state that the original leaves out.
    copies = [
        sample.header for sample in samples if sample.header not in column.values() and sample.words == "owner address"
    ]
    for name in [*([column["address"]] if "address" in column else []), *copies]:
        place = state_at_end_of(file.frame[name])
        if place.state:
            return place
    return InferredPlace()
