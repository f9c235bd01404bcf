"""Contributions in log-odds → reasons in words. What is said is the fact that the table was looked up by.

Numbers stay exact: the reasons of a row and its base add up to its log-odds.
"""

import calendar
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import Numbers
from leadflow_pipelines.scoring.prior_odds import ASSUMED

MOST_REASONS: Final = 4
REASON: Final = pl.Struct({"feature": pl.String, "log_odds": pl.Float64, "text": pl.String})
OTHER: Final = "other"
FAR_ABOVE_PERCENT: Final = 100
ASSUMED_PREFIX: Final = "assumed:"

# Terms that tell one story are told as one reason: the name of each term → the reason it belongs to.
STORY_OF: Final[dict[str, str]] = {
    "price_vs_street": "purchase_price",
    "price_vs_area": "purchase_price",
    "price_vs_city": "purchase_price",
    "sqft_price_vs_area": "purchase_price",
    "price_unstated": "purchase_price",
    "previous_hold_days": "earlier_sales",
    "previous_gain": "earlier_sales",
    "earlier_sales": "earlier_sales",
    "area_turnover": "market_area",
    "area_flip_share": "market_area",
    "area_price_trend": "market_area",
}


def stories(names: tuple[str, ...]) -> tuple[str, ...]:
    """Reasons that terms of these names are told as, in order of first appearance."""
    return tuple(dict.fromkeys(STORY_OF.get(name, name) for name in names))


def told(contributions: Numbers, names: tuple[str, ...]) -> Numbers:
    """Contributions by term → by story: shape (rows, stories)."""
    order = {story: position for position, story in enumerate(stories(names))}
    result = np.zeros((contributions.shape[0], len(order)))
    for position, name in enumerate(names):
        result[:, order[STORY_OF.get(name, name)]] += contributions[:, position]
    return result


def write_reasons(by_story: Numbers, names: tuple[str, ...], features: pl.DataFrame) -> pl.Series:
    """List of REASON per row: the weightiest stories first, then everything else together.

    `by_story` has a column per name of `names`; a story without weight is not told.
    """
    rows = by_story.shape[0]
    shown = min(MOST_REASONS, len(names))
    top = np.argsort(-np.abs(by_story), axis=1, kind="stable")[:, :shown]
    weights = np.take_along_axis(by_story, top, axis=1)
    rest = by_story.sum(axis=1) - weights.sum(axis=1)
    parts = [_other(np.flatnonzero(np.abs(rest) > 0), rest, shown)] if len(names) > shown else []
    for position, name in enumerate(names):
        row, rank = np.nonzero((top == position) & (weights != 0))
        text = features[row].with_columns(text_of(name, features).alias("text"))["text"]
        parts.append(
            pl.DataFrame({"row": row, "rank": rank, "log_odds": weights[row, rank]}).with_columns(
                pl.lit(name).alias("feature"), text
            )
        )
    if not parts:
        return pl.Series("reasons", [[]] * rows, dtype=pl.List(REASON))
    long = pl.concat(parts).sort("row", "rank")
    reason = pl.struct("feature", "log_odds", "text").alias("reasons")
    listed = long.group_by("row", maintain_order=True).agg(reason)
    every = pl.DataFrame({"row": np.arange(rows)})
    joined = every.join(listed, on="row", how="left", maintain_order="left")
    return joined["reasons"].fill_null(pl.Series([[]], dtype=pl.List(REASON))).cast(pl.List(REASON))


def _other(row: Any, rest: Numbers, rank: int) -> pl.DataFrame:
    return pl.DataFrame({"row": row, "rank": np.full(len(row), rank), "log_odds": rest[row]}).with_columns(
        pl.lit(OTHER).alias("feature"), pl.lit("Everything else together").alias("text")
    )


def text_of(story: str, features: pl.DataFrame) -> pl.Expr:
    """The fact behind a story in words, from the columns that are there."""
    if story.startswith(ASSUMED_PREFIX):
        return pl.lit(f"{ASSUMED[story.removeprefix(ASSUMED_PREFIX)].text} (assumed weight, not learned here)")
    written, needed = _STORIES.get(story, (_TEXTS.get(story), story))
    if written is not None and needed in features.columns:
        return written
    return pl.lit(story.replace("_", " ").capitalize())


def _span(days: pl.Expr) -> pl.Expr:
    months = (days / 30.44).floor().cast(pl.Int64)
    years = (days / 365.25).floor().cast(pl.Int64)
    return (
        pl.when(months < 1)
        .then(pl.lit("less than a month"))
        .when(months == 1)
        .then(pl.lit("1 month"))
        .when(months < 24)
        .then(pl.format("{} months", months))
        .otherwise(pl.format("{} years", years))
    )


