"""Past days on which a model could have been asked, with the answers that are known by now: what it learns from.

Every snapshot is made from the history before its own day; its window lies wholly before the history's end.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl

from leadflow_pipelines.sales_history import PRICE_CENTS, SALE_DATE, History, parcel_key
from leadflow_pipelines.scoring.allowed_features import SIGNALS
from leadflow_pipelines.scoring.features import NOMINAL_CENTS, parcel_features

STEP_DAYS: Final = 61
MOST_SNAPSHOTS: Final = 8
MOST_ROWS: Final = 200_000
SIGNALS_GOOD_FOR_DAYS: Final = 120


@dataclass(frozen=True)
class Snapshots:
    """`rows`: features, key, snapshot (day), sold (0 or 1), sorted by snapshot and key; windows of `window_days`."""

    rows: pl.DataFrame
    window_days: int

    @property
    def newest(self) -> date | None:
        """Day of the newest snapshot; its window closed last."""
        return self.rows["snapshot"].max() if self.rows.height else None  # type: ignore[return-value]

    @property
    def sales_in_newest(self) -> int:
        """Homes sold in the newest closed window."""
        return int(self.rows.filter(pl.col("snapshot") == self.newest)["sold"].sum()) if self.rows.height else 0


def take_snapshots(
    history: History,
    window_days: int,
    *,
    buildings_are_dated: bool,
    signals: pl.DataFrame | None = None,
    most_rows: int = MOST_ROWS,
    burn_in_days: int = 120,
) -> Snapshots:
    """Snapshots whose windows of `window_days` have closed; none where the history is too short for one.

    most_rows: about so many rows; the newest snapshot is whole however many it has. burn_in_days: of history before a
    snapshot.
    """
    days = _days(history, window_days, burn_in_days)
    keys = parcel_key(history.sales)
    known = [keys.filter(history.sales[SALE_DATE] < day).n_unique() for day in days]
    share = min(1.0, max(0, most_rows - max(known, default=0)) / max(1, sum(known[1:])))
    parts = []
    for day in days:
        features = parcel_features(history.before(day), buildings_are_dated=buildings_are_dated)
        # The newest window calibrates and is kept whole; a sample by parcel keeps every snapshot of a parcel or none.
        if day != days[0] and share < 1:
            features = features.filter(pl.col("key").hash(seed=5) % 1_000_000 < int(share * 1_000_000))
        sold = _sold_within(history, day, window_days)
        parts.append(
            _with_signals(features, signals, day).with_columns(
                pl.lit(day).alias("snapshot"), pl.col("key").is_in(sold.implode()).cast(pl.Int8).alias("sold")
            )
        )
    if not parts:
        empty = parcel_features(History(history.sales.clear(), history.as_of), buildings_are_dated=buildings_are_dated)
        nothing = empty.with_columns(pl.lit(None, pl.Date).alias("snapshot"), pl.lit(None, pl.Int8).alias("sold"))
        return Snapshots(nothing, window_days)
    return Snapshots(pl.concat(parts, how="diagonal").sort("snapshot", "key"), window_days)


def _days(history: History, window_days: int, burn_in_days: int) -> list[date]:
    first = history.sales[SALE_DATE].min()
    if not isinstance(first, date):
        return []
    newest = history.as_of - timedelta(days=window_days)
    days = [newest - timedelta(days=STEP_DAYS * step) for step in range(MOST_SNAPSHOTS)]
    return [day for day in days if (day - first).days >= burn_in_days]


def _sold_within(history: History, day: date, window_days: int) -> pl.Series:
    """Keys with a priced sale in [day, day + window). A deed without a price passes title without a sale.

    A county that publishes no price at all has dated deeds alone: there every deed counts.
    """
    is_priced = (pl.col(PRICE_CENTS) >= NOMINAL_CENTS).fill_null(False)
    is_sale = is_priced if history.sales.select(is_priced.any()).item() else pl.lit(True)
    is_in = (pl.col(SALE_DATE) >= day) & (pl.col(SALE_DATE) < day + timedelta(days=window_days))
    window = history.sales.filter(is_in & is_sale)
    return parcel_key(window).drop_nulls().unique()


def _with_signals(features: pl.DataFrame, signals: pl.DataFrame | None, day: date) -> pl.DataFrame:
    """Signals as last observed before `day`, where that was not long before."""
    if signals is None:
        return features
    named = [name for name in SIGNALS if name in signals.columns]
    is_known = (pl.col("day") < day) & (pl.col("day") > day - timedelta(days=SIGNALS_GOOD_FOR_DAYS))
    known = (
        signals.filter(is_known)
        .sort("day", "parcel_id")
        .group_by("parcel_id", maintain_order=True)
        .last()
        .select(pl.col("parcel_id").cast(pl.String).alias("key"), *(pl.col(name).cast(pl.Float64) for name in named))
    )
    return features.join(known, on="key", how="left", maintain_order="left")
