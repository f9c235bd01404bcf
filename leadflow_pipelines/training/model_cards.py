"""A model's card: what it is, what it learned from, how it did, what it cannot say. Markdown for people.

Here: wording. Not here: figures (`train_motivation`, `train_values`).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from leadflow_pipelines.training.candidates import LONGEST_LAG, Candidate

TITLES: Final = {"motivation": "Motivation model", "value": "Value model"}
PURPOSES: Final = {
    "motivation": "The chance that a home is sold for a price within 365 days, from deeds and public signals.",
    "value": "What a home would have sold for on the last day of the data, with an 80 % interval and comparable sales.",
}
_COLUMNS: Final = {
    "motivation": {
        "homes": "homes", "sold": "sold", "base_rate": "base rate", "auc": "AUC", "auc_low": "from", "auc_high": "to",
        "lift_5": "lift 5 %", "lift_10": "lift 10 %", "lift_20": "lift 20 %", "ece": "ECE",
    },
    "value": {
        "sales": "sales", "refused": "refused", "median_error": "median error", "within_10": "within 10 %",
        "within_20": "within 20 %", "bias": "bias", "coverage": "coverage", "width": "width",
    },
}  # fmt: skip
_NAMES: Final = {
    "candidate": "this model", "seasoned": "this model, owners of a year or more", "tenure": "years owned",
    "base_rate": "base rate", "neighbourhood": "neighbourhood median", "current": "current model",
}  # fmt: skip
LIMITS: Final = {
    "motivation": (
        "Most of the lift comes from homes bought to be sold on; for owners of a year or more it ranks far less well.",
        "A home without a sale on record, and a county without a history of sales, get no probability: the scorecard "
        "stands there.",
        "It knows sales that were recorded, not homes that were offered and not sold.",
        "No name, age, sex, household, language, religion or demographic figure is used; place only relatively.",
    ),
    "value": (
        "The home's condition is unknown. An after-repair value is an estimate with an interval of its own.",
        "The cheapest third is valued worst.",
        "Values are at the prices of the last day of the data; sales learned of later count from the next training on.",
        "Assessments are those on record now: where they follow sales, past errors look smaller than they were.",
    ),
}


def write_card(kind: str, candidate: Candidate, *, day: dt.date, span: str, sales: int, markets: list[str]) -> str:
    """The card of one training. span: first and last sale in words."""
    judged, window = candidate.judgement, candidate.judgement.window
    last = window.end - dt.timedelta(days=1) if window else None
    is_old = window is not None and (day - window.end).days > LONGEST_LAG[kind]
    old = {"Old sales": f"It speaks of {last}, not of {day}: somebody accepted sales that end long before."}
    on = {"Judged on": f"{judged.window}, which its stand-in had not seen"} if judged.metrics else {}
    facts = {
        **(old if is_old else {}),
        "Verdict": f"{judged.verdict.replace('_', ' ')}. {judged.because}",
        "Trained": f"on {day}" + (f", as of the end of the data: {last}" if last else ""),
        "Sales": f"{sales:,} dated" + (f", {span}" if sales else ""),
        **on,
        "Used in": ", ".join(markets) or "no market: none has sales enough",
        **candidate.facts,
    }
    lines = [f"# {TITLES[kind]}, {day}", "", PURPOSES[kind], ""]
    lines += [f"- **{name}**: {text}" for name, text in facts.items()]
    if judged.metrics:
        lines += ["", "## How it did", "", *_table(kind, judged.metrics)]
    return "\n".join([*lines, "", "## What it cannot say", "", *(f"- {text}" for text in LIMITS[kind])]) + "\n"


def _table(kind: str, metrics: Mapping[str, Any]) -> list[str]:
    columns = _COLUMNS[kind]
    lines = [f"| | {' | '.join(columns.values())} |", f"|---|{'---:|' * len(columns)}"]
    for name, figures in metrics.items():
        plain, comma, segment = name.partition(", ")
        told = f"{_NAMES.get(plain, plain)}{comma}{segment}"
        lines.append(f"| {told} | {' | '.join(_cell(column, figures.get(column)) for column in columns)} |")
    return lines


def _cell(column: str, value: Any) -> str:
    if value is None:
        return "–"
    if column in ("base_rate", "median_error", "within_10", "within_20", "bias", "coverage"):
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if column.startswith("lift") else f"{value:.3f}"
