"""What promoted models add to a day's leads: values with comps, probabilities with reasons, deal scores.

Here: frames in, frames out, for the markets a model may be used in. Not here: which model serves (`model_registry`).
Without a model, and where a model may not be used, rows stay exactly as they were.
"""

import datetime as dt
import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

import polars as pl

from leadflow_pipelines.contracts import ENRICHED_LEADS, LEAD_SCORES
from leadflow_pipelines.contracts.leads import REASONS, VALUE_COMPS
from leadflow_pipelines.sales_history import cut_history, holds_no_home, sales_of_homes, tell_apart
from leadflow_pipelines.scoring import SCORECARD_VERSION, MarketModels, MotivationModel
from leadflow_pipelines.scoring.allowed_features import SIGNALS
from leadflow_pipelines.scoring.features import parcel_features
from leadflow_pipelines.scoring.market_models import without_terms
from leadflow_pipelines.scoring.scorecard import MOST_POINTS, RULES
from leadflow_pipelines.training.candidates import market_name
from leadflow_pipelines.training.model_registry import CurrentModel
from leadflow_pipelines.training.train_motivation import LEARNED
from leadflow_pipelines.valuation import VALUES_SCHEMA, after_repair_values, deal_scores

POINTS_PER_DOUBLING: Final = 10
MOST_MODEL_POINTS: Final = 30
"""A chance eight times the market's base rate and more: as much as the scorecard's strongest signal and a bit."""
MOST_MODEL_REASONS: Final = 3
LEAST_TOLD: Final = math.log(1.1)
"""What multiplies the odds by less is no reason to anybody."""
SCORECARD_SIGNALS: Final = frozenset(name for rule in RULES for name in rule.applies.meta.root_names()) & {*SIGNALS}
"""Signals that the scorecard gives points for."""
NO_HISTORY: Final = "refused: no sales history in this market"


def add_values(leads: pl.DataFrame, subjects: pl.DataFrame, current: CurrentModel) -> pl.DataFrame:
    """`leads` (ENRICHED_LEADS) with value, interval, method and comps, row for row.

    subjects: `properties_on_record` of the leads. A home the model refuses has no value, and value_method says why.
    Where old sales were accepted it names the day of the prices.
    """
    inside = subjects.filter(market_name().is_in(list(current.markets)))
    values: pl.DataFrame = current.model.estimate(inside.select(pl.exclude("zip", "county_fips")))
    comps = values["comps"].list.eval(
        pl.struct(pl.element().struct.field(name).cast(dtype) for name, dtype in VALUE_COMPS.items())
    )
    found = values.with_columns(comps.alias("comps")).rename({"parcel_id": "property_id"})
    refused = pl.col("method").str.starts_with("refused")
    priced = (
        pl.format("{}, prices of {}", "method", pl.lit(str(current.last_day))) if current.is_old else pl.col("method")
    )
    valued = leads.join(found, on="property_id", how="left", maintain_order="left").with_columns(
        pl.col("value_cents").alias("estimated_value_cents"),
        pl.col("low_cents").alias("value_low_cents"),
        pl.col("high_cents").alias("value_high_cents"),
        pl.when(refused).then("method").otherwise(priced).fill_null(NO_HISTORY).alias("value_method"),
        pl.col("comps").alias("value_comps"),
    )
    return ENRICHED_LEADS.conform(valued)


