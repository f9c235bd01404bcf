"""Models of a lake: trained, judged, promoted or kept back, stored so that nothing half-written ever serves."""

import datetime as dt
import functools
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.recorded_sales import properties_on_record, recorded_sales
from leadflow_pipelines.sales_history import SALES_SCHEMA
from leadflow_pipelines.scoring import MotivationModel, fit_motivation_model
from leadflow_pipelines.training import current_model, model_registry, model_versions, train_model
from leadflow_pipelines.training.candidates import Candidate, Judgement
from leadflow_pipelines.training.model_files import from_files, to_files
from leadflow_pipelines.training.train_motivation import train_motivation
from leadflow_pipelines.training.train_values import train_values
from leadflow_pipelines.valuation import ValueModel, fit_value_model
from tests.recorded_market import record_market

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


def turned_around(sales: pl.DataFrame, as_of: dt.date, horizon: int) -> MotivationModel:
    """A recipe that takes every sign for its opposite."""
    model = fit_motivation_model(sales, as_of, horizon)
    terms = tuple(replace(term, log_odds=-term.log_odds) for term in model.terms.terms)
    return replace(model, terms=replace(model.terms, terms=terms))


def peeking(sales: pl.DataFrame, as_of: dt.date, horizon: int) -> MotivationModel:
    """A recipe that uses every sale it is given, later ones too."""
    model = fit_motivation_model(sales, as_of + dt.timedelta(days=30), horizon)
    return replace(model, as_of=as_of)


def overpricing(sales: pl.DataFrame, as_of: dt.date) -> ValueModel:
    """A recipe that learned from prices twice as high."""
    return fit_value_model(sales.with_columns(pl.col("sale_price_cents") * 2), as_of)


def peeking_values(sales: pl.DataFrame, as_of: dt.date) -> ValueModel:
    return fit_value_model(sales, as_of + dt.timedelta(days=30))


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
    homes = properties_on_record(market, day=DAY).select(*SALES_SCHEMA).head(50)
    value, motivation = (current_model(trained, kind).model for kind in ("value", "motivation"))  # type: ignore[union-attr]
    assert value.estimate(homes).equals(fit_value_model(sales, DAY).estimate(homes))
    fitted = fit_motivation_model(sales.sample(fraction=1, shuffle=True, seed=5), DAY)
    assert motivation.score(homes).equals(fitted.score(homes))


def test_the_same_lake_gives_the_same_version(trained: Lake, lake: Lake) -> None:
    again = train(lake, now=NOW + dt.timedelta(hours=1), run_id="another")
    (first,) = model_versions(trained, "motivation").rows(named=True)
    assert (again["version"], again["sha256"], again["card"]) == (first["version"], first["sha256"], first["card"])


def test_a_day_before_the_training_has_no_model(trained: Lake) -> None:
    assert current_model(trained, "value", day=DAY - dt.timedelta(days=1)) is None
    assert current_model(trained, "value", day=DAY + dt.timedelta(days=1)) is not None


@pytest.mark.parametrize(
    ("kind", "recipe", "why"),
    [
        ("motivation", turned_around, "no better than the base rate"),
        ("motivation", peeking, "looks ahead"),
        ("value", overpricing, "the neighbourhood's median by"),
        ("value", peeking_values, "looks ahead"),
    ],
)
def test_a_worse_or_leaky_candidate_is_kept_back(lake: Lake, kind: str, recipe: Any, why: str) -> None:
    trainer = train_motivation if kind == "motivation" else train_values
    row = train(lake, kind, trainer=functools.partial(trainer, recipe=recipe))
    assert row["verdict"] == "kept_back"
    assert why in row["because"]
    assert current_model(lake, kind) is None
    assert "kept back" in row["card"]


def test_a_candidate_worse_than_the_current_model_is_kept_back(trained: Lake, tmp_path: Path) -> None:
    lake = copy_of(trained, tmp_path)

    def coarser(sales: pl.DataFrame, as_of: dt.date, horizon: int) -> MotivationModel:
        """Still better than chance, but it forgot the strongest half of what the current model knows."""
        model = fit_motivation_model(sales, as_of, horizon)
        kept = tuple(term for term in model.terms.terms if not term.name.startswith("price_vs"))
        return replace(model, terms=replace(model.terms, terms=kept))

    serving = current_model(lake, "motivation")
    assert serving is not None
    row = train(lake, trainer=functools.partial(train_motivation, recipe=coarser), now=NOW + dt.timedelta(hours=1))
    assert row["verdict"] == "kept_back"
    assert "worse than the current model" in row["because"]
    still = current_model(lake, "motivation")
    assert still is not None
    assert still.version == serving.version
    assert train(lake, now=NOW + dt.timedelta(hours=2))["verdict"] == "promoted"


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
    remote = Lake(f"file://{tmp_path}/bucket")
    model = fit_motivation_model(pl.DataFrame({"parcel_id": []}, schema={"parcel_id": pl.String}), DAY)
    artefact = model_registry.pack("motivation", DAY, model, model)
    model_registry.write_artefact(remote, "motivation", artefact)
    row = {"kind": "motivation", "version": artefact.version, "sha256": artefact.sha256}
    assert model_registry.stand_in_of(remote, row).model_version == model.model_version


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
