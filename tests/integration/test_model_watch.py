"""What one look at the models finds in a lake: signals whose source fell silent, each market by its name."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from leadflow_pipelines.contracts import ENRICHED_LEADS, PROPERTY_RECORDS
from leadflow_pipelines.contracts.outcomes import LEAD_OUTCOMES
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.lake import Lake, open_lake
from leadflow_pipelines.model_watch import ModelWatch, watch_models
from leadflow_pipelines.scoring import MarketModels, fit_motivation_model
from leadflow_pipelines.scoring.additive_terms import AdditiveModel, Term
from leadflow_pipelines.scoring.binning import Binning
from leadflow_pipelines.settings import Settings
from leadflow_pipelines.training.model_registry import add_version, pack, write_artefact
from tests.invented_sales import invent_sales
from tests.recorded_market import record_market

TRAINED_ON, TODAY = dt.date(2026, 3, 2), dt.date(2026, 11, 20)
ZIP, OTHER = "37206", "37211"
MARKET = "47037"


@pytest.fixture
def lake(settings: Settings, org: Org) -> Lake:
    return open_lake(settings, org.slug)


@pytest.fixture
def look(lake: Lake) -> Callable[[], ModelWatch]:
    """A look at an org whose model learned, eight months ago, that homes on the tax list sell more often."""
    record_market(lake, day=TODAY, zip_code=ZIP, parcels=600)
    fitted = fit_motivation_model(invent_sales(300), dt.date(2022, 12, 1))
    term = Term(("is_tax_delinquent",), np.array([0.0, -0.1, 0.4]))
    terms = AdditiveModel(0.0, {"is_tax_delinquent": Binning("is_tax_delinquent", edges=(0.5,))}, (term,))
    model = replace(fitted, terms=terms, as_of=TRAINED_ON)
    models = MarketModels({MARKET: model})
    artefact = pack("motivation", TRAINED_ON, models, models)
    write_artefact(lake, "motivation", artefact)
    row = {
        "day": TRAINED_ON, "kind": "motivation", "version": artefact.version, "verdict": "promoted",
        "because": "invented", "first_sale": None, "last_sale": None, "sales": 0, "markets": [MARKET],
        "window_start": None, "window_end": None, "metrics": "{}", "card": "", "sha256": artefact.sha256,
        "trained_at": dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC), "run_id": None,
    }  # fmt: skip
    add_version(lake, row)
    return lambda: watch_models(lake, LEAD_OUTCOMES.empty(), today=TODAY)


def work(lake: Lake, day: dt.date, *, listed: float | None, zip_code: str = ZIP) -> None:
    """A day's leads of a ZIP, a share of them on the tax list; None: no source speaks of it."""
    rows = pl.DataFrame({"property_id": [f"p{zip_code}{number}" for number in range(200)]}).with_columns(
        zip=pl.lit(zip_code), day=pl.lit(day),
        is_tax_delinquent=pl.lit(None) if listed is None else pl.int_range(pl.len()) < listed * pl.len(),
    )  # fmt: skip
    lake.replace(ENRICHED_LEADS, ENRICHED_LEADS.conform(rows), day=day, where=pl.col("zip") == zip_code)


def moved(watch: ModelWatch) -> list[str]:
    """The alerts of drift; the invented market also sells more from year to year."""
    return [alert for alert in watch.alerts("motivation") if "has moved" in alert]


def test_a_signal_whose_source_fell_silent_raises_an_alert(lake: Lake, look: Callable[[], ModelWatch]) -> None:
    work(lake, TRAINED_ON, listed=0.1)
    work(lake, TODAY - dt.timedelta(days=2), listed=0.11)
    assert moved(look()) == []
    work(lake, TODAY, listed=None)
    watch = look()
    (alert,) = moved(watch)
    assert alert.startswith(f"{MARKET}: is_tax_delinquent has moved")
    (row,) = watch.rows.iter_rows(named=True)
    assert row["drift_feature"] == "is_tax_delinquent"
    assert "drift" in row["alert_codes"]


def test_a_zip_that_was_not_worked_at_both_times_says_nothing(lake: Lake, look: Callable[[], ModelWatch]) -> None:
    work(lake, TRAINED_ON, listed=0.1)
    work(lake, TODAY - dt.timedelta(days=5), listed=0.1)
    work(lake, TODAY, listed=0.9, zip_code=OTHER)
    assert moved(look()) == []


def test_a_market_without_sales_any_more_is_passed_over(lake: Lake, look: Callable[[], ModelWatch]) -> None:
    work(lake, TRAINED_ON, listed=0.1)
    work(lake, TODAY, listed=0.1)
    assert look().drift.height == 1
    lake.change_rows(PROPERTY_RECORDS, pl.col("zip") == ZIP)
    watch = look()
    assert moved(watch) == []
    assert watch.drift.is_empty()