def add_chances(
    scores: pl.DataFrame, leads: pl.DataFrame, subjects: pl.DataFrame, sales: pl.DataFrame, current: CurrentModel
) -> pl.DataFrame:
    """`scores` (LEAD_SCORES of `leads`) with probability, the model's points and reasons, ranked anew.

    sales: `recorded_sales` until the day of the leads; those learned of after the training count as the latest sales
    of their homes, though nothing is fitted again. A model of old sales that were accepted speaks of the end of its
    data, and says so. A home without a sale on record, one in a market without a history, publicly owned property and
    what is no home keep the scorecard's score, and model_version says so.
    """
    signals = leads.select(pl.col("property_id").alias("parcel_id"), *_signals(leads), "owner_type")
    asked = subjects.join(signals, on="parcel_id", how="inner", maintain_order="left").filter(
        market_name().is_in(list(current.markets))
        & (pl.col("owner_type") != "public")
        & ~holds_no_home(pl.col("land_use"))
    )
    day = _day(leads)
    if day is None or asked.is_empty():
        return scores
    markets = asked.select(market_name()).to_series()
    models = models_on(current, sales, day, markets=markets.unique().to_list())
    told = _told(MarketModels(models), asked.drop("zip", "county_fips", "owner_type"), markets)
    ends = {name: model.as_of for name, model in models.items() if current.is_of_old_sales(model.as_of)}
    chances = _as_reasons(told.with_columns(_since(ends)))
    joined = scores.drop("probability").join(chances, on="property_id", how="left", maintain_order="left")
    is_scored = pl.col("probability").is_not_null()
    added = joined.with_columns(
        (pl.col("points") + pl.col("model_points").fill_null(0)).clip(upper_bound=MOST_POINTS).cast(pl.Int32),
        pl.when(is_scored).then(_most_first()).otherwise("reasons").alias("reasons"),
        pl.when(is_scored)
        .then(pl.lit(f"{SCORECARD_VERSION}+{current.version}"))
        .otherwise("model_version")
        .alias("model_version"),
    )
    return LEAD_SCORES.conform(_ranked(added, leads)).sort("zip", "rank_in_zip")


def add_deal_scores(scores: pl.DataFrame, leads: pl.DataFrame, current: CurrentModel) -> pl.DataFrame:
    """`scores` with deal_score where the lead is a home with a value: medium repairs, see `DealAssumptions`."""
    valued = leads.filter(pl.col("estimated_value_cents").is_not_null() & ~holds_no_home(pl.col("land_use")))
    subjects = valued.select(pl.col("property_id").alias("parcel_id"), pl.col("living_sqft"))
    values = valued.select(
        pl.col("property_id").alias("parcel_id"), pl.col("estimated_value_cents").alias("value_cents"),
        pl.col("value_low_cents").alias("low_cents"), pl.col("value_high_cents").alias("high_cents"),
        pl.lit([], VALUES_SCHEMA["comps"]).alias("comps"), pl.col("value_method").alias("method"),
    )  # fmt: skip
    repaired = after_repair_values(values, subjects, current.model.renovated)
    deals = deal_scores(values.select("parcel_id", "value_cents").hstack(repaired.drop("parcel_id")))
    found = deals.select(pl.col("parcel_id").alias("property_id"), pl.col("deal_score").cast(pl.Float64))
    joined = scores.drop("deal_score").join(found, on="property_id", how="left", maintain_order="left")
    return LEAD_SCORES.conform(joined)


def models_on(
    current: CurrentModel, sales: pl.DataFrame, day: dt.date, *, markets: Collection[str | None] | None = None
) -> dict[str, MotivationModel]:
    """Market → its model as it sees the homes on `day`; one of old sales stays as of the end of its data.

    sales: `recorded_sales` until `day`. markets: only these. The markets of `current` that may use it, sorted.
    """
    wanted = [name for name in current.model.models if name in current.markets and (markets is None or name in markets)]
    here = sales_of_homes(sales).with_columns(market_name()).filter(pl.col("market").is_in(wanted))
    by_market = here.partition_by("market", as_dict=True)
    models = {}
    for name in wanted:
        model: MotivationModel = current.model.models[name]
        is_still = (name,) not in by_market or current.is_of_old_sales(model.as_of)
        models[name] = model if is_still else with_sales_until(model, by_market[name,], day)
    return models


def with_sales_until(model: MotivationModel, sales: pl.DataFrame, day: dt.date) -> MotivationModel:
    """The model as it would see the homes on `day`: its terms as they were fitted, every home's deeds as known now."""
    history = tell_apart(cut_history(sales, day))
    facts = parcel_features(history, buildings_are_dated=bool(model.window["buildings_are_dated"]))
    return replace(model, facts=facts, as_of=day)


