"""A backtest as tables that people read: the same for the terminal, for Markdown and for the page.

Here: which figures stand beside which, and their form. Not here: how a medium draws a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from leadflow_pipelines.backtest.judge_scores import EVERY, SEASONED
from leadflow_pipelines.backtest.judge_values import THIRDS
from leadflow_pipelines.backtest.models import OURS, PEER, SCORE_MODELS, VALUE_MODELS
from leadflow_pipelines.backtest.run_backtest import Backtest

DASH = "–"
DIGITS = 4
"""More of a figure than this is chance."""


@dataclass(frozen=True)
class TextTable:
    """A titled table of finished text; the first column names the row, the others are figures."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def summary_tables(result: Backtest) -> list[TextTable]:
    """Everything worth a table, most asked for first; tables without rows are left out."""
    tables = [
        score_table(result, EVERY),
        score_table(result, SEASONED),
        date_table(result),
        market_table(result),
        value_table(result),
    ]
    return [table for table in tables if table.rows]


def headline(result: Backtest) -> str:
    """What was done, in one sentence."""
    first, last = result.dates[0], result.dates[-1]
    when = f"on {first}" if first == last else f"on {len(result.dates)} dates from {first} to {last}"
    total = scores_of(result, EVERY).filter(model=OURS).row(0, named=True)
    return (
        f"{result.plan.market}: homes scored {when}, each time by models that knew only the sales before; "
        f"of {total['homes']:,} scores {100 * total['base_rate']:.1f} % were of homes that sold within "
        f"{result.plan.horizon_days} days."
    )


def facts(result: Backtest) -> list[tuple[str, str]]:
    """What the figures rest on, a line each."""
    cover = result.coverage
    lines = [
        ("Sales on record", f"{result.sales:,} of {result.parcels:,} parcels, {cover.first} to {cover.last}"),
        ("Dates judged", f"{', '.join(map(str, result.dates))}"),
    ]
    if result.skipped:
        lines.append(("Dates passed over", "; ".join(f"{day}: {why}" for day, why in result.skipped.items())))
    if (over := result.difference.get(EVERY)) is not None:
        lines.append(("AUC over LightGBM", f"{over[0]:+.3f} (90 % interval {over[1]:+.3f} to {over[2]:+.3f})"))
    if (over := result.difference.get(SEASONED)) is not None:
        lines.append(("… of seasoned owners", f"{over[0]:+.3f} ({over[1]:+.3f} to {over[2]:+.3f})"))
    canary = result.canary
    same = canary.same_scores and canary.same_values
    lines.append(
        (
            "Leak canary",
            f"{canary.as_of} again with all later sales in the file: "
            + ("the same to the bit" if same else "ANOTHER OUTPUT. The models see the future; believe no figure here."),
        )
    )
    return lines


def score_table(result: Backtest, segment: str) -> TextTable:
    """Every model over all dates: how it ranks, and how its probabilities hold."""
    rows = scores_of(result, segment)
    found = {row["model"]: row for row in rows.iter_rows(named=True)}
    ours = found.get(OURS)
    who = "every home known" if segment == EVERY else f"homes {segment}"
    base = f", {100 * ours['base_rate']:.1f} % sold" if ours and ours["base_rate"] is not None else ""
    return TextTable(
        f"Who sells: {who}{base}",
        ("", "AUC", "lift 5 %", "10 %", "20 %", "AP", "ECE", "Brier"),
        tuple(
            (
                SCORE_MODELS[model],
                _ranged(found[model], "auc", 3),
                _ranged(found[model], "lift_5", 2),
                _number(found[model]["lift_10"], 2),
                _number(found[model]["lift_20"], 2),
                _number(found[model]["average_precision"], 3),
                _number(found[model]["ece"], 4),
                _number(found[model]["brier"], 4),
            )
            for model in SCORE_MODELS
            if model in found
        ),
        f"Means over the dates; in brackets 90 % intervals, by {result.plan.rounds} draws of the homes. AP is "
        "average precision, ECE how far a probability lies from the share sold. Chance: AUC 0.5, lift 1.",
    )


