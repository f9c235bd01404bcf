"""A day that nothing has changed since its last run is told from one that must be worked again."""

import datetime as dt

import polars as pl
import pytest

from assets import LIST_NAMES, ZIP_DAY_NAMES
from leadflow_pipelines.automation import receipts
from leadflow_pipelines.automation.receipts import Receipt
from leadflow_pipelines.properties import refresh_properties
from leadflow_pipelines.settings import load_settings
from leadflow_pipelines.training import train_model
from tests.assets.conftest import TODAY, ZIPS, AssetRunner, set_budgets

ENDED = dt.datetime(2026, 11, 20, 16, tzinfo=dt.UTC)


def receipt_of(runner: AssetRunner, **changed: object) -> Receipt:
    workspace = runner.workspace
    asked = {
        "zips": ZIPS, "day": TODAY, "without": (), "settings": workspace.settings,
        "decisions": refresh_properties.NO_DECISIONS, **changed,
    }  # fmt: skip
    return Receipt(lake=workspace.lake, **asked)  # type: ignore[arg-type]


def test_a_receipt_holds_for_what_was_asked_and_nothing_else(finished: AssetRunner) -> None:
    assert receipt_of(finished).settled_at() is None
    receipt_of(finished).leave(ENDED)
    assert receipt_of(finished).settled_at() == ENDED
    assert receipt_of(finished, zips=ZIPS[::-1]).settled_at() == ENDED
    assert receipt_of(finished, zips=ZIPS[:1]).settled_at() is None
    assert receipt_of(finished, day=TODAY - dt.timedelta(days=1)).settled_at() is None
    assert receipt_of(finished, without=("raw/attom",)).settled_at() is None
    said = pl.DataFrame({"left_record_id": ["a"], "right_record_id": ["b"], "decision": ["apart"]})
    assert receipt_of(finished, decisions=said).settled_at() is None


def test_other_settings_and_other_code_end_it(finished: AssetRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt_of(finished).leave(ENDED)
    kept = finished.workspace.settings.model_dump(exclude={"skip_trace_max_per_zip", "attom_base_url"})
    assert receipt_of(finished, settings=load_settings(**kept, skip_trace_max_per_zip=6)).settled_at() is None
    cleared = load_settings(**{**kept, "probate_states": "TN"}, skip_trace_max_per_zip=5)
    assert receipt_of(finished, settings=cleared).settled_at() is None
    elsewhere = load_settings(**kept, skip_trace_max_per_zip=5, attom_base_url="http://127.0.0.1:9/")
    assert receipt_of(finished, settings=elsewhere).settled_at() == ENDED
    monkeypatch.setattr(receipts, "CODE", ("leadflow_pipelines",))
    assert receipt_of(finished).settled_at() is None


def test_a_model_trained_since_ends_it(finished: AssetRunner) -> None:
    receipt_of(finished).leave(ENDED)
    train_model(finished.workspace.lake, "value", day=TODAY, now=ENDED, run_id=None)
    assert receipt_of(finished).settled_at() is None


def test_a_run_of_other_zips_ends_it(runner: AssetRunner) -> None:
    assert runner.run(ZIPS[:1]).is_whole
    receipt_of(runner, zips=ZIPS[:1]).leave(ENDED)
    assert runner.run(ZIPS[1:]).is_whole
    assert receipt_of(runner, zips=ZIPS[:1]).settled_at() is None


def test_lists_and_marts_are_made_anew_on_a_settled_day(runner: AssetRunner) -> None:
    assert runner.run(ZIPS).is_whole
    receipt_of(runner).leave(ENDED)
    rest = tuple(name for name in ZIP_DAY_NAMES if name not in LIST_NAMES)
    again = runner.run(ZIPS, without=rest)
    assert again.is_whole
    entries = (record.event_log_entry for record in runner.instance.get_records_for_run(again.run_ids[0]).records)
    made = {entry.asset_materialization.asset_key for entry in entries if entry.asset_materialization}
    assert made == {runner.scope.key(name) for name in LIST_NAMES}
    assert receipt_of(runner).settled_at() == ENDED


def test_what_stayed_unbought_makes_no_whole_run(runner: AssetRunner) -> None:
    set_budgets(runner.workspace.database, runner.workspace.org.org_id, cents=0)
    run = runner.run(ZIPS)
    assert run.failures == ()
    assert not run.is_whole


def test_a_spoiled_receipt_is_none(finished: AssetRunner) -> None:
    receipt = receipt_of(finished)
    receipt.leave(ENDED)
    receipt._path.write_text("{")
    assert receipt.settled_at() is None