def _day(leads: pl.DataFrame) -> dt.date | None:
    day = leads["day"].max()
    return day if isinstance(day, dt.date) else None


def _signals(leads: pl.DataFrame) -> list[str]:
    """The signals of the model's allow-list that a lead's row has."""
    return [name for name in SIGNALS if name in leads.columns]


def _told(models: MarketModels, subjects: pl.DataFrame, markets: pl.Series) -> pl.DataFrame:
    """Scores of the homes that a model knows, with `beside`: the chance as if the signals that the scorecard gives
    points for told nothing, so that none of them is counted twice."""
    bare = {name: without_terms(model, SCORECARD_SIGNALS) for name, model in models.models.items()}
    beside = MarketModels(bare).score(subjects, markets)["probability"].alias("beside")
    known = pl.Series([name for name in markets if name in models.models], dtype=pl.String).alias("market")
    told = models.score(subjects, markets).with_columns(beside, known).filter(pl.col("method").is_in(LEARNED))
    return told.rename({"parcel_id": "property_id"})


def _since(ends: Mapping[str, dt.date]) -> pl.Expr:
    """`since`: the day from which a chance's 12 months run where that is not the day itself, in words."""
    words = {market: f"of {end - dt.timedelta(days=1)} " for market, end in ends.items()}
    return pl.col("market").replace_strict(words, default="", return_dtype=pl.String).alias("since")


def _as_reasons(told: pl.DataFrame) -> pl.DataFrame:
    """property_id, probability, model_points, model_reasons: the chance with its points, then what speaks for it.

    A reason that hardly moves the odds, or that the scorecard tells with points, is not told again.
    """
    lift = pl.col("probability") / pl.col("base_rate")
    doublings = (pl.col("beside") / pl.col("base_rate")).log(2)
    points = (doublings * POINTS_PER_DOUBLING).round().clip(0, MOST_MODEL_POINTS).cast(pl.Int32)
    text = pl.format(
        "Chance of a sale within 12 months {}{} %, {} times the market's {} %",
        "since", (pl.col("probability") * 100).round(1), lift.round(1), (pl.col("base_rate") * 100).round(1),
    )  # fmt: skip
    chance = pl.struct(pl.lit("model").alias("signal"), points.alias("points"), text.alias("text"))
    element = pl.element().struct
    is_told = (element.field("log_odds") >= LEAST_TOLD) & ~element.field("feature").is_in(sorted(SCORECARD_SIGNALS))
    speaking = (
        pl.col("reasons")
        .list.eval(pl.element().filter(is_told))
        .list.eval(
            pl.struct(
                pl.format("model:{}", element.field("feature")).alias("signal"),
                pl.lit(0, pl.Int32).alias("points"),
                element.field("text").alias("text"),
            )
        )
        .list.head(MOST_MODEL_REASONS)
    )
    return told.select(
        "property_id", "probability", points.alias("model_points"),
        pl.concat_list(pl.concat_list(chance).cast(REASONS), speaking.cast(REASONS)).alias("model_reasons"),
    )  # fmt: skip


def _most_first() -> pl.Expr:
    """The scorecard's reasons and the model's together, most points first; of equal points the scorecard's first."""
    both = pl.concat_list("reasons", "model_reasons")
    return both.list.eval(
        pl.element().sort_by(pl.element().struct.field("points"), descending=True, maintain_order=True)
    )


def _ranked(scores: pl.DataFrame, leads: pl.DataFrame) -> pl.DataFrame:
    """Ranks within a ZIP by points, then probability, then as the scorecard breaks its ties."""
    ties = leads.select("property_id", "stacked_list_count", "tenure_years")
    ranked = scores.join(ties, on="property_id", how="left").sort(
        ["zip", "points", "probability", "stacked_list_count", "tenure_years", "property_id"],
        descending=[False, True, True, True, True, False],
        nulls_last=True,
    )
    return ranked.with_columns((pl.int_range(pl.len()).over("zip") + 1).cast(pl.Int32).alias("rank_in_zip"))
