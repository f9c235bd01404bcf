"""Models of a lake: trained, judged, promoted or kept back, stored so that nothing half-written ever serves."""

import datetime as dt
import functools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from leadflow_pipelines.contracts import ENRICHED_LEADS
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.recorded_sales import properties_on_record, recorded_sales
from leadflow_pipelines.sales_history import SALES_SCHEMA
from leadflow_pipelines.scoring import MarketModels, MotivationModel, fit_motivation_model
from leadflow_pipelines.training import current_model, model_registry, model_versions, train_model
from leadflow_pipelines.training.apply_models import add_values, with_sales_until
from leadflow_pipelines.training.candidates import Candidate, Judgement, end_of_data
from leadflow_pipelines.training.model_files import from_files, to_files
from leadflow_pipelines.training.train_motivation import train_motivation
from leadflow_pipelines.training.train_values import train_values
from leadflow_pipelines.valuation import ValueModel, fit_value_model
from tests.recorded_market import record_market

pytestmark = pytest.mark.timeout(600)
DAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with the sales of four years and nothing trained; tests copy it."""
    lake = Lake(str(tmp_path_factory.mktemp("market") / "lake"))
    record_market(lake, day=DAY)
    return lake


@pytest.fixture(scope="module")
def trained(market: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same market with both models trained; tests only look."""
    lake = copy_of(market, tmp_path_factory.mktemp("trained"))
    for kind in ("motivation", "value"):
        train(lake, kind)
    return lake


@pytest.fixture
def lake(market: Lake, tmp_path: Path) -> Lake:
    return copy_of(market, tmp_path)


def copy_of(lake: Lake, folder: Path) -> Lake:
    shutil.copytree(lake.root, folder / "lake")
    return Lake(str(folder / "lake"))


def train(lake: Lake, kind: str = "motivation", **more: Any) -> dict[str, Any]:
    return train_model(lake, kind, **{"day": DAY, "now": NOW, "run_id": "run", **more})


@pytest.fixture(scope="module")
def fitted(trained: Lake) -> MotivationModel:
    """What the market's deeds taught; recipes below apply it to other days without learning it again."""
    current = current_model(trained, "motivation")
    assert current is not None
    return current.model.models["47037"]  # type: ignore[no-any-return]


def recipe_of(fitted: MotivationModel, *, peeking: int = 0) -> Callable[..., dict[str, MotivationModel]]:
    """Fits nothing: the fitted terms over each market's homes as its sales tell of them. peeking: days that it looks
    beyond the day it is said to be as of."""

    def recipe(
        sales: dict[str, pl.DataFrame], as_of: dict[str, dt.date], *_: Any, **__: Any
    ) -> dict[str, MotivationModel]:
        until = {market: day + dt.timedelta(days=peeking) for market, day in as_of.items()}
        return {
            market: replace(with_sales_until(fitted, own, until[market]), as_of=as_of[market])
            for market, own in sales.items()
        }

    return recipe


def test_a_model_that_beats_the_baselines_is_promoted_and_serves(trained: Lake) -> None:
    for kind in ("motivation", "value"):
        (row,) = model_versions(trained, kind).rows(named=True)
        assert (row["verdict"], row["run_id"], row["markets"]) == ("promoted", "run", ["47037"])
        assert row["window_end"] == row["last_sale"] + dt.timedelta(days=1)
        current = current_model(trained, kind)
        assert current is not None
        assert (current.version, current.trained_on) == (row["version"], DAY)
        assert current.model is current_model(trained, kind).model  # type: ignore[union-attr]


def test_what_is_read_back_answers_as_what_was_fitted(trained: Lake, market: Lake) -> None:
    sales = recorded_sales(market, day=DAY).select(*SALES_SCHEMA)
    end = end_of_data(sales["sale_date"])
    homes = properties_on_record(market, day=DAY).select(*SALES_SCHEMA).head(50)
    value, motivation = (current_model(trained, kind).model for kind in ("value", "motivation"))  # type: ignore[union-attr]
    assert value.estimate(homes).equals(fit_value_model(sales, end).estimate(homes))
    fitted = fit_motivation_model(sales.sample(fraction=1, shuffle=True, seed=5), end)
    assert motivation.models["47037"].score(homes).equals(fitted.score(homes))


def test_the_same_lake_gives_the_same_version(trained: Lake, tmp_path: Path) -> None:
    (first,) = model_versions(trained, "motivation").rows(named=True)
    lake = copy_of(trained, tmp_path)
    again = train(lake, now=NOW + dt.timedelta(hours=1), run_id="another")
    assert (again["version"], again["sha256"], again["verdict"]) == (first["version"], first["sha256"], "promoted")
    assert model_versions(lake, "motivation").height == 1


def test_a_day_before_the_training_has_no_model(trained: Lake) -> None:
    assert current_model(trained, "value", day=DAY - dt.timedelta(days=1)) is None
    assert current_model(trained, "value", day=DAY + dt.timedelta(days=1)) is not None


