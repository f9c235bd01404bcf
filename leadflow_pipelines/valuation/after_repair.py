"""What a home might fetch after repairs, and what the repairs of a tier cost: an estimate with its own interval.

The home's condition is unknown, so this is never a fact. The premium comes from the market's own renovated resales;
where there are too few, from the upper part of the value's interval, and `method` says which.
"""

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import read_subjects
from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic
from leadflow_pipelines.valuation.homes import Floats, Ints

Tier = Literal["light", "medium", "full_gut"]
# A home sold again after a month to eighteen, a quarter above its own price in today's money, was worked on.
LEAST_DAYS, MOST_DAYS = 30, 540
LEAST_GAIN: Final = 0.22
ENOUGH_RESALES: Final = 40
QUANTILES: Final = (0.10, 0.25, 0.50, 0.75, 0.90)
# What a tier takes of the renovated resales' premium over a typical home; a gut job ends at the well-renovated.
TIER_QUANTILE: Final[dict[Tier, float]] = {"light": 0.25, "medium": 0.50, "full_gut": 0.75}
# Without resales: how far up from the value to the interval's upper end (log scale).
TIER_REACH: Final[dict[Tier, float]] = {"light": 0.25, "medium": 0.50, "full_gut": 0.75}


@dataclass(frozen=True)
class RenovatedResales:
    """Log premium of renovated resales over the typical home of the same attributes and comps, at QUANTILES."""

    sales: int
    premium: tuple[float, ...]

    @property
    def is_enough(self) -> bool:
        return self.sales >= ENOUGH_RESALES


NO_RESALES: Final = RenovatedResales(0, (0.0,) * len(QUANTILES))


@dataclass(frozen=True)
class RepairCosts:
    """Cents per square foot of living space by tier, and the size taken where none is recorded. Each can be overridden.

    Defaults are mid-points of the ranges that investors' guides of 2024–2026 give for US metros; local bids win.
    """

    light_cents_per_sqft: int = field(default=20_00, metadata={"why": "paint, floors, fixtures: 15–30 dollars"})
    medium_cents_per_sqft: int = field(default=45_00, metadata={"why": "kitchen, baths, some systems: 30–60 dollars"})
    full_gut_cents_per_sqft: int = field(default=95_00, metadata={"why": "to the studs, all systems: 75–150 dollars"})
    assumed_sqft: int = field(default=1_500, metadata={"why": "near the median of US single-family resales"})

    def cents_per_sqft(self, tier: Tier) -> int:
        return {
            "light": self.light_cents_per_sqft,
            "medium": self.medium_cents_per_sqft,
            "full_gut": self.full_gut_cents_per_sqft,
        }[tier]


def find_renovated_resales(evidence: Evidence, fitted: FittedHedonic, earlier: Ints, start: Floats) -> RenovatedResales:
    """`earlier`: row of the same parcel's sale before, -1 where none; `start`: log value of attributes and comps."""
    today_price = evidence.log_price - fitted.time_shift
    has_earlier = earlier >= 0
    days = evidence.day - evidence.day[earlier]
    is_renovated = (
        has_earlier & (days >= LEAST_DAYS) & (days <= MOST_DAYS) & (today_price - today_price[earlier] >= LEAST_GAIN)
    )
    if not is_renovated.any():
        return NO_RESALES
    typical = float(np.median(today_price - start))
    premium = np.quantile((today_price - start)[is_renovated] - typical, QUANTILES)
    return RenovatedResales(int(is_renovated.sum()), tuple(float(value) for value in premium))


def after_repair_values(
    values: pl.DataFrame,
    subjects: pl.DataFrame | pl.LazyFrame,
    renovated: RenovatedResales,
    tier: Tier = "medium",
    costs: RepairCosts | None = None,
) -> pl.DataFrame:
    """After-repair value of each row of `values` (estimated for `subjects`, row for row), 80 % interval, in cents.

    Out: parcel_id, repair_tier, arv_cents, arv_low_cents, arv_high_cents, repair_cost_cents, is_sqft_assumed,
    arv_method.
    Null where no value was given. Raises InvalidInput for an unknown tier or frames of different length.
    """
    if tier not in get_args(Tier):
        raise InvalidInput(f"No repair tier is called {tier!r}.", remedy=f"Use one of {', '.join(get_args(Tier))}.")
    frame = read_subjects(subjects)
    if len(frame) != len(values):
        raise InvalidInput(f"{len(values)} values do not belong to {len(frame)} subjects.")
    costs = costs or RepairCosts()
    low, middle, high = _reach(values, renovated, tier)
    sqft = pl.col("living_sqft").round().cast(pl.Int64)
    cost = frame.select(
        (sqft.fill_null(costs.assumed_sqft) * costs.cents_per_sqft(tier)).alias("repair_cost_cents"),
        sqft.is_null().alias("is_sqft_assumed"),
    )
    how = f"renovated resales ({renovated.sales})" if renovated.is_enough else "upper part of the interval"
    return pl.DataFrame({"parcel_id": values["parcel_id"]}).with_columns(
        pl.lit(tier).alias("repair_tier"),
        _cents(middle).alias("arv_cents"),
        _cents(low).alias("arv_low_cents"),
        _cents(high).alias("arv_high_cents"),
        cost["repair_cost_cents"],
        cost["is_sqft_assumed"],
        pl.when(values["value_cents"].is_not_null()).then(pl.lit(how)).otherwise(values["method"]).alias("arv_method"),
    )


def _reach(values: pl.DataFrame, renovated: RenovatedResales, tier: Tier) -> tuple[Floats, Floats, Floats]:
    """Log low, middle and high. A repaired home is worth no less than the home as it is estimated."""
    low, value, high = (
        np.log(values[name].cast(pl.Float64).fill_null(float("nan")).to_numpy())
        for name in ("low_cents", "value_cents", "high_cents")
    )
    if not renovated.is_enough:
        middle = value + TIER_REACH[tier] * (high - value)
        return value, middle, middle + (high - value)
    premium = np.interp(TIER_QUANTILE[tier], QUANTILES, renovated.premium)
    middle = value + max(float(premium), 0.0)
    # The spread of renovated resales, wider still where this home's own value is uncertain.
    usual = float(np.nanmedian(high - low)) if np.isfinite(high - low).any() else 1.0
    own = (high - low) / max(usual, 1e-9)
    below = np.maximum(premium - renovated.premium[0], 0.05) * own
    above = np.maximum(renovated.premium[-1] - premium, 0.05) * own
    return middle - below, middle, middle + above


def _cents(log_cents: Floats) -> pl.Series:
    """Whole dollars, in cents."""
    return pl.Series(np.round(np.exp(log_cents) / 100.0) * 100.0).fill_nan(None).cast(pl.Int64)
