"""The peer: LightGBM as a careful analyst would set it up on the same record of sales.

Here: its features, its fit, its scores. It gets what the record tells before a date and nothing that a file of a later
day may have filled in (sizes, assessments): those lift it falsely, because their gaps tell who sold later.
"""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from leadflow_pipelines.backtest.snapshots import Homes, SalesRecord, known_homes
from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, SALES_SCHEMA, learn_market_areas
from leadflow_pipelines.scoring.additive_terms import Numbers

if TYPE_CHECKING:
    import lightgbm

SNAPSHOTS = 5
"""Dates from which it learns, a quarter apart, the newest with a window that closed on the day of the fit."""
SNAPSHOT_DAYS = 91
LEAST_SOLD = 30
"""Sold homes below which a fit would be noise."""
RECENT_DAYS = 365
TREES = 200
PARAMETERS: dict[str, Any] = {
    "objective": "binary", "learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 50, "num_threads": 1,
    "verbosity": -1,
}  # fmt: skip
PLACES = ("market_area", "zip5")


@dataclass(frozen=True)
class PeerModel:
    """A fitted LightGBM and the land uses it can tell apart."""

    booster: "lightgbm.Booster"
    land_uses: pl.Series

    def score(self, record: SalesRecord, homes: Homes, *, with_reasons: bool = False) -> Numbers:
        """Probabilities of `homes`; with_reasons: instead each feature's part in them (SHAP), and the base last."""
        features = peer_features(record, homes, self.land_uses)
        told = self.booster.predict(features, pred_contrib=with_reasons, num_threads=1)
        return np.asarray(told, dtype=np.float64)


def fit_lightgbm(record: SalesRecord, as_of: dt.date, *, horizon_days: int, seed: int) -> PeerModel | None:
    """Fitted to windows closed by `as_of`; None where they hold fewer than LEAST_SOLD sold homes."""
    import lightgbm  # noqa: PLC0415 - every start of a Dagster process would wait for it

    newest = as_of - dt.timedelta(days=horizon_days)
    dates = [newest - dt.timedelta(days=SNAPSHOT_DAYS * number) for number in range(SNAPSHOTS)]
    known = [known_homes(record, day, horizon_days=horizon_days) for day in dates]
    known = [one for one in known if one.rows.height]
    sold = np.concatenate([one.is_sold.to_numpy() for one in known]) if known else np.empty(0)
    if sold.sum() < LEAST_SOLD:
        return None
    land_uses = record.rows.filter(pl.col(SALE_DATE) < as_of)["land_use"].drop_nulls().unique().sort()
    features = np.vstack([peer_features(record, one, land_uses) for one in known])
    settings = {**PARAMETERS, "seed": seed}
    data = lightgbm.Dataset(features, sold, categorical_feature=[features.shape[1] - 1], params=settings)
    return PeerModel(lightgbm.train(settings, data, TREES), land_uses)


def peer_features(record: SalesRecord, homes: Homes, land_uses: pl.Series) -> Numbers:
    """One row a home: tenure, price, price against its place, earlier sales, turnover of the place, land use."""
    past = record.rows.filter(pl.col(SALE_DATE) < homes.as_of)
    areas = learn_market_areas(past.select(*SALES_SCHEMA))
    past = past.with_columns(areas.assign(past))
    price = pl.when(pl.col(PRICE_CENTS) > 0).then(pl.col(PRICE_CENTS)).log()
    day = pl.col(SALE_DATE)
    by_parcel = past.group_by("parcel_id").agg(
        pl.len().alias("deeds"),
        pl.col("is_sale").sum().alias("sales"),
        (day.max() - day.filter(day < day.max()).max()).dt.total_days().alias("held_before"),
    )
    placed = homes.rows.with_columns(areas.assign(homes.rows))
    frame = placed.select("parcel_id", *PLACES, "land_use", price.alias("price")).with_columns(homes.tenure_days)
    frame = frame.join(by_parcel, on="parcel_id", how="left", maintain_order="left")
    recent = past.filter(pl.col("is_sale"), day >= homes.as_of - dt.timedelta(days=RECENT_DAYS))
    for place in PLACES:
        about = recent.group_by(place).agg(price.median().alias(f"{place}_price"), pl.len().alias(f"{place}_sales"))
        frame = frame.join(about, on=place, how="left", maintain_order="left")
    codes = pl.col("land_use").replace_strict(land_uses, range(len(land_uses)), default=None, return_dtype=pl.Float64)
    columns = [
        *(pl.col(name) for name in ("tenure_days", "price", "deeds", "sales", "held_before")),
        *(pl.col("price") - pl.col(f"{place}_price") for place in PLACES),
        *(pl.col(f"{place}_sales") for place in PLACES),
        codes,
    ]
    named = [column.cast(pl.Float64).alias(f"f{number}") for number, column in enumerate(columns)]
    return frame.select(named).to_numpy()
