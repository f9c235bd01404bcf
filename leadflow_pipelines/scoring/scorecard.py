"""The documented scorecard: points for what is known of a lead, each with its reason in words.

Points rank leads; they are not a probability, and none is invented: probability and deal score stay null
until a model has earned them on held-out sales. An unknown signal adds nothing and takes nothing away.
"""

from dataclasses import dataclass

import polars as pl

from leadflow_pipelines.contracts import LEAD_SCORES
from leadflow_pipelines.contracts.leads import REASONS

SCORECARD_VERSION = "scorecard-2026.2"
MOST_POINTS = 100


@dataclass(frozen=True)
class Rule:
    """Points that a lead earns when `applies` is true; `text` is what an analyst reads."""

    signal: str
    points: int
    applies: pl.Expr
    text: pl.Expr
    why: str


def _between(column: str, low: float, high: float | None = None) -> pl.Expr:
    value = pl.col(column)
    return (value >= low) if high is None else (value >= low) & (value < high)


def _tenure_text() -> pl.Expr:
    return pl.format("Owned for {} years", pl.col("tenure_years").floor().cast(pl.Int64))


def _equity_text() -> pl.Expr:
    return pl.format("Equity about {} % of market value", (pl.col("equity_share") * 100).round().cast(pl.Int64))


def _loan_text() -> pl.Expr:
    return pl.format("Open loan is {} years old", pl.col("loan_age_years").floor().cast(pl.Int64))


def _stack_text() -> pl.Expr:
    return pl.format("On {} lists at once", pl.col("stacked_list_count"))


# Points follow what distress lists show when stacked: of homes on 0, 1, 2, 3, 4 other lists, 7, 16, 23, 42 and
# 83 % are tax delinquent. That is association on one date, not prediction; a fitted model replaces this card
# wherever a county has the sales history to fit one. An old loan counts little: it is mostly long tenure again, and
# what it adds is that 29 % of a 30-year loan at 6 % is repaid after 15 years, while sources tell the first amount.
RULES: tuple[Rule, ...] = (
    Rule("pre_foreclosure", 25, pl.col("is_pre_foreclosure"), pl.lit("In pre-foreclosure"), "a dated need to sell"),
    Rule("tax_delinquent", 20, pl.col("is_tax_delinquent"), pl.lit("Property tax delinquent"), "unpaid holding cost"),
    Rule("probate", 15, pl.col("is_probate"), pl.lit("In probate"), "an estate has to be settled"),
    Rule("stacked_3", 15, _between("stacked_list_count", 3), _stack_text(), "lists compound"),
    Rule("vacant", 15, pl.col("is_vacant"), pl.lit("Stands vacant"), "holding cost without use"),
    Rule("equity_80", 14, _between("equity_share", 0.8), _equity_text(), "room for a discount"),
    Rule("absentee", 12, pl.col("is_absentee"), pl.lit("Owner's mail goes elsewhere"), "not the owner's home"),
    Rule("code_violation", 10, pl.col("has_code_violation"), pl.lit("Open code violation"), "repairs are due"),
    Rule("stacked_2", 10, _between("stacked_list_count", 2, 3), _stack_text(), "lists compound"),
    Rule("tenure_15", 10, _between("tenure_years", 15), _tenure_text(), "long tenure, low basis"),
    Rule("equity_50", 9, _between("equity_share", 0.5, 0.8), _equity_text(), "room for a discount"),
    Rule("out_of_state", 8, pl.col("is_out_of_state"), pl.lit("Owner lives in another state"), "managed from afar"),
    Rule("tenure_8", 6, _between("tenure_years", 8, 15), _tenure_text(), "longer than the median stay"),
    Rule("loan_15", 4, _between("loan_age_years", 15), _loan_text(), "more equity than the first amount tells"),
)


def score_leads(leads: pl.DataFrame, *, run_id: str | None) -> pl.DataFrame:
    """LEAD_SCORES rows, one per row of `leads` (ENRICHED_LEADS shape).

    Points are the sum of the rules that apply, at most 100; reasons name them, most points first. Publicly
    owned property scores 0: it is not sold on the open market. Ranks within a ZIP are unique; ties fall to
    more lists, longer tenure, then property_id, so the order is the same in every run.
    """
    sold_openly = leads.filter(pl.col("owner_type") != "public")
    earned = pl.concat(_reasons_of(rule, sold_openly) for rule in RULES)
    points = pl.col("reason").struct.field("points").sum().clip(upper_bound=MOST_POINTS).alias("points")
    by_lead = earned.group_by("property_id", maintain_order=True).agg(points, pl.col("reason").alias("reasons"))
    scored = leads.join(by_lead, on="property_id", how="left").with_columns(
        pl.col("points").fill_null(0).cast(pl.Int32), pl.col("reasons").fill_null([]).cast(REASONS)
    )
    ranked = scored.sort(
        ["zip", "points", "stacked_list_count", "tenure_years", "property_id"],
        descending=[False, True, True, True, False],
        nulls_last=True,
    ).with_columns((pl.int_range(pl.len()).over("zip") + 1).cast(pl.Int32).alias("rank_in_zip"))
    return LEAD_SCORES.conform(
        ranked.with_columns(pl.lit(SCORECARD_VERSION).alias("model_version"), pl.lit(run_id).alias("run_id"))
    )


def _reasons_of(rule: Rule, leads: pl.DataFrame) -> pl.DataFrame:
    """property_id and reason of each lead to which the rule applies; an unknown signal is no reason."""
    return leads.filter(rule.applies.fill_null(False)).select(
        "property_id",
        pl.struct(
            pl.lit(rule.signal).alias("signal"),
            pl.lit(rule.points, pl.Int32).alias("points"),
            rule.text.alias("text"),
        ).alias("reason"),
    )


def reasons_text() -> pl.Expr:
    """The column `reasons` as one text for people, most points first."""
    return pl.col("reasons").list.eval(pl.element().struct.field("text")).list.join("; ").alias("reasons")


def scorecard_table() -> list[dict[str, str | int]]:
    """The scorecard as rows for documents and the command line: signal, points, why."""
    return [{"signal": rule.signal, "points": rule.points, "why": rule.why} for rule in RULES]
