"""A model of a date knows nothing of later rows: the same bits with and without them, and the canary that sings."""

from datetime import date, timedelta

import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.sales_history import SALE_DATE, cut_history, read_subjects
from leadflow_pipelines.scoring import features, fit_motivation_model
from leadflow_pipelines.scoring.allowed_features import ALLOWED, DENIED, SIGNALS, require_allowed
from tests.unit.motivation_market import homes_of, market

AS_OF = date(2018, 1, 1)


@pytest.fixture(scope="module")
def sales() -> pl.DataFrame:
    return market()


def scores(sales: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    return fit_motivation_model(given, AS_OF).score(homes_of(sales, AS_OF), AS_OF)


@pytest.fixture(scope="module")
def honest(sales: pl.DataFrame) -> pl.DataFrame:
    return scores(sales, sales.filter(pl.col(SALE_DATE) < AS_OF))


def test_later_rows_change_no_bit(sales: pl.DataFrame, honest: pl.DataFrame) -> None:
    assert scores(sales, sales).equals(honest)


def test_invented_later_rows_change_no_bit(sales: pl.DataFrame, honest: pl.DataFrame) -> None:
    strangers = sales.head(500).with_columns(
        pl.lit(AS_OF).alias(SALE_DATE),
        pl.format("{}-X", "parcel_id").alias("parcel_id"),
        pl.lit("NEWLAND").alias("neighborhood"),
        pl.lit("CASTLE").alias("land_use"),
        pl.lit(99_000_000_000).alias("sale_price_cents"),
    )
    assert scores(sales, pl.concat([strangers, sales])).equals(honest)


def test_order_of_rows_changes_no_bit(sales: pl.DataFrame, honest: pl.DataFrame) -> None:
    assert scores(sales, sales.sample(fraction=1.0, shuffle=True, seed=3)).equals(honest)


def test_canary_sings_when_a_feature_looks_ahead(
    sales: pl.DataFrame, honest: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feature that counts all of a parcel's sales, later ones too, must be found out by the test above."""
    counted = sales.group_by(pl.col("parcel_id").alias("key")).agg(pl.len().cast(pl.Float64).alias("leak"))
    see_all = features._named

    def look_ahead(latest: pl.DataFrame) -> pl.DataFrame:
        joined = see_all(latest).join(counted, on="key", how="left", maintain_order="left")
        return joined.with_columns(pl.col("leak").alias("earlier_sales")).drop("leak")

    monkeypatch.setattr(features, "_named", look_ahead)
    assert not scores(sales, sales).equals(honest)


def test_history_cannot_grow_back(sales: pl.DataFrame) -> None:
    history = cut_history(sales, AS_OF)
    assert history.sales[SALE_DATE].max() < AS_OF
    with pytest.raises(InvalidInput, match="ends at 2018-01-01"):
        history.before(AS_OF + timedelta(days=1))


def test_what_a_subject_carries_of_its_own_sale_is_not_looked_at(sales: pl.DataFrame, honest: pl.DataFrame) -> None:
    homes = homes_of(sales, AS_OF)
    telling = homes.with_columns(
        pl.lit(AS_OF + timedelta(days=90)).alias("sale_date"),
        pl.lit(10_000_000).alias("sale_price_cents"),
        pl.lit(2018).alias("year_built"),
        pl.lit(None, pl.String).alias("land_use"),
    )
    assert read_subjects(telling).select("sale_date", "sale_price_cents").null_count().row(0) == (homes.height,) * 2
    assert fit_motivation_model(sales, AS_OF).score(telling, AS_OF).equals(honest)


def test_a_model_refuses_a_date_before_its_own(sales: pl.DataFrame) -> None:
    with pytest.raises(InvalidInput, match="has seen sales after"):
        fit_motivation_model(sales, AS_OF).score(homes_of(sales, AS_OF), AS_OF - timedelta(days=1))


def test_building_columns_of_one_late_snapshot_change_no_bit(sales: pl.DataFrame, honest: pl.DataFrame) -> None:
    """The same figures on every sale of a parcel are a snapshot, and a snapshot knows what was rebuilt later."""
    resold = sales.filter(pl.len().over("parcel_id") > 1)["parcel_id"].unique()
    late = sales.with_columns(
        pl.when(pl.col("parcel_id").is_in(resold.implode())).then(2017.0).alias("year_built"),
        pl.lit(2_000.0).alias("living_sqft"),
    )
    assert scores(sales, late).drop("model_version").equals(honest.drop("model_version"))


@pytest.mark.parametrize("name", sorted(DENIED))
def test_denied_columns_are_refused(name: str) -> None:
    assert name not in ALLOWED
    with pytest.raises(InvalidInput, match=name):
        require_allowed([name])


def test_fitting_refuses_a_denied_feature(sales: pl.DataFrame) -> None:
    with pytest.raises(InvalidInput, match=r"owner_age.*age of people"):
        fit_motivation_model(sales, AS_OF, extra_features=("owner_age",))


def test_denied_columns_in_the_frames_change_no_bit(sales: pl.DataFrame, honest: pl.DataFrame) -> None:
    named = sales.with_columns(pl.lit("Ada Example").alias("owner_name"), pl.lit(71).alias("owner_age"))
    assert scores(sales, named).equals(honest)


def test_every_feature_has_its_fairness_reason() -> None:
    assert all(feature.fairness for feature in ALLOWED.values())
    assert set(SIGNALS) <= set(ALLOWED)
