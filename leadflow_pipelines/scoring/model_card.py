"""What a model may be trusted with: data, base rate, ranking, calibration, limits, and its features with shapes.

Figures are of the newest closed window by folds that had not seen the parcel, or, where the caller gives a walk
forward, of a time that the fit had not seen: that is the harder and the truer test. Figures in, text out.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Numbers, Term
from leadflow_pipelines.scoring.allowed_features import ALLOWED
from leadflow_pipelines.scoring.motivation_model import METHODS, MotivationModel
from leadflow_pipelines.scoring.ranking_metrics import (
    auc,
    bootstrap_interval,
    calibration_error,
    calibration_table,
    lift,
)

SHARES: Final = (0.05, 0.10, 0.20)
SEASONED_DAYS: Final = 365
# Fewer sold homes give intervals that say nothing.
FEWEST_SOLD: Final = 10

WALKED_FORWARD: Final = "a later window that the fit had not seen (walked forward)"
# What a period has in common (a builder's deeds, a boom in flips) is learned from its other parcels: Nashville's
# window of 2014-10-31 reads AUC .69 so, and the year after it .61.
SAME_PERIOD: Final = "the newest closed window, parcels held out but the period seen"
WARNING: Final = (
    "**Optimistic, and no measure of how well the model ranks what is to come:** the fit has seen this period on other "
    "parcels; the years to come rank worse. A walk forward (`leadflow backtest`) tells how much."
)
LIMITS: Final = (
    "It ranks homes that are on record as sold before; a home without a sale on record gets the rate of long-held "
    "homes, and its row says so.",
    "Most of its lift is flips in progress. For owners of a year or more the ranking is far weaker: see the seasoned "
    "owners above before a list of them is bought.",
    "The rate is that of the newest closed window; where a market heats or cools, every probability is off by as much.",
    "A sale is a recorded deed with a price. Gifts, estates and corrections are not predicted.",
    "The price of a deed over several parcels counts by the parcel. Flats that share a parcel number are told apart by "
    "the unit in their address, where there is one.",
    "Deeds that the file does not hold are not known. Where building columns are one late snapshot they are left out.",
    "It says how likely a sale is, not whether outreach causes one; that takes a held-out group.",
)


@dataclass(frozen=True)
class Ranking:
    """Figures of one group of homes; None where too few were sold to tell. Intervals hold 90 % of bootstrap draws."""

    homes: int
    sold: int
    auc: float | None
    auc_interval: tuple[float, float] | None
    lifts: dict[float, float | None]
    lift_intervals: dict[float, tuple[float, float] | None]


@dataclass(frozen=True)
class ModelCard:
    """The card of one model; `shapes`: per term its features, spread and most telling bins."""

    model_version: str
    as_of: str
    horizon_days: int
    method: str
    window: dict[str, Any]
    base_rate: float
    everyone: Ranking
    seasoned: Ranking
    calibration_error: float | None
    calibration: list[dict[str, float]]
    shapes: list[dict[str, Any]]
    measured_on: str

    def to_markdown(self) -> str:
        """The card as a document."""
        blocks = [
            f"# Motivation model {self.model_version}",
            f"Chance of a recorded sale within {self.horizon_days} days from {self.as_of}. "
            f"Method: **{self.method}** – {METHODS[self.method]}.",
            "## Data\n" + _table([{"what": key.replace("_", " "), "value": str(v)} for key, v in self.window.items()]),
            f"Base rate used: {self.base_rate:.2%} within the horizon.",
            f"## Ranking: {self.measured_on}\n" + self._warning() + _table(self._ranking_rows()),
            f"## Calibration: {self.measured_on}\n" + self._warning() + self._calibration_text(),
            "## Known limits\n" + "\n".join(f"- {limit}" for limit in LIMITS),
            "## Features\n" + (_table(self.shapes) if self.shapes else "None: nothing was learned here."),
            "Why each may be used:\n" + "\n".join(self._fairness()),
        ]
        return "\n\n".join(blocks) + "\n"

    def _ranking_rows(self) -> list[dict[str, str]]:
        groups = {"all homes": self.everyone, "seasoned owners (a year or more)": self.seasoned}
        return [
            {
                "group": name,
                "homes": f"{group.homes:,}",
                "sold": f"{group.sold:,}",
                "AUC": _figure(group.auc, group.auc_interval, 3),
                **{
                    f"lift {share:.0%}": _figure(group.lifts.get(share), group.lift_intervals.get(share), 2)
                    for share in SHARES
                },
            }
            for name, group in groups.items()
        ]

    def _warning(self) -> str:
        return "" if self.measured_on == WALKED_FORWARD or self.calibration_error is None else WARNING + "\n\n"

    def _calibration_text(self) -> str:
        if self.calibration_error is None:
            return "Not measured: no closed window with sales."
        rows = [
            {"homes": f"{r['homes']:.0f}", "predicted": f"{r['predicted']:.2%}", "observed": f"{r['observed']:.2%}"}
            for r in self.calibration
        ]
        return f"Expected calibration error {self.calibration_error:.4f}.\n\n" + _table(rows)

    def _fairness(self) -> list[str]:
        used = dict.fromkeys(name for row in self.shapes for name in str(row["features"]).split(" × "))
        return [f"- `{name}` ({ALLOWED[name].text}): {ALLOWED[name].fairness}." for name in used]


def model_card(model: MotivationModel, *, walked_forward: pl.DataFrame | None = None) -> ModelCard:
    """The card of `model`, from its own held-out parcels, or from `walked_forward` (chance, sold, tenure_days).

    walked_forward: a closed window scored by a model that was fitted before it, as a backtest makes it.
    """
    held_out = model.held_out if walked_forward is None else walked_forward
    sold, chances = _arrays(held_out)
    return ModelCard(
        model_version=model.model_version,
        as_of=model.as_of.isoformat(),
        horizon_days=model.horizon_days,
        method=model.method,
        window=model.window,
        base_rate=model.base_rate,
        everyone=_ranking(sold, chances),
        seasoned=_ranking(*_arrays(held_out.filter(pl.col("tenure_days") >= SEASONED_DAYS))),
        calibration_error=calibration_error(sold, chances) if sold.any() else None,
        calibration=calibration_table(sold, chances) if sold.any() else [],
        shapes=[_shape(term, model.terms, model.facts) for term in model.terms.terms],
        measured_on=SAME_PERIOD if walked_forward is None else WALKED_FORWARD,
    )


def _arrays(held_out: pl.DataFrame) -> tuple[Numbers, Numbers]:
    return held_out["sold"].cast(pl.Float64).to_numpy(), held_out["chance"].to_numpy()


def _ranking(sold: Numbers, chances: Numbers) -> Ranking:
    if sold.sum() < FEWEST_SOLD:
        return Ranking(len(sold), int(sold.sum()), None, None, {}, {})
    return Ranking(
        homes=len(sold),
        sold=int(sold.sum()),
        auc=auc(sold, chances),
        auc_interval=bootstrap_interval(auc, sold, chances),
        lifts={share: lift(sold, chances, share) for share in SHARES},
        lift_intervals={
            share: bootstrap_interval(lambda y, p, s=share: lift(y, p, s), sold, chances) for share in SHARES
        },
    )


def _shape(term: Term, terms: AdditiveModel, facts: pl.DataFrame) -> dict[str, Any]:
    """Spread of the term over today's homes, and the bins at its ends."""
    of_homes = AdditiveModel(0.0, terms.binnings, (term,)).contributions(facts)[:, 0] if facts.height else np.zeros(1)
    return {
        "features": " × ".join(term.features),
        "spread (log-odds)": f"{float(of_homes.std()):.3f}",
        "most for a sale": _bin_text(term, terms, int(np.argmax(term.log_odds))),
        "most against": _bin_text(term, terms, int(np.argmin(term.log_odds))),
    }


def _bin_text(term: Term, terms: AdditiveModel, flat: int) -> str:
    codes = np.unravel_index(flat, term.log_odds.shape)
    places = [terms.binnings[name].label(int(code)) for name, code in zip(term.features, codes, strict=True)]
    return f"{' × '.join(places)}: {term.log_odds.flat[flat]:+.2f}"


def _figure(value: float | None, interval: tuple[float, float] | None, digits: int) -> str:
    if value is None:
        return "too few sales"
    if interval is None:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} ({interval[0]:.{digits}f}–{interval[1]:.{digits}f})"


def _table(rows: list[dict[str, Any]]) -> str:
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    lines += ["| " + " | ".join(str(row[head]).replace("|", "/") for head in heads) + " |" for row in rows]
    return "\n".join(lines)
