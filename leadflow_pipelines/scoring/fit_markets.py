"""Motivation models of several markets at once: what they have in common is learned from all, what is a market's own
counts beside it as far as its own sales carry.

Features are made market by market, since they are ratios to a home's own surroundings; only then are rows pooled. Here:
pooling and shrinkage. Not here: one market's fit (`fit_motivation`), whether a fit may serve.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Numbers, Term
from leadflow_pipelines.scoring.fit_motivation import (
    FEWEST_SOLD,
    Ground,
    Learned,
    fit_motivation_model,
    model_of,
    names_to_learn,
    own_method,
    rate_alone,
    rate_of,
    read_ground,
    settled,
)
from leadflow_pipelines.scoring.grow_terms import Grown, grow
from leadflow_pipelines.scoring.motivation_model import MotivationModel
from leadflow_pipelines.scoring.prior_odds import logit, prior_rate
from leadflow_pipelines.scoring.snapshots import MOST_ROWS

# A market's rate among its snapshots is pulled to the pool's by so many rows, so that one without a sale has a rate.
PULL_OF_POOL: Final = 100
SOLD_OF_POOL: Final = 100
"""The pool's terms count for as much as so many homes sold in the market's newest closed window."""
FEWEST_ROWS: Final = 20_000


@dataclass(frozen=True)
class _Pool:
    """Terms of all markets, and by market the rows' log-odds by folds that had not seen the parcel."""

    grown: Grown
    offsets: dict[str, float]
    held_out: dict[str, Numbers]


def fit_market_models(
    sales: Mapping[str, pl.DataFrame],
    as_of: Mapping[str, date],
    horizon_days: int = 365,
    *,
    signals: pl.DataFrame | None = None,
    borrowing: Collection[str] = (),
) -> dict[str, MotivationModel]:
    """A model of each market, from the sales of all before each market's own `as_of`; sorted by market.

    A market with FEWEST_SOLD homes sold in its newest closed window has terms of its own mixed with the pool's, and its
    own base rate (method fitted). One with fewer, or named in `borrowing`, has the pool's terms, with slope and level
    as far as its few sales carry (borrowed). A market alone is fitted as `fit_motivation_model` fits it. signals: as
    there.
    """
    if len(sales) == 1:
        ((market, own),) = sales.items()
        return {market: fit_motivation_model(own, as_of[market], horizon_days, signals=signals)}
    homes = {market: frame["parcel_id"].n_unique() for market, frame in sales.items()}
    grounds = {
        market: read_ground(sales[market], as_of[market], horizon_days, signals, _rows_of(market, homes))
        for market in sorted(sales)
    }
    prior = _common_rate(list(grounds.values()), horizon_days)
    pool = _grow_pool(grounds)
    models = {}
    for market, ground in grounds.items():
        rate = rate_of(ground, horizon_days, prior=prior)
        learned = None if pool is None else _learn(market, ground, pool, rate, horizon_days, market in borrowing)
        models[market] = model_of(ground, learned or rate_alone(ground, rate), rate, horizon_days)
    return models


def _rows_of(market: str, homes: Mapping[str, int]) -> int:
    """A market's part of the rows that one fit may have, by its homes."""
    return max(FEWEST_ROWS, int(MOST_ROWS * homes[market] / max(1, sum(homes.values()))))


def _common_rate(grounds: list[Ground], horizon_days: int) -> float:
    """Share of all homes sold within the horizon, as the newest windows tell it; the prior where they tell nothing."""
    weights = [ground.newest.height for ground in grounds]
    rates = [rate_of(ground, horizon_days, prior=prior_rate(horizon_days)) for ground in grounds]
    return float(np.average(rates, weights=weights)) if sum(weights) else prior_rate(horizon_days)


def _grow_pool(grounds: Mapping[str, Ground]) -> _Pool | None:
    if sum(ground.snapshots.sales_in_newest for ground in grounds.values()) < FEWEST_SOLD:
        return None
    frames = {market: ground.snapshots.rows for market, ground in grounds.items()}
    rows = pl.concat(frames.values(), how="diagonal_relaxed")
    mean = float(rows["sold"].mean() or 0.0)  # type: ignore[arg-type]
    offsets = {
        market: logit((float(frame["sold"].sum() or 0) + PULL_OF_POOL * mean) / (frame.height + PULL_OF_POOL))
        for market, frame in frames.items()
    }
    offset = np.concatenate([np.full(frames[market].height, value) for market, value in offsets.items()])
    grown = grow(rows, names_to_learn(rows), offset)
    if grown is None:
        return None
    ends = np.cumsum([frame.height for frame in frames.values()])[:-1]
    return _Pool(grown, offsets, dict(zip(frames, np.split(grown.held_out, ends), strict=True)))


def _learn(market: str, ground: Ground, pool: _Pool, rate: float, horizon_days: int, must_borrow: bool) -> Learned:
    """The pool's terms, and the market's own mixed with them in proportion to its sold homes."""
    rows, common = ground.snapshots.rows, pool.grown.model
    raw = AdditiveModel(pool.offsets[market], common.binnings, common.terms)
    odds, method = pool.held_out[market], "borrowed"
    if ground.snapshots.sales_in_newest >= FEWEST_SOLD and not must_borrow:
        offset = np.full(rows.height, pool.offsets[market])
        own = grow(rows, names_to_learn(rows), offset, common.binnings)
        if own is not None:
            share = _own_share(ground)
            odds = share * own.held_out + (1 - share) * odds
            raw = AdditiveModel(raw.intercept, common.binnings, _mixed(common.terms, own.model.terms, share))
            method = own_method(ground, horizon_days)
    is_newest = (rows["snapshot"] == ground.snapshots.newest).to_numpy()
    return settled(ground, raw, odds[is_newest], rate, method)


def _own_share(ground: Ground) -> float:
    sold = ground.snapshots.sales_in_newest
    return sold / (sold + SOLD_OF_POOL)


def _mixed(common: tuple[Term, ...], own: tuple[Term, ...], share: float) -> tuple[Term, ...]:
    """share of the one and the rest of the other, term by term; the pool's order first."""
    parts = {term.features: (1 - share) * term.log_odds for term in common}
    for term in own:
        parts[term.features] = parts.get(term.features, 0.0) + share * term.log_odds
    return tuple(Term(features, log_odds) for features, log_odds in parts.items())
