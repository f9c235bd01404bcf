"""Contract of how the org's models held, month by month."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.contract import UTC_INSTANT, Contract, column

ALERT_CODES = ("calibration", "ranking", "drift", "pace", "coverage", "error", "bias")
_SHARE = pa.Check.in_range(0, 1)

MODEL_MONTHS = Contract(
    name="model_months",
    text="How each model held, by month: what became of the leads it scored or valued, and how far the homes and the "
    "pace of sales were from those it was fitted on.",
    columns={
        "zip": column(pl.String, "Always `unlocated`: a model is of the whole lake.", shared.ZIP_OR_UNLOCATED,
                      required=True),
        "day": column(
            pl.Date, "First day of the month: motivation, in which the scores were told; value, in which the homes "
            "were sold; drift and pace, in which they were last read.", required=True,
        ),
        "kind": column(pl.String, "motivation or value.", pa.Check.isin(["motivation", "value"]), required=True),
        "version": column(pl.String, "Version of the model, as in model_versions.", required=True),
        "homes": column(pl.Int64, "Homes scored whose year is over; homes sold that had a value or a refusal.",
                        pa.Check.ge(0)),
        "sold": column(pl.Int64, "Of those scored, how many were sold within the year.", pa.Check.ge(0)),
        "predicted": column(pl.Float64, "Mean chance that they were given.", _SHARE),
        "observed": column(pl.Float64, "Share that was sold.", _SHARE),
        "auc": column(pl.Float64, "Chance that a home that sold stood above one that did not; null with few sales.",
                      _SHARE),
        "lift_5": column(pl.Float64, "How many times as often the best 5 % were sold as all; null with few sales.",
                         pa.Check.ge(0)),
        "calibration_error": column(pl.Float64, "Mean gap of chance and share sold, over tenths of the homes.", _SHARE),
        "refused": column(pl.Int64, "Of those sold, how many the model had refused to value.", pa.Check.ge(0)),
        "median_error": column(pl.Float64, "Median distance of value and price, as a share of the price; a refusal is "
                               "1.", pa.Check.ge(0)),
        "bias": column(pl.Float64, "Median of value over price, less 1: below 0 the values were too low."),
        "coverage": column(pl.Float64, "Share of prices inside the 80 % interval.", _SHARE),
        "width": column(pl.Float64, "Median width of that interval as a share of the value.", pa.Check.ge(0)),
        "drift_feature": column(pl.String, "The watched feature that moved furthest since the fit."),
        "drift_index": column(pl.Float64, "Its population stability index: above .25 these are other homes.",
                              pa.Check.ge(0)),
        "pace": column(pl.Float64, "Sales of the last half-year over those of the same months before the fit.",
                       pa.Check.ge(0)),
        "alert_codes": column(pl.List(pl.String), f"What no longer holds, of {', '.join(ALERT_CODES)}; empty while the "
                              "model holds.", required=True),
        "alerts": column(pl.List(pl.String), "The same in words.", required=True),
        "told_codes": column(pl.List(pl.String), "What was told in the log and the error reports: once a month and "
                             "kind.", required=True),
        "watched_at": column(UTC_INSTANT, "When it was last looked at.", required=True),
        "run_id": shared.RUN_ID,
    },
    key=("day", "kind", "version"),
    volatile=("watched_at", "run_id"),
)  # fmt: skip

_NOT_READ = ("zip", "day", "kind", "version", "told_codes", "watched_at", "run_id")
MART_MODEL_MONTHS = Contract(
    name="mart_model_months",
    text=MODEL_MONTHS.text,
    columns={
        "org": shared.ORG,
        "month": MODEL_MONTHS.columns["day"],
        **{name: MODEL_MONTHS.columns[name] for name in ("kind", "version")},
        **{name: col for name, col in MODEL_MONTHS.columns.items() if name not in _NOT_READ},
    },
    key=("org", "month", "kind", "version"),
)
