"""What the motivation model is held against: length of ownership, the scorecard, a plain LightGBM, the base rate.

Here: scores of the homes of one date, each from the record before it alone. Not here: the model itself (`scoring`).
"""

import datetime as dt

import numpy as np
import polars as pl

from leadflow_pipelines.backtest.peer_model import fit_lightgbm
from leadflow_pipelines.backtest.snapshots import Homes, SalesRecord, known_homes
from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.scoring import score_leads
from leadflow_pipelines.scoring.additive_terms import Numbers

DAYS_PER_YEAR = 365.25


def by_tenure(homes: Homes) -> Numbers:
    """Years owned: the folklore that who has owned longest sells first."""
    return homes.tenure_days.cast(pl.Float64).to_numpy() / DAYS_PER_YEAR


def by_scorecard(homes: Homes) -> Numbers:
    """Points of the documented scorecard, from what a record of sales tells of a home: its tenure."""
    facts = pl.DataFrame(
        {
            "property_id": homes.rows["parcel_id"],
            "tenure_years": by_tenure(homes),
            "owner_type": pl.Series(["unknown"]).new_from_index(0, homes.rows.height),
            "stacked_list_count": pl.Series([0], dtype=pl.Int32).new_from_index(0, homes.rows.height),
        }
    )
    points = score_leads(ENRICHED_LEADS.conform(facts), run_id=None).select("property_id", "points")
    joined = facts.select("property_id").join(points, on="property_id", how="left", maintain_order="left")
    return joined["points"].cast(pl.Float64).to_numpy()


def by_base_rate(record: SalesRecord, homes: Homes, *, horizon_days: int) -> Numbers | None:
    """The share of homes sold in the last window that was closed on the date, the same for each home.

    None where no home was known before that window.
    """
    earlier = homes.as_of - dt.timedelta(days=horizon_days)
    known = known_homes(record, earlier, horizon_days=horizon_days)
    share = known.is_sold.mean()
    return None if not isinstance(share, float) else np.full(homes.rows.height, share)


def by_lightgbm(record: SalesRecord, homes: Homes, *, horizon_days: int, seed: int) -> Numbers | None:
    """A plain LightGBM fitted on the windows that were closed on the date; None where they hold too few sales."""
    model = fit_lightgbm(record, homes.as_of, horizon_days=horizon_days, seed=seed)
    return None if model is None else model.score(record, homes)
