"""Parts to targets: house number and street name to a street, full and half baths to baths, three columns to a BBL.

Here: how chosen columns are put together into rules. Not here: how they were chosen (`propose_mapping`).
"""

from collections.abc import Mapping as Lookup
from dataclasses import dataclass, replace

from leadflow_pipelines.county_files.column_values import ColumnSample
from leadflow_pipelines.source_rows.mapping import ColumnRule
from leadflow_pipelines.source_rows.transforms import parse_number

_STREET = ("street:number", "street:direction", "street:name", "street:suffix", "street:post")
_ACREAGE_AT_END = r"\s\d{0,4}\.\d{1,4}$"


@dataclass(frozen=True)
class Choice:
    """A column chosen for a goal, with confidence from 0 to 1 and the reason."""

    goal: str
    column: str
    confidence: float
    reason: str


def assemble_columns(
    chosen: Lookup[str, Choice], samples: Lookup[str, ColumnSample]
) -> tuple[dict[str, ColumnRule], list[Choice]]:
    """Rules per target, and the choices that they use, each with its target as goal. Unused parts are left out."""
    assembly = _Assembly(chosen, samples)
    assembly.single_columns()
    assembly.situs()
    assembly.parcel()
    assembly.owner()
    assembly.mailing()
    assembly.building()
    assembly.sale()
    return assembly.rules, assembly.used


class _Assembly:
    def __init__(self, chosen: Lookup[str, Choice], samples: Lookup[str, ColumnSample]) -> None:
        self.chosen = chosen
        self.samples = samples
        self.rules: dict[str, ColumnRule] = {}
        self.used: list[Choice] = []

    def put(self, target: str, goals: tuple[str, ...], rule: ColumnRule | None = None, why: str = "") -> None:
        choices = [self.chosen[goal] for goal in goals if goal in self.chosen]
        columns = tuple(choice.column for choice in choices)
        self.rules[target] = (rule or ColumnRule(columns=columns)).model_copy(update={"columns": columns})
        self.used += [replace(choice, goal=target, reason=choice.reason + why) for choice in choices]

    def has(self, *goals: str) -> bool:
        return all(goal in self.chosen for goal in goals)

    def sample(self, goal: str) -> ColumnSample:
        return self.samples[self.chosen[goal].column]

    def single_columns(self) -> None:
        for goal in self.chosen:
            if ":" not in goal and goal not in (
                "address",
                "parcel_number",
                "owner_name",
                "baths",
                "lot_sqft",
                "sale_date",
                "state",
            ):
                self.put(goal, (goal,))
        if self.has("state"):
            self.put("state", ("state",))
        if self.has("county:name") and "county_fips" not in self.rules and self.has("state"):
            self.put("county_fips", ("county:name",), ColumnRule(columns=("?",), transform="county_name"))

    def situs(self) -> None:
        if self.has("address"):
            place = () if {"city", "zip"} & set(self.rules) else ("address:place",)
            rule = ColumnRule(columns=("?",), join=", ") if self.has(*place) and place else None
            if self.sample("address").share(_ACREAGE_AT_END) >= 0.05:
                self.put(
                    "address",
                    ("address",),
                    ColumnRule(columns=("?",), transform="without_acreage"),
                    "; ends in acreage",
                )
            else:
                self.put("address", ("address", *place), rule)
        elif self.has("street:number", "street:name"):
            self.put("street", _STREET)
        elif self.has("street:name"):
            self.put("street", ("street:name",))

    def parcel(self) -> None:
        if self.has("parcel_number"):
            self.put("parcel_number", ("parcel_number",))
        elif self.has("parcel:borough", "parcel:block", "parcel:lot"):
            rule = ColumnRule(columns=("?",), pad=(1, 5, 4), join="")
            self.put("parcel_number", ("parcel:borough", "parcel:block", "parcel:lot"), rule, "; joined to a BBL")
        elif self.has("parcel:block", "parcel:lot"):
            self.put("parcel_number", ("parcel:block", "parcel:lot"), ColumnRule(columns=("?",), join="-"))

    def owner(self) -> None:
        if self.has("owner_name"):
            self.put(
                "owner_name",
                ("owner_name", "owner:2"),
                ColumnRule(columns=("?",), join=" & ") if self.has("owner:2") else None,
            )
        elif self.has("owner:last"):
            self.put("owner_name", ("owner:first", "owner:last"))

    def mailing(self) -> None:
        lines = ("mailing:1", "mailing:2", "mailing:unit")
        if self.has("mailing:1"):
            parts_elsewhere = {"mailing_city", "mailing_zip"} & set(self.rules)
            if parts_elsewhere:
                self.put("mailing_street", lines)
            elif self.has("mailing:place"):
                self.put("mailing_address", (*lines, "mailing:place"), ColumnRule(columns=("?",), join=", "))
            else:
                self.put("mailing_address", lines)
        elif self.has("mailing:number", "mailing:name"):
            self.put("mailing_street", ("mailing:number", "mailing:name", "mailing:unit"))

    def building(self) -> None:
        if self.has("bath:full", "bath:half"):
            self.put("baths", ("bath:full", "bath:half"), ColumnRule(columns=("?",), transform="full_half"))
        elif self.has("baths"):
            self.put("baths", ("baths",))
        elif self.has("bath:full"):
            self.put("baths", ("bath:full",))
        if self.has("lot_sqft"):
            in_acres = "sqft" not in self.sample("lot_sqft").words and _median(self.sample("lot_sqft")) < 50
            rule = ColumnRule(columns=("?",), transform="acres") if in_acres else None
            self.put("lot_sqft", ("lot_sqft",), rule, "; small numbers: acres" if in_acres else "")
        elif self.has("lot:acres"):
            self.put("lot_sqft", ("lot:acres",), ColumnRule(columns=("?",), transform="acres"))

    def sale(self) -> None:
        if self.has("sale_date"):
            self.put("sale_date", ("sale_date",))
        elif self.has("sale:year", "sale:month", "sale:day"):
            self.put("sale_date", ("sale:year", "sale:month", "sale:day"), ColumnRule(columns=("?",), join="-"))
        if self.has("value:total") and not {"market_value_cents", "assessed_cents"} & set(self.rules):
            self._total_value()

    def _total_value(self) -> None:
        """A bare "total value" is the market value where it is of the size of the sale prices, else the assessed."""
        share = (
            _median(self.sample("value:total")) / max(1.0, _median(self.sample("sale_price_cents")))
            if self.has("sale_price_cents")
            else 0.0
        )
        if 0.5 <= share <= 2:
            self.put("market_value_cents", ("value:total",), None, "; of the size of the sale prices")
        else:
            self.put("assessed_cents", ("value:total",), None, "; not of the size of sale prices, so taken as assessed")


def _median(sample: ColumnSample) -> float:
    numbers = parse_number(sample.values)
    middle = numbers.filter(numbers > 0).median()
    return float(middle) if isinstance(middle, int | float) else 0.0
