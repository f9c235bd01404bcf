"""Figures of candidate motivation models on the newest closed windows, market by market and together.

Here: who was known, who sold, and how each rival ranked them. Not here: the bar (`train_motivation`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.backtest import score_baselines
from leadflow_pipelines.backtest.judge_scores import EVERY, SEASONED, judge_scores
from leadflow_pipelines.backtest.models import OURS
from leadflow_pipelines.backtest.snapshots import Homes, SalesRecord, known_homes
from leadflow_pipelines.backtest.walk_forward import ScoredDate
from leadflow_pipelines.scoring import MarketModels
from leadflow_pipelines.scoring.additive_terms import Numbers
from leadflow_pipelines.training.candidates import Rival, rounded

HORIZON_DAYS: Final = 365
ROUNDS: Final = 200
SEED: Final = 20261122
Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Judged:
    """The homes of all markets, each known at the start of its market's window. base_rates: by market, the share sold
    in the window before; a market without such a window has none."""

    homes: Homes
    starts: dict[str, date]
    base_rates: dict[str, float]

    @property
    def sold(self) -> int:
        """Homes sold in the windows."""
        return int(self.homes.is_sold.sum())

    def within(self, markets: list[str]) -> tuple[Homes, Any]:
        """The homes of these markets, and which of all homes they are."""
        is_here = self.homes.market.is_in(markets)
        of = self.homes
        parts = (one.filter(is_here) for one in (of.market, of.tenure_days, of.is_sold))
        return Homes(of.as_of, of.rows.filter(is_here), *parts), is_here.to_numpy()


def judged_homes(records: Mapping[str, SalesRecord], starts: Mapping[str, date]) -> Judged:
    """The homes known on each market's start, and whether they sold within HORIZON_DAYS."""
    homes: list[Homes] = []
    rates: dict[str, float] = {}
    for market, start in starts.items():
        of_market = known_homes(records[market], start, horizon_days=HORIZON_DAYS)
        rate = score_baselines.by_base_rate(records[market], of_market, horizon_days=HORIZON_DAYS)
        rates |= {} if rate is None or not len(rate) else {market: float(rate[0])}
        homes.append(of_market)
    together = Homes(
        as_of=max(starts.values()),
        rows=pl.concat([one.rows for one in homes]),
        market=pl.concat([one.market for one in homes]),
        tenure_days=pl.concat([one.tenure_days for one in homes]),
        is_sold=pl.concat([one.is_sold for one in homes]),
    )
    return Judged(together, dict(starts), rates)


def chances(models: MarketModels, judged: Judged, rows: pl.DataFrame | None = None) -> Numbers:
    """The chance of each home by its market's model. rows: other rows of the same homes to ask with."""
    asked = judged.homes.rows if rows is None else rows
    return models.score(asked, judged.homes.market)["probability"].cast(pl.Float64).to_numpy()


def figures_of(judged: Judged, stand_in: MarketModels, rival: Rival | None) -> dict[str, Figures]:
    """Figures by name: candidate, seasoned (owners of a year and more), tenure, base_rate, `market NAME` where there
    are several, and current, the rival where it can be asked; `candidate there` where that knows not all markets."""
    ours = chances(stand_in, judged)
    rates = [judged.base_rates.get(market, stand_in.models[market].base_rate) for market in judged.homes.market]
    scores = {OURS: ours, "tenure": score_baselines.by_tenure(judged.homes), "base_rate": np.asarray(rates)}
    of = _figures(judged.homes, scores, [*judged.starts])
    told = {"candidate": of[EVERY, OURS], "tenure": of[EVERY, "tenure"], "base_rate": of[EVERY, "base_rate"]}
    told |= {"seasoned": of[SEASONED, OURS]} if (SEASONED, OURS) in of else {}
    told |= {name: figures for (name, model), figures in of.items() if name.startswith("market ") and model == OURS}
    return told | _against(judged, ours, rival)


def _against(judged: Judged, ours: Numbers, rival: Rival | None) -> dict[str, Figures]:
    """The rival's figures on the markets it knows and has not seen the window of."""
    if rival is None:
        return {}
    known = rival.stand_in.models
    common = [market for market, start in judged.starts.items() if market in known and known[market].as_of <= start]
    if not common:
        return {}
    homes, is_here = judged.within(common)
    theirs = rival.stand_in.score(homes.rows, homes.market)["probability"].cast(pl.Float64).to_numpy()
    told = {"current": _figures(homes, {OURS: theirs}, [])[EVERY, OURS]}
    if len(common) < len(judged.starts):
        told["candidate there"] = _figures(homes, {OURS: ours[is_here]}, [])[EVERY, OURS]
    return told


def _figures(homes: Homes, scores: dict[str, Numbers], markets: list[str]) -> dict[tuple[str, str], Figures]:
    scored = ScoredDate(homes=homes, scores=scores, seconds=0.0)
    metrics = judge_scores([scored], markets=markets, seed=SEED, rounds=ROUNDS).metrics
    of_date = metrics.filter(pl.col("as_of").is_not_null())
    kept = [name for name in of_date.columns if name not in ("as_of", "segment", "model", "dates")]
    return {
        (row["segment"], row["model"]): {name: rounded(row[name]) for name in kept}
        for row in of_date.iter_rows(named=True)
    }
