"""A model's card: what it is, what it learned from, how it did, what it cannot say. Markdown for people.

Here: wording. Not here: figures (`train_motivation`, `train_values`).
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from leadflow_pipelines.scoring import MarketModels
from leadflow_pipelines.training.candidates import LONGEST_LAG, Candidate

TITLES: Final = {"motivation": "Motivation model", "value": "Value model"}
PURPOSES: Final = {
    "motivation": "The chance that a home is sold for a price within 365 days, from deeds and public signals.",
    "value": "What a home would have sold for on the last day of the data, with an 80 % interval and comparable sales.",
}
_FIGURES: Final = {
    "motivation": {
        "homes": "homes", "sold": "sold", "base_rate": "share sold", "auc": "AUC", "lift_5": "lift, best 5 %",
        "lift_10": "lift, best 10 %", "lift_20": "lift, best 20 %", "ece": "calibration error",
    },
    "value": {
        "sales": "sales", "refused": "refused", "median_error": "median error", "within_10": "within 10 %",
        "within_20": "within 20 %", "bias": "bias", "coverage": "in the interval", "width": "its width",
    },
}  # fmt: skip
_PERCENT: Final = ("base_rate", "median_error", "within_10", "within_20", "bias", "coverage")
_NAMES: Final = {
    "candidate": "this model", "seasoned": "a year and more", "tenure": "years owned",
    "base_rate": "base rate", "neighbourhood": "neighbourhood", "current": "current model",
}  # fmt: skip
_MARKET: Final = "market "
_IN_THE_VERDICT: Final = ("current", "candidate there")
"""A fifth column would be cut in a terminal of 80."""
_TERMS: Final = {
    "fitted": "own",
    "fitted_shorter_window": "own, shorter windows",
    "fitted_longer_window": "own, longer windows",
    "borrowed": "borrowed",
}
HOW_MEASURED: Final = {
    "motivation": "Walked forward: by the same recipe, fitted before the window. Intervals hold 90 %; by chance the "
    "AUC is .500 and the lift 1.",
    "value": "Walked forward: by the same recipe, fitted before the window. A refused home counts as a miss of 100 %.",
}
LIMITS: Final = {
    "motivation": (
        "Most of the lift comes from homes bought to be sold on; for owners of a year or more it ranks far less well.",
        "A county's own terms count beside those of all counties as its sold homes beside a hundred; with borrowed "
        "terms only level and slope are its own. Which it has was chosen on the window that it is judged by.",
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
        lines += ["", "## How it did", "", HOW_MEASURED[kind], "", *_tables(kind, judged.metrics)]
    if kind == "motivation" and candidate.model is not None:
        lines += ["", "## By county", "", *_by_market(candidate.model, judged.metrics)]
    return "\n".join([*lines, "", "## What it cannot say", "", *(f"- {text}" for text in LIMITS[kind])]) + "\n"


def _tables(kind: str, metrics: Mapping[str, Any]) -> list[str]:
    """Figures in rows, models in columns; then this model's segments in columns, where it has some."""
    left_out = _IN_THE_VERDICT if kind == "motivation" else ()
    whole = {
        name: of
        for name, of in metrics.items()
        if "," not in name and not name.startswith(_MARKET) and name not in left_out
    }
    parts = {name.partition(", ")[2]: of for name, of in metrics.items() if name.startswith("candidate, ")}
    lines = _table(kind, {_NAMES.get(name, name): of for name, of in whole.items()})
    return lines + (["", "This model by part of the market:", "", *_table(kind, parts)] if parts else [])


def _table(kind: str, columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = [f"| | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for figure, words in _FIGURES[kind].items():
        lines.append(f"| {words} | {' | '.join(_cell(figure, of) for of in columns.values())} |")
    return lines


def _by_market(model: MarketModels, metrics: Mapping[str, Any]) -> list[str]:
    """Each county's homes on record, its base rate, where its terms come from, and how it was ranked."""
    lines = ["| county | homes | judged sold | base rate | terms | AUC |", "|---|---:|---:|---:|---|---:|"]
    for market, one in model.models.items():
        of = metrics.get(f"{_MARKET}{market}", metrics.get("candidate", {}) if len(model.models) == 1 else {})
        cells = (
            market, f"{one.facts.height:,}", _cell("sold", of), f"{one.base_rate:.1%}", _TERMS[one.method],
            _cell("auc", of),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _cell(figure: str, of: Mapping[str, Any]) -> str:
    value = of.get(figure)
    if value is None:
        return "–"
    if figure in _PERCENT:
        return f"{value:.1%}"
    if isinstance(value, int):
        return f"{value:,}"
    told = f"{value:.2f}" if figure.startswith("lift") else f"{value:.3f}"
    low, high = of.get(f"{figure}_low"), of.get(f"{figure}_high")
    return told if figure != "auc" or low is None or high is None else f"{told} ({low:.3f}–{high:.3f})"
