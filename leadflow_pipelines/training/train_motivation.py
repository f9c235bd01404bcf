"""Candidate motivation models of an org's markets, and whether they may serve: judged on the newest windows that the
sales close.

Here: the recipe and the bar. Not here: the models (`scoring`), the figures (`judge_motivation`), storing
(`train_models`).
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.backtest.snapshots import MARKET, SalesRecord, read_record
from leadflow_pipelines.sales_history import SALE_DATE, SALES_SCHEMA, sales_of_homes
from leadflow_pipelines.scoring import MarketModels, MotivationModel, fit_market_models
from leadflow_pipelines.scoring.market_models import learned_signals
from leadflow_pipelines.scoring.ranking_metrics import auc
from leadflow_pipelines.training.candidates import (
    LONGEST_LAG,
    Candidate,
    Judgement,
    Rival,
    Window,
    end_of_data,
    newest_window,
    number,
)
from leadflow_pipelines.training.judge_motivation import (
    HORIZON_DAYS,
    Figures,
    Judged,
    chances,
    figures_of,
    judged_homes,
)

Recipe = Callable[..., dict[str, MotivationModel]]
LEARNED: Final = ("fitted", "fitted_shorter_window", "fitted_longer_window", "borrowed")
LEAST_SOLD: Final = 30
"""Homes sold in the window below which an AUC is mostly chance: its 90 % interval is wider than .15."""
CHANCE: Final = 0.5
LEAST_SALES_TO_BORROW: Final = 30
"""Recorded sales below which a county's own prices say too little even for what others have learned."""
AUC_MARGIN: Final = 0.005
"""A new model may be so much worse than the current one, and a market's own terms than borrowed ones: refits on a
week's more sales differ as much."""


@dataclass(frozen=True)
class _Markets:
    """What may be learned from. records: sales by market; ends: where each market's data end; windows: the newest
    closed window of those that have one; passed_over: why the others teach nothing, in words; why: the same of the
    largest, if it is one of them."""

    records: dict[str, SalesRecord]
    ends: dict[str, dt.date]
    windows: dict[str, Window]
    passed_over: dict[str, str]
    why: str

    def before(self, days: Mapping[str, dt.date]) -> dict[str, pl.DataFrame]:
        """The sales before each market's day, of the markets named in `days`."""
        return {market: self.records[market].before(day) for market, day in days.items()}

    @property
    def starts(self) -> dict[str, dt.date]:
        """The day that each judged market is judged from."""
        return {market: window.start for market, window in self.windows.items()}

    @property
    def window(self) -> Window:
        """The newest of the windows."""
        return max(self.windows.values(), key=lambda window: window.end)


def train_motivation(
    sales: pl.DataFrame,
    *,
    day: dt.date,
    rival: Rival | None = None,
    accept_old_sales: bool = False,
    signals: pl.DataFrame | None = None,
    recipe: Recipe = fit_market_models,
) -> Candidate:
    """A model of each market as of the end of its data before `day`, and the verdict on them together.

    sales: the fixed shape and `market`; one market where that is absent. What is certainly no home is left out: a
    builder's lots would be the best leads. accept_old_sales: though they end more than
    LONGEST_LAG before `day`. signals: what leads of past days said (parcel_id, day, signals). The stand-ins are fitted
    as of the start of each market's newest closed window of HORIZON_DAYS. They must beat the base rate (the low end of
    the AUC's 90 % interval above that of the markets' base rates, a lower Brier score) and years owned, give the same
    to the bit when the later sales are in the file, and be no worse than `rival`'s stand-ins, which have not seen the
    windows either. A market whose own terms rank worse there than the others' borrows those.
    """
    homes = sales_of_homes(sales)
    markets = _read_markets(homes, day, None if accept_old_sales else LONGEST_LAG["motivation"])
    if not markets.windows:
        return Candidate(Judgement("no_history", f"No model: {markets.why}."))
    judged = judged_homes({market: markets.records[market] for market in markets.windows}, markets.starts)
    window = markets.window
    if judged.sold < LEAST_SOLD:
        why = f"{judged.sold} of {judged.homes.rows.height:,} homes known on {window.start} were sold again in {window}"
        return Candidate(Judgement("no_history", f"No model: {why}; {LEAST_SOLD} are needed to judge one.", window))
    past = markets.before(markets.starts)
    own = MarketModels(recipe(past, markets.starts, HORIZON_DAYS, signals=signals))
    borrowing = _better_borrowed(own, past, markets, judged, recipe, signals)
    stand_in = _with_borrowed(own, borrowing)
    made = recipe(markets.before(markets.ends), markets.ends, HORIZON_DAYS, signals=signals, borrowing=[*borrowing])
    model = MarketModels({market: one for market, one in made.items() if one.method in LEARNED})
    if not model.models or not any(one.method in LEARNED for one in stand_in.models.values()):
        why = "the closed windows hold too few sales to learn from"
        return Candidate(Judgement("no_history", f"No model: {why}.", window))
    figures = figures_of(judged, stand_in, rival)
    is_leaking = _sees_later_sales(markets, judged, own, recipe, signals)
    verdict = _judge(figures, window, is_leaking, rival)
    by_chance = _ranked_by_chance(model, figures)
    used = tuple(market for market in model.models if market not in by_chance)
    facts = _facts(model, markets, by_chance)
    facts["Left out"] = f"{sales.height - homes.height:,} sales of land, shops and the like: no homes, no chances"
    return Candidate(verdict, model, stand_in, facts, used)


