"""A fitted motivation model: scoring with exact reasons. Needs Polars and numpy only; fitting is elsewhere."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import APART, home_on_parcel, parcel_key, read_day, read_subjects
from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Numbers, probability
from leadflow_pipelines.scoring.allowed_features import SIGNALS
from leadflow_pipelines.scoring.features import tenure_days
from leadflow_pipelines.scoring.prior_odds import ASSUMED, assumed_contributions, logit
from leadflow_pipelines.scoring.reasons import ASSUMED_PREFIX, REASON, stories, told, write_reasons

# How a probability came about; every row says it.
METHODS: Final[dict[str, str]] = {
    "fitted": "learned from this market's own closed windows",
    "fitted_shorter_window": "learned from shorter closed windows, because the history is short, and scaled",
    "fitted_longer_window": "learned from longer closed windows, because few are sold within the horizon, and scaled",
    "borrowed": "a parent market's terms, with this market's own base rate",
    "base_rate": "too few sales to learn from: the market's rate, pulled to the prior, plus assumed signals",
    "no_sale_on_record": "the home has no sale in the history: the rate of long-held homes, plus assumed signals",
    "prior": "no history at all: an assumed national rate, plus assumed signals",
}


@dataclass(frozen=True)
class MotivationModel:
    """What `fit_motivation_model` learned. `facts`: the latest deed facts per parcel as of `as_of`.

    `held_out`: the newest closed window as scored without having seen it (chance, sold, tenure_days), for the card.
    `window`: first and last sale date, sales, parcels, training rows and sold homes behind the model.
    """

    as_of: date
    horizon_days: int
    method: str
    terms: AdditiveModel
    facts: pl.DataFrame
    base_rate: float
    unseen_rate: float
    held_out: pl.DataFrame
    window: dict[str, Any]
    model_version: str

    def score(self, subjects: pl.DataFrame, as_of: date | datetime | str | None = None) -> pl.DataFrame:
        """One row per subject, in order.

        Columns: parcel_id, probability, reasons, log_odds, base_log_odds, method, model_version.
        probability: of a priced sale in [as_of, as_of + horizon_days). `reasons` (feature, log_odds, text) add up with
        base_log_odds to log_odds. Of a subject only its identity and the signals of the allow-list are used; its own
        sale_date, price and building columns are not looked at. Raises InvalidInput for an `as_of` before the fit's.
        """
        day = self.as_of if as_of is None else read_day(as_of)
        if day < self.as_of:
            raise InvalidInput(
                f"The model was fitted as of {self.as_of} and has seen sales after {day}.",
                remedy=f"Fit a model as of {day}, or score on or after {self.as_of}.",
            )
        known = read_subjects(subjects)
        features = self._features(known, subjects, day)
        is_seen = features["last_sale_date"].is_not_null().to_numpy()
        learned = (self.method not in ("base_rate", "prior")) & is_seen
        by_story, base = self._contributions(features, learned)
        log_odds = base + by_story.sum(axis=1)
        names = (*stories(tuple(term.name for term in self.terms.terms)), *(ASSUMED_PREFIX + name for name in ASSUMED))
        unseen = "no_sale_on_record" if self.method != "prior" else "prior"
        return pl.DataFrame(
            {
                "parcel_id": known["parcel_id"],
                "probability": probability(log_odds),
                "reasons": write_reasons(by_story, names, features),
                "log_odds": log_odds,
                "base_log_odds": base,
                "method": np.where(is_seen, self.method, unseen).tolist() if len(is_seen) else [],
            },
            schema_overrides={"reasons": pl.List(REASON), "method": pl.String},
        ).with_columns(pl.lit(self.model_version).alias("model_version"))

    def _contributions(self, features: pl.DataFrame, learned: Any) -> tuple[Numbers, Numbers]:
        """(rows, stories + assumed signals) and the base of each row."""
        by_term = self.terms.contributions(features) * learned[:, None]
        assumed = assumed_contributions(features) * ~learned[:, None]
        by_story = told(by_term, tuple(term.name for term in self.terms.terms))
        is_seen = features["last_sale_date"].is_not_null().to_numpy()
        unlearned = np.where(is_seen, logit(self.base_rate), logit(self.unseen_rate))
        return np.hstack([by_story, assumed]), np.where(learned, self.terms.intercept, unlearned)

    def _features(self, known: pl.DataFrame, subjects: pl.DataFrame, day: date) -> pl.DataFrame:
        keys = pl.DataFrame({"key": self._home_keys(known), "address_key": _address_key(known)})
        by_key = keys.join(self.facts.drop("address_key"), on="key", how="left", maintain_order="left")
        if known["parcel_id"].null_count() and self.facts.height:
            by_key = self._found_by_address(keys, by_key, known["parcel_id"].is_null())
        signals = [_signal(subjects, name) for name in SIGNALS if name in subjects.columns]
        return by_key.with_columns(tenure_days(day).alias("tenure_days"), *signals)

    def _home_keys(self, known: pl.DataFrame) -> pl.Series:
        """Parcel keys; on a parcel of several homes that of the home at the address, else of the one sold last."""
        keys = known.select(parcel_key(known), home=home_on_parcel())
        homes = self.facts.filter(pl.col("key").str.contains(APART, literal=True)).select("key", "last_sale_date")
        if homes.is_empty():
            return keys["key"]
        newest = homes.sort("last_sale_date", "key").select(
            pl.col("key").alias("newest"), pl.col("key").str.split(APART).list.first().alias("parcel")
        )
        newest = newest.unique("parcel", keep="last", maintain_order=True)
        placed = keys.join(newest, left_on="key", right_on="parcel", how="left", maintain_order="left")
        is_known = pl.col("home").is_in(homes["key"].implode())
        return placed.select(pl.when(is_known).then("home").otherwise(pl.coalesce("newest", "key")).alias("key"))["key"]

    def _found_by_address(self, keys: pl.DataFrame, by_key: pl.DataFrame, is_nameless: pl.Series) -> pl.DataFrame:
        """Subjects without a parcel number take the facts of the one parcel at their address."""
        once = self.facts.filter(pl.col("address_key").is_not_null() & pl.col("address_key").is_unique()).drop("key")
        by_address = keys.join(once, on="address_key", how="left", maintain_order="left")
        takes = is_nameless & by_key["last_sale_date"].is_null()
        facts = [name for name in by_key.columns if name not in ("key", "address_key")]
        return by_key.with_columns(by_address[name].zip_with(takes, by_key[name]) for name in facts)


def _address_key(known: pl.DataFrame) -> pl.Series:
    return parcel_key(known.select(pl.lit(None, pl.String).alias("parcel_id"), "address"))


def _signal(subjects: pl.DataFrame, name: str) -> pl.Series:
    values = subjects[name]
    if not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null)):
        raise InvalidInput(f"Subjects' {name} is {values.dtype}, not true/false or a number.")
    return values.cast(pl.Float64).fill_nan(None)
