"""Comparable sales: what they say a home is worth, and the few that are shown beside the value.

An adjusted price is the comp's price moved to today by the index and to the home by the additive value. Weighing
and listing of candidates; finding them is the search's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
import polars as pl

from leadflow_pipelines.contracts.leads import VALUE_COMPS
from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE
from leadflow_pipelines.valuation.evidence import Evidence
from leadflow_pipelines.valuation.hedonic import FittedHedonic
from leadflow_pipelines.valuation.homes import Floats, Ints
from leadflow_pipelines.valuation.neighbours import Candidates

# Three looks at the same candidates: alike and recent, very alike of any age, broadly alike and very recent.
LOOKS: Final = {"alike": (0.25, 1.0), "twin": (0.75, 2.0), "fresh": (0.10, 0.35)}
SHOWN_LOOK: Final = "alike"
LISTED: Final = 6
CONSIDERED: Final = 24
YEAR_DAYS: Final = 365.0

# What a comp shares with the home, narrowest first, and how many steps away that counts; coordinates, where both have
# them, count the steps by kilometres instead. An appraiser shows what is near: each step counts like a factor of four
# in likeness, so that the next best of the same street comes before the best across the city.
NEARNESS: Final = {
    "building": ("same building", 0),
    "street_block": ("same block", 0),
    "street": ("same street", 1),
    "narrow_block": ("parcels nearby", 2),
    "neighborhood": ("same neighborhood", 3),
    "zip5": ("same ZIP", 3),
    "city": ("same city", 4),
}
ELSEWHERE: Final = ("same market", 6)
STEPS_KM: Final = (0.4, 0.8, 1.6, 3.2, 8.0)
OF_A_STEP: Final = 0.25

COMP_FIELDS: Final = {"parcel_id": pl.String(), "address": pl.String(), **VALUE_COMPS}
COMPS_TYPE: Final = pl.List(pl.Struct(COMP_FIELDS))


@dataclass(frozen=True)
class Shortlist:
    """The candidates near and alike to each home, best first: `sale` -1 and `weight` 0 where none.

    `shared`: place in NEARNESS of the narrowest place they share, its length where none.
    """

    sale: Ints
    weight: Floats
    km: Floats
    shared: Ints

    @classmethod
    def of(cls, found: Candidates, weight: Floats, shared: Ints) -> Self:
        named = np.array([steps for _, steps in (*NEARNESS.values(), ELSEWHERE)])
        steps = np.where(np.isnan(found.km), named[shared], np.searchsorted(STEPS_KM, found.km))
        weight = weight * OF_A_STEP**steps
        best = np.argsort(-weight, axis=1, kind="stable")[:, :CONSIDERED]
        return cls(
            np.take_along_axis(found.sale, best, 1),
            np.take_along_axis(weight, best, 1),
            np.take_along_axis(found.km, best, 1),
            np.take_along_axis(shared, best, 1),
        )

    @classmethod
    def joined(cls, parts: Sequence["Shortlist"]) -> Self:
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))


def shared_places(evidence: Evidence, codes: dict[str, Ints], found: Candidates, rows: slice) -> Ints:
    """Which place of NEARNESS each candidate shares with the home `rows` of `codes`, the narrowest; see Shortlist."""
    shared = np.full(found.sale.shape, len(NEARNESS))
    for place, name in reversed(list(enumerate(NEARNESS))):
        own = codes[name][rows, None]
        shared = np.where((evidence.codes[name][found.sale] == own) & (own >= 0), place, shared)
    return shared


def likeness(evidence: Evidence, fitted: FittedHedonic, found: Candidates, day: Floats, look: str) -> Floats:
    """Weight of each candidate, 0 where there is none; outliers of the additive value count less."""
    steepness, half_life_years = LOOKS[look]
    years = np.abs(evidence.day[found.sale] - day[:, None]) / YEAR_DAYS
    return np.asarray(np.exp(-steepness * found.unlike) * 0.5 ** (years / half_life_years) * fitted.trust[found.sale])


def comp_levels(
    evidence: Evidence, fitted: FittedHedonic, found: Candidates, day: Floats, wider: Floats
) -> tuple[dict[str, Floats], Floats]:
    """Per look: what the comps' residuals average to (leaning on `wider` where there are none), weight, spread.

    And the candidates' weights in the look that is shown.
    """
    levels = {}
    residual = fitted.residual[found.sale]
    weights = {look: likeness(evidence, fitted, found, day, look) for look in LOOKS}
    for look, weight in weights.items():
        total = weight.sum(axis=1)
        level = ((weight * residual).sum(axis=1) + 1e-3 * wider) / (total + 1e-3)
        spread = (weight * (residual - level[:, None]) ** 2).sum(axis=1) / (total + 1e-9)
        levels.update({f"comps_{look}": level, f"weight_{look}": total, f"spread_{look}": np.sqrt(spread)})
    return levels, weights[SHOWN_LOOK]


def list_comps(
    evidence: Evidence, fitted: FittedHedonic, short: Shortlist, value: Floats, log_value: Floats
) -> tuple[pl.Series, Ints]:
    """Comps as shown, the near and alike first, one sale a parcel; their number by home, 0 where they do not bracket.

    `value`: additive value of the homes; `log_value`: the estimate. Where the best all lie on one side of the
    estimate, the last place goes to the best candidate of the other side, so that the list explains the value.
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
    shown = _shown(evidence, short, (row, place), adjusted)
    every = pl.DataFrame({"row": np.arange(len(value))})
    listed = every.join(shown, on="row", how="left", maintain_order="left")["comps"]
    return listed.fill_null(pl.Series([[]], dtype=COMPS_TYPE)), np.where(brackets, chosen.sum(axis=1), 0)


def no_comps(rows: int) -> pl.Series:
    return pl.Series("comps", [[]] * rows, dtype=COMPS_TYPE)


def _shown(evidence: Evidence, short: Shortlist, chosen: tuple[Ints, Ints], adjusted: Floats) -> pl.DataFrame:
    """`chosen`: row of the home and column of the shortlist, one entry a comp."""
    sale, km, shared = short.sale[chosen], short.km[chosen], short.shared[chosen]
    names = pl.Series([name for name, _ in (*NEARNESS.values(), ELSEWHERE)])
    priced = (
        evidence.frame[sale.astype(np.uint32)]
        .select("parcel_id", "address", SALE_DATE, PRICE_CENTS, "living_sqft")
        .with_columns(
            pl.Series("row", chosen[0]),
            pl.Series("distance_m", np.round(km * 1000.0)).fill_nan(None),
            pl.Series("age_days", (evidence.today - evidence.day[sale]).astype(np.int32)),
            pl.Series("adjusted_price_cents", np.round(np.exp(adjusted[chosen])).astype(np.int64) * 100),
            names.gather(shared.astype(np.uint32)).alias("nearness"),
        )
        .with_columns((pl.col("adjusted_price_cents") / pl.col(PRICE_CENTS)).alias("adjustment"))
    )
    return priced.group_by("row", maintain_order=True).agg(pl.struct(list(COMP_FIELDS)).alias("comps"))