def _read_markets(sales: pl.DataFrame, day: dt.date, longest_lag: int | None) -> _Markets:
    record = read_record(sales.filter(pl.col(SALE_DATE) < day))
    parts = {str(name): SalesRecord(part) for (name,), part in record.rows.group_by(MARKET, maintain_order=True)}
    ends = {name: end_of_data(part.rows[SALE_DATE]) for name, part in parts.items()}
    newest = {
        name: newest_window(part, day=day, days=HORIZON_DAYS, longest_lag=longest_lag) for name, part in parts.items()
    }
    passed_over = {}
    for name, part in parts.items():
        if longest_lag is not None and (day - ends[name]).days > longest_lag:
            passed_over[name] = f"its sales end on {ends[name] - dt.timedelta(days=1)}"
        elif len(parts) > 1 and part.rows.height < LEAST_SALES_TO_BORROW:
            passed_over[name] = f"it has {part.rows.height} sales, {LEAST_SALES_TO_BORROW} are needed to borrow"
    kept = sorted(parts.keys() - passed_over.keys())
    windows = {name: window for name in kept if isinstance(window := newest[name], Window)}
    unjudged = {name: f"{window} to be judged" for name in kept if isinstance(window := newest[name], str)}
    largest = max(parts, key=lambda name: (parts[name].rows.height, name), default=None)
    why = str(newest[largest]) if largest else "the lake holds no dated sale"
    return _Markets(
        {name: parts[name] for name in kept}, {name: ends[name] for name in kept}, windows, passed_over | unjudged, why
    )


def _better_borrowed(
    own: MarketModels, past: Mapping[str, pl.DataFrame], markets: _Markets, judged: Judged, recipe: Recipe,
    signals: pl.DataFrame | None,
) -> dict[str, MotivationModel]:  # fmt: skip
    """The borrowing stand-ins of the markets whose own terms ranked worse than the others' on their newest closed
    window. The largest market is most of the pool itself: what lies within AUC_MARGIN is no difference."""
    fitted = [market for market, one in own.models.items() if one.method not in ("borrowed", "base_rate", "prior")]
    if len(own.models) == 1 or not fitted:
        return {}
    borrowed = recipe(past, markets.starts, HORIZON_DAYS, signals=signals, borrowing=fitted)
    of_own, of_borrowed = chances(own, judged), chances(MarketModels(borrowed), judged)
    better = {}
    for market in fitted:
        is_here = (judged.homes.market == market).to_numpy()
        sold = judged.homes.is_sold.to_numpy()[is_here].astype(np.float64)
        if (auc(sold, of_own[is_here]) or 0.0) < (auc(sold, of_borrowed[is_here]) or 0.0) - AUC_MARGIN:
            better[market] = borrowed[market]
    return better


