"""How old a source's word may be, as data, and how much of what is known is older.

Here: the policy's file, its shape for dbt, and the stale share as published. Not here: the counting (`mart_fields`).
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from leadflow_pipelines.contracts.policy import FRESHNESS_RULES
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake

POLICY_FILE = Path(__file__).with_name("freshness.yaml")


@dataclass(frozen=True)
class FreshnessRule:
    """A source (or pattern), a field, and after how many days its word is stale; `because` names the rule's origin."""

    source: str
    field: str
    max_age_days: int
    because: str


@cache
def load_freshness(path: Path = POLICY_FILE) -> tuple[FreshnessRule, ...]:
    """The policy, a rule per source and field. Raises InvalidInput naming every faulty line at once."""
    document = yaml.safe_load(path.read_text())
    groups: Mapping[str, Sequence[str]] = document["groups"]
    rules: list[FreshnessRule] = []
    faults: list[str] = []
    for number, line in enumerate(document["rules"], start=1):
        fault = _fault(line, groups)
        if fault:
            faults.append(f"{path.name}, rule {number}: {fault}")
        else:
            age, because = line["max_age_days"], line["because"]
            rules += [FreshnessRule(line["source"], field, age, because) for field in groups[line["group"]]]
    repeated = [key for key, count in Counter((rule.source, rule.field) for rule in rules).items() if count > 1]
    faults += [f"{path.name}: two rules for {source} {field}" for source, field in repeated]
    if faults:
        raise InvalidInput("\n".join(faults), remedy="Mend the freshness policy.")
    return tuple(rules)


def freshness_table(as_of: dt.date) -> pl.DataFrame:
    """The policy in FRESHNESS_RULES shape."""
    rows = [(rule.source, rule.field, rule.max_age_days, as_of) for rule in load_freshness()]
    return pl.DataFrame(rows, schema=FRESHNESS_RULES.schema, orient="row")


def stale_shares(lake: Lake) -> pl.DataFrame:
    """Per ZIP as of the last published marts: zip, as_of, field_values, stale_values, stale_share; the stalest first.

    Without rows where no mart was published yet.
    """
    schema = {"zip": pl.String, "as_of": pl.Date, "field_values": pl.Int64, "stale_values": pl.Int64}
    fields = pl.scan_parquet(f"{lake.path('marts')}/mart_fields.parquet", storage_options=lake.storage_options or None)
    shares = (
        fields.group_by("zip")
        .agg(pl.col("as_of").max(), pl.col("field_values", "stale_values").sum())
        .with_columns((pl.col("stale_values") / pl.col("field_values")).alias("stale_share"))
        .sort("stale_share", "zip", descending=[True, False])
    )
    try:
        return shares.collect()
    except FileNotFoundError:  # as a folder says it and as an object store does
        return pl.DataFrame(schema={**schema, "stale_share": pl.Float64})


def _fault(line: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> str | None:
    """What is wrong with a rule, if anything."""
    missing = {"source", "group", "max_age_days", "because"} - line.keys()
    if missing:
        return f"{', '.join(sorted(missing))} is missing"
    if line["group"] not in groups:
        return f"there is no group {line['group']!r}"
    age = line["max_age_days"]
    return None if isinstance(age, int) and age >= 0 else f"max_age_days {age!r} is no number of days"