def date_table(result: Backtest) -> TextTable:
    """Date by date: ours with its interval, the peer and the folklore beside."""
    rows = result.scores.filter(pl.col("as_of").is_not_null(), pl.col("segment") == EVERY)
    by_date = {
        day: {row["model"]: row for row in of_date.iter_rows(named=True)}
        for (day,), of_date in rows.partition_by("as_of", as_dict=True, maintain_order=True).items()
    }
    return TextTable(
        "Date by date",
        ("as of", "homes", "sold", "AUC", "lift 5 %", "LightGBM", "lift", "owned", "ECE"),
        tuple(
            (
                str(day),
                f"{models[OURS]['homes']:,}",
                _percent(models[OURS]["base_rate"]),
                _number(models[OURS]["auc"], 3),
                _ranged(models[OURS], "lift_5", 2),
                _number(models.get(PEER, {}).get("auc"), 3),
                _number(models.get(PEER, {}).get("lift_5"), 2),
                _number(models["tenure"]["auc"], 3),
                _number(models[OURS]["ece"], 3),
            )
            for day, models in by_date.items()
        ),
        "LightGBM and owned (years owned): their AUC, and the peer's lift at 5 %.",
    )


def market_table(result: Backtest) -> TextTable:
    """Each market apart, where there are several."""
    totals = result.scores.filter(pl.col("as_of").is_null(), pl.col("segment").str.starts_with("market "))
    found = {(row["segment"], row["model"]): row for row in totals.iter_rows(named=True)}
    segments = sorted({segment for segment, _ in found})
    return TextTable(
        "Market by market",
        ("market", "homes", "sold", "AUC", "lift 5 %", "LightGBM", "ECE", "value error"),
        tuple(
            (
                segment.removeprefix("market "),
                f"{found[segment, OURS]['homes']:,}",
                _percent(found[segment, OURS]["base_rate"]),
                _ranged(found[segment, OURS], "auc", 3),
                _ranged(found[segment, OURS], "lift_5", 2),
                _number(found.get((segment, PEER), {}).get("auc"), 3),
                _number(found[segment, OURS]["ece"], 3),
                _percent(values_of(result, segment).get(OURS, {}).get("median_error")),
            )
            for segment in segments
        ),
    )


def value_table(result: Backtest) -> TextTable:
    """Errors of all values and of each third by price, the baselines' beside; coverage and width of the intervals."""
    segments = [segment for segment in (EVERY, *THIRDS) if values_of(result, segment)]
    rows = []
    for segment in segments:
        of_segment = values_of(result, segment)
        ours = of_segment[OURS]
        errors = [_percent(of_segment.get(model, {}).get("median_error")) for model in VALUE_MODELS]
        shares = [_percent(ours[name], 0) for name in ("within_10", "within_20", "coverage", "width")]
        rows.append((segment.removesuffix(" third"), f"{ours['sales']:,}", *errors, *shares, f"{ours['refused']:,}"))
    return TextTable(
        "What it is worth",
        ("", "sales", "LeadFlow", "LightGBM", "median", "±10 %", "±20 %", "covered", "width", "refused"),
        tuple(rows),
        "Median absolute error as a share of the price paid, beside it LightGBM's and that of the neighbourhood's "
        "median; a refusal is an error of 100 %. Covered: prices inside the 80 % interval; width: of that interval, "
        "as a share of the value. Thirds are by the price paid.",
    )


def month_table(result: Backtest) -> TextTable:
    """Coverage and width of the interval by month of sale."""
    months = months_of(result)
    return TextTable(
        "Intervals by month of sale",
        ("month", "sales", "covered", "width", "error", "refused"),
        tuple(
            (
                row["segment"].removeprefix("month "),
                f"{row['sales']:,}",
                _percent(row["coverage"], 0),
                _percent(row["width"], 0),
                _percent(row["median_error"]),
                f"{row['refused']:,}",
            )
            for row in months.iter_rows(named=True)
        ),
    )