def _ranked_by_chance(model: MarketModels, figures: Mapping[str, Figures]) -> list[str]:
    """Markets among several whose homes were ranked no better than by chance: the scorecard does as well there."""
    told = {market: figures.get(f"market {market}", {}) for market in model.models}
    judged = {market: of for market, of in told.items() if number(of.get("sold")) >= LEAST_SOLD}
    return [market for market, of in judged.items() if number(of["auc"]) <= CHANCE]


def _with_borrowed(own: MarketModels, borrowing: Mapping[str, MotivationModel]) -> MarketModels:
    return MarketModels({market: borrowing.get(market, one) for market, one in own.models.items()})


def _judge(figures: dict[str, Figures], window: Window, is_leaking: bool, rival: Rival | None) -> Judgement:
    ours, tenure, base = figures["candidate"], figures["tenure"], figures["base_rate"]
    ranked, low, tenure_auc = number(ours["auc"]), number(ours["auc_low"]), number(tenure["auc"])
    faults = []
    if is_leaking:
        faults.append("its scores change when later sales are in the file: it looks ahead")
    if not low > number(base["auc"]):
        faults.append(f"it ranks no better than the base rate (AUC {ranked:.3f}, low end {low:.3f})")
    if number(ours["brier"]) > number(base["brier"]):
        faults.append(f"its probabilities are worse than the base rate's (Brier {ours['brier']:.4f})")
    if not ranked > tenure_auc:
        faults.append(f"it ranks no better than years owned (AUC {ranked:.3f} against {tenure_auc:.3f})")
    there = number(figures.get("candidate there", ours)["auc"])
    if "current" in figures and there < number(figures["current"]["auc"]) - AUC_MARGIN:
        theirs = f"{figures['current']['auc']:.3f}"
        faults.append(f"it ranks worse than the current model (AUC {there:.3f} against {theirs})")
    if rival is not None and "current" not in figures:
        faults.append(f"the current model {rival.version} has seen part of the window, so they cannot be compared")
    if faults:
        return Judgement("kept_back", f"On {window}: {'; '.join(faults)}.", window, figures)
    current = f", current model {figures['current']['auc']:.3f}" if "current" in figures else ""
    because = (
        f"On {window}: AUC {ranked:.3f} ({low:.3f} or more), years owned {tenure_auc:.3f}{current}, "
        f"base rate {base['auc']:.3f}."
    )
    return Judgement("promoted", because, window, figures)


def _sees_later_sales(
    markets: _Markets, judged: Judged, own: MarketModels, recipe: Recipe, signals: pl.DataFrame | None
) -> bool:
    """Whether the recipe's scores of the windows' starts change once the windows' sales are in the file."""
    whole = {market: markets.records[market].rows.select(*SALES_SCHEMA) for market in markets.windows}
    again = MarketModels(recipe(whole, markets.starts, HORIZON_DAYS, signals=signals))
    latest = pl.concat(whole.values()).unique("parcel_id", keep="last", maintain_order=True)
    known = judged.homes.rows.select("parcel_id")
    later = known.join(latest, on="parcel_id", how="left", maintain_order="left").select(*SALES_SCHEMA)
    return not np.array_equal(chances(again, judged, later), chances(own, judged))


def _facts(model: MarketModels, markets: _Markets, by_chance: list[str]) -> dict[str, str]:
    windows = [one.window for one in model.models.values()]
    rows, sold = sum(of["rows"] for of in windows), sum(of["sold"] for of in windows)
    told = {
        "Learned from": f"{rows:,} homes on up to {max(of['snapshots'] for of in windows)} past days, {sold:,} of them "
        "sold within the windows that followed",
    }
    signals = {name for of in model.models.values() for name in learned_signals(of)}
    told["Signals learned"] = ", ".join(sorted(signals)) or "none: leads of a year and more ago are needed"
    if markets.passed_over:
        told["Not learned from"] = "; ".join(f"{market}: {why}" for market, why in sorted(markets.passed_over.items()))
    if by_chance:
        told["Not used in"] = f"{', '.join(by_chance)}: ranked no better than by chance"
    return told
