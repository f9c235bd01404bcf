"""Contracts of backtests: how scores and values of a market did when walked forward over its past."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import Contract, column

SHARE = pa.Check.in_range(0, 1)
_QUESTION = {
    "zip": column(
        pl.String,
        "Always `unlocated`: a market is no ZIP partition, and the lake's files are sorted by this column.",
        shared.ZIP_OR_UNLOCATED,
        required=True,
    ),
    "day": column(pl.Date, "Day on which the backtest was made, in LEADFLOW_TIMEZONE.", required=True),
    "market": column(pl.String, "Market: a county, ZIPs, `all`, or the name given to a file of sales.", required=True),
    "horizon_days": column(pl.Int32, "Length of the window in which a sale counts.", pa.Check.ge(1), required=True),
    "without": column(pl.String, "Columns that no model was allowed, by comma; empty where none.", required=True),
}
_WHERE = {
    "as_of": column(pl.Date, "Date on which the models stood; null: the mean over the dates, or all together."),
    "segment": column(pl.String, "all, owned a year or more, a third by price, a month or a market.", required=True),
    "model": column(pl.String, "leadflow or a baseline: lightgbm, tenure, scorecard, ...", required=True),
}
_KEY = ("day", "market", "horizon_days", "without", "as_of", "segment", "model")


def _number(text: str, *checks: pa.Check) -> pa.Column:
    return column(pl.Float64, text, *checks)


def _with_interval(name: str, text: str) -> dict[str, pa.Column]:
    return {
        name: _number(text, pa.Check.ge(0)),
        f"{name}_low": _number(f"{text} Low end of its 90 % interval, by bootstrap of the homes.", pa.Check.ge(0)),
        f"{name}_high": _number(f"{text} High end of its 90 % interval.", pa.Check.ge(0)),
    }


BACKTEST_SCORES = Contract(
    name="backtest_scores",
    text="How well scores told who would sell: by date, segment and model, with baselines beside.",
    columns={
        **_QUESTION,
        **_WHERE,
        "dates": column(pl.Int32, "Dates in the row: 1, or how many the mean is over.", pa.Check.ge(1), required=True),
        "homes": column(pl.Int64, "Homes scored; summed over the dates.", pa.Check.ge(0), required=True),
        "sold": column(pl.Int64, "Of them sold in the window.", pa.Check.ge(0), required=True),
        "base_rate": _number("Share sold among all of the segment's homes.", SHARE),
        **_with_interval("auc", "Chance that a sold home stands above an unsold one; .5 is chance."),
        "average_precision": _number("Mean share of sold homes above each sold home.", SHARE),
        **{
            name: col
            for percent in (5, 10, 20)
            for name, col in _with_interval(
                f"lift_{percent}", f"Share sold among the best {percent} % over the base rate."
            ).items()
        },
        "ece": _number("Mean distance of probability and share sold, over tenths of the homes.", SHARE),
        "brier": _number("Mean squared distance of probability and outcome.", SHARE),
    },
    key=_KEY,
)

BACKTEST_CURVES = Contract(
    name="backtest_curves",
    text="Points of the lift curve and of calibration, for charts.",
    columns={
        **_QUESTION,
        "segment": _WHERE["segment"],
        "model": _WHERE["model"],
        "kind": column(
            pl.String,
            "lift: x share of homes, y lift, mean over the dates. calibration: x mean probability, y share sold.",
            pa.Check.isin(["lift", "calibration"]),
            required=True,
        ),
        "point": column(pl.Int32, "Place on the curve, from 1.", pa.Check.ge(1), required=True),
        "x": _number("See kind."),
        "y": _number("See kind."),
        "low": _number("Low end of the 90 % interval of y."),
        "high": _number("High end of the 90 % interval of y."),
        "homes": column(pl.Int64, "Homes behind a point of calibration.", pa.Check.ge(0)),
    },
    key=("day", "market", "horizon_days", "without", "segment", "model", "kind", "point"),
)

BACKTEST_VALUES = Contract(
    name="backtest_values",
    text="How near values came to the prices then paid: by date, segment and model, with baselines beside.",
    columns={
        **_QUESTION,
        **_WHERE,
        "sales": column(pl.Int64, "Homes sold that were to be valued.", pa.Check.ge(1), required=True),
        "refused": column(pl.Int64, "Of them not valued; each is an error of 100 %.", pa.Check.ge(0), required=True),
        "median_error": _number("Median absolute error as a share of the price.", pa.Check.ge(0)),
        "within_10": _number("Share within 10 % of the price.", SHARE),
        "within_20": _number("Share within 20 % of the price.", SHARE),
        "bias": _number("Median signed error as a share of the price; above 0 is too dear."),
        "coverage": _number("Share of prices inside the 80 % interval.", SHARE),
        "width": _number("Median width of the interval as a share of the value.", pa.Check.ge(0)),
    },
    key=_KEY,
)

BACKTEST_TABLES = (BACKTEST_SCORES, BACKTEST_CURVES, BACKTEST_VALUES)