def test_a_worse_candidate_is_kept_back(lake: Lake, fitted: MotivationModel) -> None:
    turned = tuple(replace(term, log_odds=-term.log_odds) for term in fitted.terms.terms)
    worse = replace(fitted, terms=replace(fitted.terms, terms=turned))

    row = train(lake, trainer=functools.partial(train_motivation, recipe=recipe_of(worse)))
    assert row["verdict"] == "kept_back"
    assert "no better than the base rate" in row["because"]
    assert "looks ahead" not in row["because"]
    assert "kept back" in row["card"]
    assert current_model(lake, "motivation") is None


def test_a_leaky_candidate_is_kept_back_however_good(lake: Lake, fitted: MotivationModel) -> None:
    row = train(lake, trainer=functools.partial(train_motivation, recipe=recipe_of(fitted, peeking=365)))
    assert row["verdict"] == "kept_back"
    assert row["because"].endswith("its scores change when later sales are in the file: it looks ahead.")
    assert current_model(lake, "motivation") is None


def test_values_worse_than_the_neighbourhood_or_leaky_are_kept_back(lake: Lake, trained: Lake) -> None:
    good = current_model(trained, "value")
    assert good is not None

    def dearer(by: float) -> ValueModel:
        return replace(good.model, calibration=replace(good.model.calibration, shift=good.model.calibration.shift + by))

    def overprices(_sales: pl.DataFrame, _as_of: dt.date) -> ValueModel:
        return dearer(0.7)

    def peeks(sales: pl.DataFrame, as_of: dt.date) -> ValueModel:
        return dearer(0.01 if sales.filter(pl.col("sale_date") >= as_of).height else 0.0)

    row = train(lake, "value", trainer=functools.partial(train_values, recipe=overprices))
    assert row["verdict"] == "kept_back"
    assert "the neighbourhood's median by" in row["because"]
    row = train(lake, "value", trainer=functools.partial(train_values, recipe=peeks))
    assert row["verdict"] == "kept_back"
    assert "looks ahead" in row["because"]
    assert current_model(lake, "value") is None


def test_a_candidate_worse_than_the_current_model_is_kept_back(
    trained: Lake, fitted: MotivationModel, tmp_path: Path
) -> None:
    """Still better than chance, but without the price paid, the strongest of what the current model knows."""
    lake = copy_of(trained, tmp_path)
    kept = tuple(term for term in fitted.terms.terms if not term.name.startswith("price_vs"))
    coarse = replace(fitted, terms=replace(fitted.terms, terms=kept))

    later = NOW + dt.timedelta(hours=1)
    row = train(lake, trainer=functools.partial(train_motivation, recipe=recipe_of(coarse)), now=later)
    assert row["verdict"] == "kept_back"
    assert "worse than the current model" in row["because"]
    still, before = (current_model(one, "motivation") for one in (lake, trained))
    assert still is not None
    assert before is not None
    assert still.version == before.version


@pytest.mark.parametrize("kind", ["motivation", "value"])
def test_without_history_there_is_no_model_and_the_reason_is_said(tmp_path: Path, kind: str) -> None:
    empty = Lake(str(tmp_path / "empty"))
    assert train(empty, kind)["because"] == "No model: the lake holds no dated sale."
    few = Lake(str(tmp_path / "few"))
    record_market(few, day=DAY, parcels=40)
    row = train(few, kind)
    assert row["verdict"] == "no_history"
    assert row["sha256"] is None
    assert row["markets"] == []
    assert current_model(few, kind) is None


def test_the_data_end_where_recording_ends() -> None:
    """A recorder that is months behind leaves months that were not without sales; a few strays are not years."""
    daily = pl.date_range(dt.date(2024, 1, 1), dt.date(2026, 6, 30), eager=True)
    days = pl.concat([daily] * 4)
    assert end_of_data(days) == dt.date(2026, 7, 1)
    begun = pl.date_range(dt.date(2026, 7, 1), dt.date(2026, 8, 31), "2d", eager=True)
    assert dt.date(2026, 6, 20) <= end_of_data(pl.concat([days, begun])) <= dt.date(2026, 7, 10)
    strays = pl.Series([dt.date(2029, 1, 5), dt.date(2029, 3, 7)])
    assert end_of_data(pl.concat([days, strays])) == dt.date(2026, 7, 1)
    few = pl.date_range(dt.date(2024, 1, 1), dt.date(2026, 6, 30), "4d", eager=True)
    assert end_of_data(few) == few.max() + dt.timedelta(days=1)  # type: ignore[operator]


