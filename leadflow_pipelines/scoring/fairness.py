"""Who is selected, cleared and contacted, by the composition of their census tract. Offline: shares come from the
user, and nothing of them reaches a model. A report, not a ruling: it shows where to look.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from leadflow_pipelines.errors import InvalidInput

FOUR_FIFTHS: Final = 0.8
"""Rule of thumb (29 CFR 1607.4 D): a selection rate below 80 % of the highest deserves a look."""
BEYOND_CHANCE: Final = 2.0
"""The same rule sets small numbers aside: the difference must be two standard errors of it."""
QUARTERS: Final = 4
RATES: Final = {"is_selected": "selection", "was_cleared": "clearance", "was_contacted": "contact"}


def fairness_report(
    leads: pl.DataFrame,
    tracts: pl.DataFrame,
    *,
    share: str,
    top_share: float = 0.05,
    by: Sequence[str] = ("probability",),
) -> pl.DataFrame:
    """By quarter of tracts ordered by `share`: homes, selection, clearance and contact rate, their ratio to the best.

    leads: parcel_id, tract, the columns of `by`, and optionally was_cleared and was_contacted. tracts: tract and the
    column `share` (0 to 1). Selected are the `top_share` of leads, highest in `by` first; leads alike at the border
    count in proportion. Quarters hold about as many homes each; homes of a tract whose share nobody tells stand in a
    row of their own (quarter null), so that none is left out silently. deserves_a_look: some rate lies below
    FOUR_FIFTHS of the best quarter's, and not by chance alone.
    """
    _require(leads, ("parcel_id", "tract", *by), "Leads")
    _require(tracts, ("tract", share), "Tracts")
    if tracts["tract"].is_duplicated().any():
        raise InvalidInput("Tracts name a tract twice.", remedy="Give one row per tract.")
    selected = _selected(leads, by, top_share)
    unknown = [pl.lit(None).alias(name) for name in RATES if name not in selected.columns]
    joined = (
        selected.with_columns(unknown)
        .with_columns(pl.col(*RATES).cast(pl.Float64))
        .join(tracts.select("tract", pl.col(share).cast(pl.Float64).alias("share")), on="tract", how="left")
        .with_columns(_quarter().alias("quarter"))
    )
    rates = (
        joined.group_by("quarter")
        .agg(
            pl.len().cast(pl.Int64).alias("homes"),
            pl.col("share").min().alias("share_from"),
            pl.col("share").max().alias("share_to"),
            *(pl.col(name).mean().alias(f"{rate}_rate") for name, rate in RATES.items()),
        )
        .sort("quarter", nulls_last=True)
    )
    with_ratios = rates.with_columns(
        (pl.col(f"{rate}_rate") / _of_best(f"{rate}_rate", f"{rate}_rate")).alias(f"{rate}_ratio")
        for rate in RATES.values()
    )
    return with_ratios.with_columns(pl.any_horizontal(_falls_short(rate) for rate in RATES.values()).alias(LOOK))


LOOK: Final = "deserves_a_look"


def _selected(leads: pl.DataFrame, by: Sequence[str], top_share: float) -> pl.DataFrame:
    """The leads with is_selected: 1, 0, or the share of those alike at the border that still find room."""
    wanted = top_share * leads.height
    above = pl.col("alike").cum_sum() - pl.col("alike")
    selected = (
        leads.group_by(by)
        .len("alike")
        .sort(by, descending=True, nulls_last=True)
        .select(*by, ((wanted - above) / pl.col("alike")).clip(0, 1).alias("is_selected"))
    )
    return leads.drop("is_selected", strict=False).join(
        selected, on=list(by), how="left", nulls_equal=True, maintain_order="left"
    )


def _quarter() -> pl.Expr:
    """1 (least) to 4 (most): homes in order of their tract's share; a tract is never split."""
    place = (pl.col("share").rank("max") - 1) / pl.col("share").count()
    return (place * QUARTERS).floor().clip(0, QUARTERS - 1).cast(pl.Int32) + 1


def _of_best(value: str, rate: str) -> pl.Expr:
    """`value` of the quarter whose `rate` is highest."""
    known = pl.col("quarter").is_not_null()
    return pl.col(value).filter(known).sort_by(pl.col(rate).filter(known), descending=True, nulls_last=True).first()


def _falls_short(rate: str) -> pl.Expr:
    mine, best = pl.col(f"{rate}_rate"), _of_best(f"{rate}_rate", f"{rate}_rate")
    homes, of_best = pl.col("homes"), _of_best("homes", f"{rate}_rate")
    both = (mine * homes + best * of_best) / (homes + of_best)
    error = (both * (1 - both) * (1 / homes + 1 / of_best)).sqrt()
    return ((pl.col(f"{rate}_ratio") < FOUR_FIFTHS) & (best - mine > BEYOND_CHANCE * error)).fill_null(value=False)


def _require(frame: pl.DataFrame, columns: tuple[str, ...], what: str) -> None:
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise InvalidInput(f"{what} lack the columns {', '.join(missing)}.")
