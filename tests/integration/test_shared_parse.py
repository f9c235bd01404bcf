"""The parse of the dbt project: made once, then read by every org's work folder."""

from pathlib import Path

import pytest

from leadflow_pipelines.marts.run_dbt import TARGET, parse_project
from leadflow_pipelines.marts.shared_parse import PARSE, shared_parse


def test_another_org_is_spared_the_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # dbt's process works in the folder it is told, and this one is to come back
    first, second = tmp_path / "first", tmp_path / "second"
    for work in (first, second):
        work.mkdir()
        parse_project(work)
    assert shared_parse().exists()
    assert not (second / TARGET / PARSE).exists()  # dbt leaves one only where it has parsed for itself
