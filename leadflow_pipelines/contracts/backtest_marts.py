"""Contracts of the marts of backtests: every figure beside its baselines, and the curves behind the charts."""

import pandera.polars as pa
import polars as pl

from leadflow_pipelines.contracts import shared_columns as shared
from leadflow_pipelines.contracts.backtest import BACKTEST_CURVES, BACKTEST_SCORES, BACKTEST_VALUES
from leadflow_pipelines.contracts.contract import Contract, column

_QUESTION = {
    "org": shared.ORG,
    **{name: BACKTEST_SCORES.columns[name] for name in ("day", "market", "horizon_days", "without")},
    "is_newest": column(
        pl.Boolean, "Whether no later backtest asked the same of this market: most charts want these.", required=True
    ),
}
_WHAT = ("segment", "model")


def _figures(table: Contract) -> dict[str, pa.Column]:
    """A table's figures, null in rows that only the other table has."""
    places = {"zip", "as_of", *_QUESTION, *_WHAT}
    return {
        name: pa.Column(col.dtype.type, col.checks, nullable=True, description=col.description, metadata=col.metadata)
        for name, col in table.columns.items()
        if name not in places
    }


MART_BACKTEST = Contract(
    name="mart_backtest",
    text="How scores and values did when walked forward over a market's past: by date, segment and model, with "
    "baselines beside.",
    columns={
        **_QUESTION,
        **{name: BACKTEST_SCORES.columns[name] for name in _WHAT},
        "period": column(pl.String, "The as_of as text, or `all dates` where it is null.", required=True),
        "as_of": BACKTEST_SCORES.columns["as_of"],
        **_figures(BACKTEST_SCORES),
        **_figures(BACKTEST_VALUES),
    },
    key=("org", "day", "market", "horizon_days", "without", "segment", "period", "model"),
)

MART_BACKTEST_CURVES = Contract(
    name="mart_backtest_curves",
    text=BACKTEST_CURVES.text,
    columns={
        **_QUESTION,
        **{name: col for name, col in BACKTEST_CURVES.columns.items() if name not in {"zip", *_QUESTION}},
    },
    key=("org", *BACKTEST_CURVES.key),
)

BACKTEST_MARTS = (MART_BACKTEST, MART_BACKTEST_CURVES)