def _price_text() -> pl.Expr:
    """The neighbourhood is what an analyst can check; the street refines the number behind it."""
    relative = ((pl.col("price_vs_area").exp() - 1) * 100).round().cast(pl.Int64)
    ago = _span(pl.col("tenure_days"))
    below = pl.format("Bought {} % below the neighbourhood {} ago", -relative, ago)
    above = pl.format("Bought {} % above the neighbourhood {} ago", relative, ago)
    level = pl.format("Bought at the neighbourhood's price {} ago", ago)
    unstated = pl.format("The deed of {} ago states no price", ago)
    times = pl.format("Bought at {} times the neighbourhood's price {} ago", (relative / 100 + 1).round(1), ago)
    said = (
        pl.when(relative < 0)
        .then(below)
        .when(relative > FAR_ABOVE_PERCENT)
        .then(times)
        .when(relative > 0)
        .then(above)
        .otherwise(level)
    )
    return pl.when(pl.col("price_vs_area").is_null()).then(unstated).otherwise(said)


def _area_text() -> pl.Expr:
    more = ((pl.col("area_turnover").exp() - 1) * 100).round().cast(pl.Int64)
    quick = ((pl.col("area_flip_share").exp() - 1) * 100).round().cast(pl.Int64)
    said = pl.format(
        "Its market area: {} sales, {} quick resales than the city", _more_or_less(more), _more_or_less(quick)
    )
    return said.fill_null("Its market area")


def _more_or_less(percent: pl.Expr) -> pl.Expr:
    more, fewer = pl.format("{} % more", percent), pl.format("{} % fewer", -percent)
    return pl.when(percent >= 0).then(more).otherwise(fewer)


def _yes(name: str, yes: str, no: str) -> pl.Expr:
    return (
        pl.when(pl.col(name) > 0)
        .then(pl.lit(yes))
        .when(pl.col(name) == 0)
        .then(pl.lit(no))
        .otherwise(pl.lit("Not known: " + yes.lower()))
    )


_MONTHS: Final = dict(enumerate(calendar.month_name[1:], start=1))
_TEXTS: Final[dict[str, pl.Expr]] = {
    "bought_with_others": _yes(
        "bought_with_others", "Bought together with other parcels under one price", "Bought by itself"
    ),
    "purchase_month": pl.format(
        "Bought in {}",
        pl.col("purchase_month").cast(pl.Int64).replace_strict(_MONTHS, default=None, return_dtype=pl.String),
    ),
    "land_use": pl.format("Recorded as {}", pl.col("land_use").str.to_lowercase()).fill_null("Use not recorded"),
    "style": pl.format("Style: {}", pl.col("style").str.to_lowercase()).fill_null("Style not recorded"),
    "size_vs_area": pl.format(
        "Living area {} % of its neighbourhood's", (pl.col("size_vs_area").exp() * 100).round().cast(pl.Int64)
    ).fill_null("Living area not known"),
    "lot_vs_area": pl.format(
        "Lot {} % of its neighbourhood's", (pl.col("lot_vs_area").exp() * 100).round().cast(pl.Int64)
    ).fill_null("Lot size not known"),
    "age_at_purchase": pl.format(
        "Building {} years old when bought", pl.col("age_at_purchase").cast(pl.Int64)
    ).fill_null("Building's age not known"),
    "units": pl.format("{} units", pl.col("units").cast(pl.Int64)).fill_null("Units not known"),
    "is_absentee": _yes("is_absentee", "Owner's mail goes elsewhere", "Owner's mail comes here"),
    "is_out_of_state": _yes("is_out_of_state", "Owner's mail goes to another state", "Owner's mail stays in state"),
    "is_entity_owned": _yes("is_entity_owned", "Owned by a company or trust", "Owned by people"),
    "is_tax_delinquent": _yes("is_tax_delinquent", "Property tax delinquent", "Taxes not on a delinquent list"),
    "is_pre_foreclosure": _yes("is_pre_foreclosure", "In pre-foreclosure", "Not in pre-foreclosure"),
    "is_probate": _yes("is_probate", "In probate", "Not in probate"),
    "is_vacant": _yes("is_vacant", "Stands vacant", "Not reported vacant"),
    "has_code_violation": _yes("has_code_violation", "Open code violation", "No open code violation"),
    "equity_share": pl.format(
        "Equity about {} % of value", (pl.col("equity_share") * 100).round().cast(pl.Int64)
    ).fill_null("Equity not known"),
    "loan_age_years": pl.format("Loan {} years old", pl.col("loan_age_years").floor().cast(pl.Int64)).fill_null(
        "Loan's age not known"
    ),
    "owner_parcel_count": pl.format("Owner holds {} properties", pl.col("owner_parcel_count").cast(pl.Int64)).fill_null(
        "Owner's other properties not known"
    ),
    "stacked_list_count": pl.format("On {} lists at once", pl.col("stacked_list_count").cast(pl.Int64)).fill_null(
        "Lists not known"
    ),
}
_HELD_BEFORE: Final = pl.format("Resold to this owner after {}", _span(pl.col("previous_hold_days")))
# Story → its text, and the column that must be there for it.
_STORIES: Final[dict[str, tuple[pl.Expr | None, str]]] = {
    "purchase_price": (_price_text(), "price_vs_area"),
    "tenure_days": (pl.format("Owned for {}", _span(pl.col("tenure_days"))), "tenure_days"),
    "earlier_sales": (_HELD_BEFORE.fill_null("No earlier sale on record"), "previous_hold_days"),
    "market_area": (_area_text(), "area_turnover"),
}
