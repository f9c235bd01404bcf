"""Log lines: what they carry, what they leave out, and where they go."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.observability import (
    bind_correlation,
    carry_correlation,
    configure_logging,
    current_correlation_id,
    logs,
)
from leadflow_pipelines.settings import Settings, load_settings

LOGGER = logging.getLogger("leadflow_pipelines.subject")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logs.OWN_LOGGERS}
    yield
    for added in set(root.handlers) - set(handlers):
        added.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def settings_for(home: Path, **changes: object) -> Settings:
    return load_settings(home=home, **changes)


def lines_of(home: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (home / "logs" / "leadflow.jsonl").read_text().splitlines()]


def test_a_line_carries_what_is_bound_and_its_extras(tmp_path: Path) -> None:
    configure_logging(settings_for(tmp_path), process="cli")
    with bind_correlation(correlation_id="c1", run_id="r1", org="default"):
        LOGGER.info("pulled %s", "12345", extra={"zip5": "12345", "cost_cents": 250})
    (line,) = lines_of(tmp_path)
    assert line["message"] == "pulled 12345"
    assert (line["correlation_id"], line["run_id"], line["org"]) == ("c1", "r1", "default")
    assert (line["level"], line["process"], line["logger"]) == ("INFO", "cli", LOGGER.name)
    assert (line["zip5"], line["cost_cents"]) == ("12345", 250)
    assert str(line["at"]).endswith("+00:00")


def test_an_inner_binding_keeps_the_outer_id_and_ends_with_its_block() -> None:
    with bind_correlation() as outer:
        with bind_correlation(run_id="r1") as inner:
            assert inner == outer
        with bind_correlation(correlation_id="other"):
            assert current_correlation_id() == "other"
        assert current_correlation_id() == outer
    assert current_correlation_id() is None


def test_two_pieces_of_work_have_two_ids() -> None:
    with bind_correlation() as first:
        pass
    with bind_correlation() as second:
        pass
    assert first != second


def test_a_thread_pool_logs_under_the_id_of_its_caller() -> None:
    with bind_correlation() as here, ThreadPoolExecutor(2) as pool:
        assert pool.submit(current_correlation_id).result() is None
        assert pool.submit(carry_correlation(current_correlation_id)).result() == here


def test_no_secret_or_person_reaches_the_file_nor_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = ("k3y-of-attom", "s3cr3t", "ann@mail.example", "212-555-0123", "Ann Example")
    configure_logging(settings_for(tmp_path, attom_api_key=secrets[0]), process="daemon")
    try:
        raise ValueError(f"{secrets[2]} answered for {secrets[0]}")
    except ValueError:
        LOGGER.exception(
            "asked postgresql://app:s3cr3t@db.example/leadflow about %s",
            secrets[3],
            extra={"owner_name": secrets[4], "phones_found": 3, "nested": [{"phone": secrets[3]}]},
        )
    written = (tmp_path / "logs" / "leadflow.jsonl").read_text() + capsys.readouterr().err
    assert not [secret for secret in secrets if secret in written]
    (line,) = lines_of(tmp_path)
    assert line["phones_found"] == 3
    assert "ValueError" in str(line["exc_info"])
    assert "db.example/leadflow" in str(line["message"])


def test_people_see_warnings_as_sentences_and_machines_see_every_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(settings_for(tmp_path), process="cli")
    LOGGER.info("quiet")
    LOGGER.warning("loud")
    assert capsys.readouterr().err == "WARNING loud\n"
    configure_logging(settings_for(tmp_path, environment="production"), process="cli")
    LOGGER.info("in production")
    assert json.loads(capsys.readouterr().err)["message"] == "in production"
    assert [line["message"] for line in lines_of(tmp_path)] == ["quiet", "loud", "in production"]


def test_libraries_are_heard_from_warnings_up_and_ours_from_the_level_set(tmp_path: Path) -> None:
    configure_logging(settings_for(tmp_path, log_level="DEBUG"), process="cli")
    logging.getLogger("httpx").info("GET https://vendor.example/?owner=Ann")
    logging.getLogger("httpx").warning("slow")
    LOGGER.debug("detail")
    assert [line["message"] for line in lines_of(tmp_path)] == ["slow", "detail"]


def test_a_full_file_is_moved_aside_and_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 300)
    monkeypatch.setattr(logs, "FILES_KEPT", 2)
    configure_logging(settings_for(tmp_path), process="cli")
    for number in range(20):
        LOGGER.info("line %02d of a file that fills up", number)
    kept = sorted(path.name for path in (tmp_path / "logs").glob("leadflow.jsonl*"))
    assert kept == ["leadflow.jsonl", "leadflow.jsonl.1", "leadflow.jsonl.2"]
    assert lines_of(tmp_path)[-1]["message"] == "line 19 of a file that fills up"


def test_two_writers_follow_the_file_that_either_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_BYTES", 200)
    path = tmp_path / "shared.jsonl"
    writers = [logs._SharedFileHandler(path) for _ in range(2)]
    for number in range(10):
        writers[number % 2].emit(logging.makeLogRecord({"msg": f"line {number} " + "x" * 40}))
    for writer in writers:
        writer.close()
    written = "".join(file.read_text() for file in tmp_path.glob("shared.jsonl*"))
    assert sorted(line.split()[1] for line in written.splitlines()) == [str(n) for n in range(10)]


def test_a_home_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    with pytest.raises(LeadflowError, match="LEADFLOW_HOME"):
        configure_logging(settings_for(tmp_path), process="cli")
