"""Comparable sales: what they say a home is worth, and the few that are shown beside the value.

An adjusted price is the comp's price moved to today by the index and to the home by the additive value. Weighing
and listing of candidates; finding them is the search's business.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl

from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE
from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic
from leadflow_pipelines.valuation.homes import Floats, Ints
from leadflow_pipelines.valuation.neighbours import Candidates

# Three looks at the same candidates: alike and recent, very alike of any age, broadly alike and very recent.
LOOKS: Final = {"alike": (0.25, 1.0), "twin": (0.75, 2.0), "fresh": (0.10, 0.35)}
LISTED: Final = 6
CONSIDERED: Final = 24
YEAR_DAYS: Final = 365.0

COMP_FIELDS: Final = {
    "parcel_id": pl.String(),
    "address": pl.String(),
    "sale_date": pl.Date(),
    "sale_price_cents": pl.Int64(),
    "distance_m": pl.Float64(),
    "age_days": pl.Int32(),
    "living_sqft": pl.Float64(),
    "adjustment": pl.Float64(),
    "adjusted_price_cents": pl.Int64(),
}
COMPS_TYPE: Final = pl.List(pl.Struct(COMP_FIELDS))


@dataclass(frozen=True)
class Shortlist:
    """The candidates most alike to each home, most alike first: `sale` -1 and `weight` 0 where none."""

    sale: Ints
    weight: Floats
    km: Floats

    @classmethod
    def of(cls, found: Candidates, weight: Floats) -> Self:
        best = np.argsort(-weight, axis=1, kind="stable")[:, :CONSIDERED]
        return cls(
            np.take_along_axis(found.sale, best, 1),
            np.take_along_axis(weight, best, 1),
            np.take_along_axis(found.km, best, 1),
        )


def likeness(evidence: Evidence, fitted: FittedHedonic, found: Candidates, day: Floats, look: str) -> Floats:
    """Weight of each candidate, 0 where there is none; outliers of the additive value count less."""
    steepness, half_life_years = LOOKS[look]
    years = np.abs(evidence.day[found.sale] - day[:, None]) / YEAR_DAYS
    return np.asarray(np.exp(-steepness * found.unlike) * 0.5 ** (years / half_life_years) * fitted.trust[found.sale])


def comp_levels(
    evidence: Evidence, fitted: FittedHedonic, found: Candidates, day: Floats, wider: Floats
) -> tuple[dict[str, Floats], Shortlist]:
    """Per look: what the comps' residuals average to (leaning on `wider` where there are none), weight, spread."""
    levels = {}
    residual = fitted.residual[found.sale]
    weights = {look: likeness(evidence, fitted, found, day, look) for look in LOOKS}
    for look, weight in weights.items():
        total = weight.sum(axis=1)
        level = ((weight * residual).sum(axis=1) + 1e-3 * wider) / (total + 1e-3)
        spread = (weight * (residual - level[:, None]) ** 2).sum(axis=1) / (total + 1e-9)
        levels.update({f"comps_{look}": level, f"weight_{look}": total, f"spread_{look}": np.sqrt(spread)})
    return levels, Shortlist.of(found, weights["alike"])


def list_comps(
    evidence: Evidence, fitted: FittedHedonic, short: Shortlist, value: Floats, log_value: Floats
) -> tuple[pl.Series, Ints]:
    """Comps as shown, most alike first, one sale a parcel; and their number by home, 0 where they do not bracket.

    `value`: additive value of the homes; `log_value`: the estimate. Where the most alike all lie on one side of the
    estimate, the last place goes to the most alike candidate of the other side, so that the list explains the value.
    """
    parcel = evidence.codes["parcel"][short.sale]
    is_repeated = (parcel[:, :, None] == parcel[:, None, :]) & np.tri(parcel.shape[1], k=-1, dtype=bool)[None]
    usable = (short.sale >= 0) & (short.weight > 0) & ~is_repeated.any(axis=2)
    adjusted = fitted.residual[short.sale] + value[:, None]
    chosen = usable & (np.cumsum(usable, axis=1) <= LISTED)
    for is_beyond in (adjusted <= log_value[:, None], adjusted >= log_value[:, None]):
        one_sided = ~(chosen & is_beyond).any(axis=1)
        other = usable & is_beyond & (np.cumsum(usable & is_beyond, axis=1) == 1)
        last = chosen & (np.cumsum(chosen, axis=1) == chosen.sum(axis=1, keepdims=True))
        swapped = (one_sided & other.any(axis=1))[:, None]
        chosen = np.where(swapped, (chosen & ~last) | other, chosen)
    brackets = (chosen & (adjusted <= log_value[:, None])).any(axis=1)
    brackets &= (chosen & (adjusted >= log_value[:, None])).any(axis=1)
    row, place = np.nonzero(chosen)
    shown = _shown(evidence, row, short.sale[row, place], short.km[row, place], adjusted[row, place])
    every = pl.DataFrame({"row": np.arange(len(value))})
    listed = every.join(shown, on="row", how="left", maintain_order="left")["comps"]
    return listed.fill_null(pl.Series([[]], dtype=COMPS_TYPE)), np.where(brackets, chosen.sum(axis=1), 0)


def no_comps(rows: int) -> pl.Series:
    return pl.Series("comps", [[]] * rows, dtype=COMPS_TYPE)


def _shown(evidence: Evidence, row: Ints, sale: Ints, km: Floats, adjusted: Floats) -> pl.DataFrame:
    columns = [pl.col(name) for name in COMP_FIELDS if name not in ("distance_m", "age_days")]
    priced = (
        evidence.frame[sale.astype(np.uint32)]
        .select("parcel_id", "address", SALE_DATE, PRICE_CENTS, "living_sqft")
        .with_columns(
            pl.Series("row", row),
            pl.Series("distance_m", np.round(km * 1000.0)).fill_nan(None),
            pl.Series("age_days", (evidence.today - evidence.day[sale]).astype(np.int32)),
            pl.Series("adjusted_price_cents", np.round(np.exp(adjusted)).astype(np.int64) * 100),
        )
        .with_columns((pl.col("adjusted_price_cents") / pl.col(PRICE_CENTS)).alias("adjustment"))
        .with_columns(*columns)
    )
    return priced.group_by("row", maintain_order=True).agg(pl.struct(list(COMP_FIELDS)).alias("comps"))