def test_sales_that_ended_long_ago_teach_only_whoever_asks_for_them(tmp_path: Path) -> None:
    """And what they teach is labelled with their day, everywhere it is said."""
    lake = Lake(str(tmp_path / "old"))
    record_market(lake, day=DAY, until=DAY - dt.timedelta(days=450))
    for kind in ("motivation", "value"):
        row = train(lake, kind)
        assert row["verdict"] == "no_history"
        assert "the sales end on 2025-08" in row["because"]
        assert "--accept-old-sales" in row["because"]
        assert current_model(lake, kind) is None
    row = train(lake, "value", accept_old_sales=True)
    assert row["verdict"] == "promoted"
    current = current_model(lake, "value")
    assert current is not None
    assert current.is_old
    assert current.data_end == row["window_end"] <= DAY - dt.timedelta(days=450)
    assert row["card"].index("Old sales") < row["card"].index("Verdict")
    subjects = properties_on_record(lake, day=DAY)
    leads = ENRICHED_LEADS.conform(subjects.select(pl.col("parcel_id").alias("property_id"), "zip"))
    valued = add_values(leads, subjects, current).drop_nulls("estimated_value_cents")
    assert valued.height > 300
    assert valued["value_method"].str.ends_with(f", prices of {current.last_day}").all()


@pytest.fixture(scope="module")
def ready(trained: Lake) -> Any:
    """A trainer whose candidate has been fitted and promoted already."""
    (row,) = model_versions(trained, "value").rows(named=True)
    current = current_model(trained, "value")
    assert current is not None
    candidate = Candidate(Judgement("promoted", "As before."), current.model, model_registry.stand_in_of(trained, row))
    return lambda *_, **__: candidate


def test_a_kill_between_artefact_and_row_leaves_nothing_that_serves(
    lake: Lake, ready: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("leadflow_pipelines.training.train_models.add_version", die)
        with pytest.raises(KeyboardInterrupt):
            train(lake, "value", trainer=ready)
    (orphan,) = Path(lake.root, "models/value").iterdir()
    assert current_model(lake, "value") is None
    assert train(lake, "value", trainer=ready)["version"] == orphan.name
    assert current_model(lake, "value") is not None


def test_a_kill_among_the_files_is_written_over(lake: Lake, ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write = model_registry._write

    def die(lake: Lake, path: str, data: bytes) -> None:
        if path.endswith(model_registry.MANIFEST):
            raise KeyboardInterrupt
        write(lake, path, data[:10])

    with monkeypatch.context() as patched:
        patched.setattr(model_registry, "_write", die)
        with pytest.raises(KeyboardInterrupt):
            train(lake, "value", trainer=ready)
    train(lake, "value", trainer=ready)
    assert current_model(lake, "value") is not None


def test_a_changed_file_is_refused(trained: Lake, tmp_path: Path) -> None:
    lake = copy_of(trained, tmp_path)
    (file,) = Path(lake.root, "models/value").glob("*/model/value_model.zip")
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(InvalidInput, match="not what was written"):
        current_model(lake, "value")
    (manifest,) = Path(lake.root, "models/motivation").glob("*/manifest.json")
    manifest.write_bytes(manifest.read_bytes().replace(b"motivation", b"value"))
    with pytest.raises(InvalidInput, match="not what was written"):
        current_model(lake, "motivation")


def test_two_orgs_never_share_models(trained: Lake, tmp_path: Path) -> None:
    other = Lake(str(tmp_path / "other"))
    assert current_model(other, "motivation") is None
    twin = copy_of(trained, tmp_path)
    mine, theirs = (current_model(lake, "motivation") for lake in (trained, twin))
    assert mine is not None
    assert theirs is not None
    assert mine.version == theirs.version
    assert mine.model is not theirs.model


def test_artefacts_reach_lakes_that_are_no_folder(market: Lake, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    remote = Lake(f"file://{tmp_path}/bucket")
    one = fit_motivation_model(pl.DataFrame({"parcel_id": []}, schema={"parcel_id": pl.String}), DAY)
    model = MarketModels({"47037": one})
    artefact = model_registry.pack("motivation", DAY, model, model)
    model_registry.write_artefact(remote, "motivation", artefact)
    row = {"kind": "motivation", "version": artefact.version, "sha256": artefact.sha256}
    assert model_registry.stand_in_of(remote, row).models["47037"].model_version == one.model_version


def test_a_model_is_told_without_pickle_and_read_without_running_what_it_names() -> None:
    model = fit_motivation_model(pl.DataFrame({"parcel_id": []}, schema={"parcel_id": pl.String}), DAY)
    files = to_files(model)
    assert to_files(from_files(files)) == files
    for wrong in (b"subprocess:Popen", b"leadflow_pipelines.scoring.motivation_model:MotivationModule"):
        named = files["model.json"].replace(b"leadflow_pipelines.scoring.motivation_model:MotivationModel", wrong)
        with pytest.raises(InvalidInput, match="another release"):
            from_files({**files, "model.json": named})
    with pytest.raises(TypeError, match="no plain form"):
        to_files(replace(model, terms=print))  # type: ignore[arg-type]
