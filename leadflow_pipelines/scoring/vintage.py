"""Whether a file's building columns are as of each sale, or one late snapshot laid over all of them.

A snapshot knows what was rebuilt or renovated after the purchase, and so tells of the resale to come: Nashville's
house columns of late 2016 lift average precision from .097 to .154, falsely.
"""

from typing import Final

import polars as pl

from leadflow_pipelines.sales_history import SALE_DATE, History

_BUILDING_COLUMNS: Final = ("year_built", "living_sqft", "lot_sqft", "beds", "baths", "units")
# Where rolls are dated, 1.4 % of resales show a changed figure (Queens); under one snapshot none does (Nashville:
# 0 of 2,849). Three changes in a thousand resales tell them apart, and too few resales count as a snapshot.
CHANGES_NEEDED: Final = 3
SHARE_NEEDED: Final = 0.002


def are_buildings_dated(history: History) -> bool:
    """True where building figures change between the sales of one parcel, as records kept sale by sale do."""
    dated = history.sales.filter(pl.col("parcel_id").is_not_null()).sort("parcel_id", SALE_DATE, maintain_order=True)
    is_resale = (pl.col("parcel_id") == pl.col("parcel_id").shift(1)) & (pl.col(SALE_DATE) > pl.col(SALE_DATE).shift(1))
    changed = [(pl.col(name) != pl.col(name).shift(1)).fill_null(False) for name in _BUILDING_COLUMNS]
    both_known = [pl.col(name).is_not_null() & pl.col(name).shift(1).is_not_null() for name in _BUILDING_COLUMNS]
    counts = dated.select(
        changes=(is_resale & pl.any_horizontal(changed)).sum(),
        resales=(is_resale & pl.any_horizontal(both_known)).sum(),
    )
    changes, resales = counts.row(0)
    return bool(changes >= CHANGES_NEEDED and changes >= SHARE_NEEDED * resales)