def score_figures(result: Backtest) -> dict[str, float]:
    """The figures of scores worth following from one backtest to the next; without those that could not be counted."""
    every = {row["model"]: row for row in scores_of(result, EVERY).iter_rows(named=True)}
    seasoned = {row["model"]: row for row in scores_of(result, SEASONED).iter_rows(named=True)}.get(OURS, {})
    names = ("homes", "base_rate", "auc", "lift_5", "lift_10", "lift_20", "average_precision", "ece", "brier")
    over = result.difference.get(EVERY)
    told = {
        "dates": len(result.dates),
        **{name: every[OURS][name] for name in names},
        "auc_lightgbm": every.get(PEER, {}).get("auc"),
        "lift_5_lightgbm": every.get(PEER, {}).get("lift_5"),
        "auc_over_lightgbm": over[0] if over else None,
        "auc_tenure": every["tenure"]["auc"],
        "auc_seasoned": seasoned.get("auc"),
        "lift_5_seasoned": seasoned.get("lift_5"),
    }
    return _told(told)


def value_figures(result: Backtest) -> dict[str, float]:
    """The same of values; empty where nothing was valued."""
    every, cheapest = values_of(result, EVERY), values_of(result, THIRDS[0])
    names = ("sales", "refused", "median_error", "within_10", "within_20", "bias", "coverage", "width")
    told = {
        **{name: every.get(OURS, {}).get(name) for name in names},
        "median_error_lightgbm": every.get(PEER, {}).get("median_error"),
        "median_error_neighbourhood": every.get("neighbourhood", {}).get("median_error"),
        "median_error_cheapest_third": cheapest.get(OURS, {}).get("median_error"),
    }
    return _told(told)


def _told(figures: dict[str, Any]) -> dict[str, float]:
    return {name: round(value, DIGITS) for name, value in figures.items() if value is not None}


def scores_of(result: Backtest, segment: str) -> pl.DataFrame:
    """A segment's means over the dates, a row a model."""
    return result.scores.filter(pl.col("as_of").is_null(), pl.col("segment") == segment)


def values_of(result: Backtest, segment: str) -> dict[str, dict[str, Any]]:
    """A segment's figures over all dates, by model; empty where nothing was valued."""
    if result.values.is_empty():
        return {}
    rows = result.values.filter(pl.col("as_of").is_null(), pl.col("segment") == segment)
    return {row["model"]: row for row in rows.iter_rows(named=True)}


def months_of(result: Backtest) -> pl.DataFrame:
    """Our figures by month of sale, in order."""
    if result.values.is_empty():
        return result.values
    return result.values.filter(pl.col("segment").str.starts_with("month "), pl.col("model") == OURS).sort("segment")


def to_markdown(result: Backtest) -> str:
    """The backtest as Markdown, for the metadata of an asset."""
    lines = [headline(result), ""]
    lines += [f"- **{name}**: {text}" for name, text in facts(result)]
    for table in (*summary_tables(result), month_table(result)):
        if table.rows:
            lines += ["", f"### {table.title}", "", *_markdown_rows(table)]
            lines += ["", table.note] if table.note else []
    lines += ["", "### What this cannot say", "", *(f"- {note}" for note in result.notes)]
    return "\n".join(lines) + "\n"


def _markdown_rows(table: TextTable) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"

    return [line(table.columns), line([":--", *["--:"] * (len(table.columns) - 1)]), *map(line, table.rows)]


def _number(value: float | None, digits: int) -> str:
    return DASH if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    return DASH if value is None else f"{100 * value:.{digits}f} %"


def _ranged(row: dict[str, Any], name: str, digits: int) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    ends = f" ({low:.{digits}f}{DASH}{high:.{digits}f})" if low is not None and high is not None else ""
    return _number(row[name], digits) + ends
