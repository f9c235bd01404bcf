"""Who is selected and contacted, by the composition of their census tract. Offline: shares come from the user, and
nothing of them reaches a model. A report, not a ruling: it shows where to look.
"""

from typing import Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput

# Four-fifths rule of thumb (29 CFR 1607.4 D): a selection rate below 80 % of the highest deserves a look.
FOUR_FIFTHS: Final = 0.8
QUARTERS: Final = 4


def fairness_report(leads: pl.DataFrame, tracts: pl.DataFrame, *, share: str, top_share: float = 0.05) -> pl.DataFrame:
    """By quarter of tracts ordered by `share`: homes, selection and contact rate, their ratio to the best quarter.

    leads: parcel_id, tract, probability, and optionally was_contacted. tracts: tract and the column `share` (0 to 1).
    Selected are the `top_share` of leads by probability. Quarters hold about as many homes each; homes of a tract
    that `tracts` does not know stand in a row of their own (quarter null), so that none is left out silently.
    """
    _require(leads, ("parcel_id", "tract", "probability"), "Leads")
    _require(tracts, ("tract", share), "Tracts")
    if tracts["tract"].is_duplicated().any():
        raise InvalidInput("Tracts name a tract twice.", remedy="Give one row per tract.")
    contacted = pl.col("was_contacted") if "was_contacted" in leads.columns else pl.lit(None, pl.Boolean)
    wanted = int(np.ceil(top_share * leads.height))
    joined = (
        leads.sort("probability", "parcel_id", descending=[True, False], nulls_last=True)
        .with_columns((pl.int_range(pl.len()) < wanted).alias("is_selected"), contacted.alias("was_contacted"))
        .join(tracts.select("tract", pl.col(share).cast(pl.Float64).alias("share")), on="tract", how="left")
    )
    rates = (
        joined.with_columns(_quarter().alias("quarter"))
        .group_by("quarter")
        .agg(
            pl.len().alias("homes"),
            pl.col("share").min().alias("share_from"),
            pl.col("share").max().alias("share_to"),
            pl.col("probability").mean().alias("mean_probability"),
            pl.col("is_selected").mean().alias("selection_rate"),
            pl.col("was_contacted").mean().alias("contact_rate"),
        )
        .sort("quarter", nulls_last=True)
    )
    return rates.with_columns(
        (pl.col(rate) / pl.col(rate).filter(pl.col("quarter").is_not_null()).max()).alias(ratio)
        for rate, ratio in (("selection_rate", "selection_ratio"), ("contact_rate", "contact_ratio"))
    ).with_columns(
        (pl.min_horizontal("selection_ratio", "contact_ratio") < FOUR_FIFTHS).fill_null(False).alias("deserves_a_look")
    )


def _quarter() -> pl.Expr:
    """1 (least) to 4 (most): homes in order of their tract's share; a tract is never split."""
    place = (pl.col("share").rank("max") - 1) / pl.col("share").count()
    return (place * QUARTERS).floor().clip(0, QUARTERS - 1).cast(pl.Int32) + 1


def _require(frame: pl.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InvalidInput(f"{what} lack the columns {', '.join(missing)}.")
