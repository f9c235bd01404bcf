"""Contributions in log-odds → reasons in words. What is said is the fact that the table was looked up by.

Numbers stay exact: the reasons of a row and its base add up to its log-odds.
"""

import calendar
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.scoring.additive_terms import Numbers

MOST_REASONS: Final = 4
# Log-odds below which a reason is not worth a sentence: it moves a chance of 6 % by a tenth of a percent.
LEAST_TOLD: Final = 0.02
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

    `by_story` has a column per name of `names`; a story that weighs less than LEAST_TOLD is told with everything else.
    """
    rows = by_story.shape[0]
    shown = min(MOST_REASONS, len(names))
    top = np.argsort(-np.abs(by_story), axis=1, kind="stable")[:, :shown]
    weights = np.take_along_axis(by_story, top, axis=1)
    weights = np.where(np.abs(weights) >= LEAST_TOLD, weights, 0.0)
    rest = by_story.sum(axis=1) - weights.sum(axis=1)
    parts = [_other(np.flatnonzero(np.abs(rest) > 0), rest, shown)]
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
        signal = story.removeprefix(ASSUMED_PREFIX)
        said = _TEXTS[signal] if signal in features.columns else pl.lit(signal)
        return pl.format("{} (assumed weight, not learned here)", said)
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
    percent = _percent("price_vs_area")
    ago = _span(pl.col("tenure_days"))
    times = pl.format("at {} times the neighbourhood's price", pl.col("price_vs_area").exp().round(1))
    level = (
        pl.when(percent < 0)
        .then(pl.format("{} % below the neighbourhood", -percent))
        .when(percent > FAR_ABOVE_PERCENT)
        .then(times)
        .when(percent > 0)
        .then(pl.format("{} % above the neighbourhood", percent))
        .otherwise(pl.lit("at the neighbourhood's price"))
    )
    said = (
        pl.when(pl.col("bought_with_others") > 0)
        .then(pl.format("Bought {} ago in one deed with others, each on average {}", ago, level))
        .otherwise(pl.format("Bought {} {} ago", level, ago))
    )
    unstated = pl.format("The deed of {} ago states no price", ago)
    return pl.when(pl.col("price_vs_area").is_null()).then(unstated).otherwise(said)


def _area_text() -> pl.Expr:
    """Everything that counts in the story, so that no part of its weight is left untold."""
    told_so = pl.format(
        "Around it, against the city: {} homes sold in a year, {} resold quickly, prices rising {}",
        _more(_percent("area_turnover"), "fewer"),
        _more(_percent("area_flip_share"), "fewer"),
        _more(_percent("area_price_trend").fill_null(0), "less"),
    )
    return told_so.fill_null("How many homes sell around it")


def _percent(name: str) -> pl.Expr:
    """A ratio in logs as a difference in whole percents."""
    return ((pl.col(name).exp() - 1) * 100).round().cast(pl.Int64)


def _more(percent: pl.Expr, less: str) -> pl.Expr:
    more, fewer = pl.format("{} % more", percent), pl.format(f"{{}} % {less}", -percent)
    same = pl.lit("as many" if less == "fewer" else "as much")
    return pl.when(percent > 0).then(more).when(percent < 0).then(fewer).otherwise(same)


def _against_area(name: str, what: str, more: str, less: str, unknown: str) -> pl.Expr:
    percent = _percent(name)
    return (
        pl.when(percent > 0)
        .then(pl.format(f"{what} {{}} % {more} than the neighbourhood's", percent))
        .when(percent < 0)
        .then(pl.format(f"{what} {{}} % {less} than the neighbourhood's", -percent))
        .otherwise(pl.when(percent == 0).then(pl.lit(f"{what} like the neighbourhood's")))
        .fill_null(unknown)
    )


def _counted(name: str, one: str, many: str, unknown: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Int64)
    return pl.when(number == 1).then(pl.lit(one)).otherwise(pl.format(many, number)).fill_null(unknown)


def _yes(name: str, yes: str, no: str, unknown: str) -> pl.Expr:
    return (
        pl.when(pl.col(name) > 0).then(pl.lit(yes)).when(pl.col(name) == 0).then(pl.lit(no)).otherwise(pl.lit(unknown))
    )


_MONTHS: Final = dict(enumerate(calendar.month_name[1:], start=1))
# Without the number that stands before it in some counties: 01 ONE FAMILY DWELLINGS.
_USE: Final = pl.col("land_use").str.to_lowercase().str.replace(r"^\d+\s+(-\s*)?", "")
_TEXTS: Final[dict[str, pl.Expr]] = {
    "bought_with_others": _yes(
        "bought_with_others",
        "Bought together with other parcels under one price",
        "Bought by itself",
        "Whether it was bought by itself is not known",
    ),
    "purchase_month": pl.format(
        "Bought in {}",
        pl.col("purchase_month").cast(pl.Int64).replace_strict(_MONTHS, default=None, return_dtype=pl.String),
    ).fill_null("Month of the purchase not known"),
    "land_use": pl.format("Recorded as {}", _USE).fill_null("Use not recorded"),
    "style": pl.format("Recorded style or class: {}", "style").fill_null("Style not recorded"),
    "size_vs_area": _against_area("size_vs_area", "Living area", "larger", "smaller", "Living area not recorded"),
    "lot_vs_area": _against_area("lot_vs_area", "Lot", "larger", "smaller", "Lot size not recorded"),
    "age_at_purchase": pl.when(pl.col("age_at_purchase") == 0)
    .then(pl.lit("Bought in the year it was built"))
    .otherwise(
        _counted(
            "age_at_purchase",
            "The building was 1 year old when bought",
            "The building was {} years old when bought",
            "Year built not recorded",
        )
    ),
    "units": _counted("units", "1 unit", "{} units", "Number of units not recorded"),
    "is_absentee": _yes(
        "is_absentee",
        "Owner's mail goes elsewhere",
        "Owner's mail comes here",
        "Where the owner's mail goes is not known",
    ),
    "is_out_of_state": _yes(
        "is_out_of_state",
        "Owner's mail goes to another state",
        "Owner's mail stays in the state",
        "Which state the owner's mail goes to is not known",
    ),
    "is_entity_owned": _yes(
        "is_entity_owned", "Owned by a company or trust", "Owned by people", "Kind of owner not known"
    ),
    "is_tax_delinquent": _yes(
        "is_tax_delinquent",
        "Property tax delinquent",
        "On no list of delinquent taxes",
        "Whether taxes are paid is not known",
    ),
    "is_pre_foreclosure": _yes(
        "is_pre_foreclosure",
        "In pre-foreclosure",
        "Not in pre-foreclosure",
        "Whether it is in pre-foreclosure is not known",
    ),
    "is_probate": _yes("is_probate", "In probate", "Not in probate", "Whether it is in probate is not known"),
    "is_vacant": _yes("is_vacant", "Stands vacant", "Not reported vacant", "Whether it stands vacant is not known"),
    "has_code_violation": _yes(
        "has_code_violation",
        "Open code violation",
        "No open code violation",
        "Whether a code violation is open is not known",
    ),
    "equity_share": pl.format(
        "Equity about {} % of value", (pl.col("equity_share") * 100).round().cast(pl.Int64)
    ).fill_null("Equity not known"),
    "loan_age_years": _counted("loan_age_years", "Loan 1 year old", "Loan {} years old", "Loan's age not known"),
    "owner_parcel_count": _counted(
        "owner_parcel_count",
        "Owner holds no other property",
        "Owner holds {} properties",
        "Owner's other properties not known",
    ),
    "stacked_list_count": _counted("stacked_list_count", "On 1 list", "On {} lists at once", "Lists not known"),
}
_HELD_BEFORE: Final = pl.format("The owner before had held it for {}", _span(pl.col("previous_hold_days")))
# Story → its text, and the column that must be there for it.
_STORIES: Final[dict[str, tuple[pl.Expr | None, str]]] = {
    "purchase_price": (_price_text(), "price_vs_area"),
    "tenure_days": (pl.format("Owned for {}", _span(pl.col("tenure_days"))), "tenure_days"),
    "earlier_sales": (_HELD_BEFORE.fill_null("No earlier sale on record"), "previous_hold_days"),
    "market_area": (_area_text(), "area_turnover"),
}
