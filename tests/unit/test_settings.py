"""Settings: a bad environment reports every fault at once, each with its remedy; .env.example is the truth."""

from pathlib import Path

import pytest

from leadflow_pipelines.errors import InvalidSettings
from leadflow_pipelines.settings import PROJECT_ROOT, Settings, env_example, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"LEADFLOW_{name.upper()}", raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    monkeypatch.chdir(tmp_path)


def test_the_defaults_need_no_environment() -> None:
    settings = load_settings()
    assert settings.org == "default"
    assert settings.lake_root == str(PROJECT_ROOT / ".leadflow" / "lake")


def test_every_fault_is_reported_at_once_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_TIMEZONE", "Mars/Olympus")
    monkeypatch.setenv("LEADFLOW_DAGSTER_PORT", "ninety")
    monkeypatch.setenv("LEADFLOW_HTTP_ATTEMPT", "3")
    monkeypatch.setenv("LEADFLOW_LAKE_URL", "ftp://example.com/lake")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    faults = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 4
    assert "LEADFLOW_TIMEZONE" in faults
    assert "America/Chicago" in faults
    assert "LEADFLOW_DAGSTER_PORT" in faults
    assert "Default: 3000" in faults
    assert "Did you mean LEADFLOW_HTTP_ATTEMPTS?" in faults
    assert "must be a folder or begin with s3://" in faults


def test_a_secret_is_never_repeated_in_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_DATABASE_URL", "mysql://app:hunter2@db.example/leadflow")
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)
    assert "must begin with postgresql://" in str(caught.value)


def test_a_managed_database_names_its_missing_companions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_DATABASE_URL", "postgresql://app@db.example/leadflow")
    with pytest.raises(InvalidSettings, match="LEADFLOW_DATABASE_OWNER_URL and LEADFLOW_DAGSTER_DATABASE_URL"):
        load_settings()


def test_a_blank_setting_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADFLOW_ATTOM_API_KEY", "")
    assert load_settings().attom_api_key is None


def test_options_win_over_env_file_and_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LEADFLOW_ORG=from_file\n")
    assert load_settings().org == "from_file"
    monkeypatch.setenv("LEADFLOW_ORG", "from_environment")
    assert load_settings().org == "from_environment"
    assert load_settings(org="from_option").org == "from_option"


def test_the_example_file_is_the_one_the_settings_write() -> None:
    assert (PROJECT_ROOT / ".env.example").read_text() == env_example(), "run `make env-example`"


def test_the_example_file_is_valid_when_uncommented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = (PROJECT_ROOT / ".env.example").read_text().splitlines()
    assignments = [line.removeprefix("# ") for line in lines if line.startswith("# LEADFLOW_")]
    assert len(assignments) == len(Settings.model_fields)
    (tmp_path / ".env").write_text("\n".join(assignments))
    load_settings()


def test_states_of_probate_lists_are_all_none_or_named() -> None:
    counted = {given: load_settings(probate_states=given).probate_lists_count_in for given in ("all", "none", "TN,TX")}
    assert counted == {"all": None, "none": frozenset(), "TN,TX": frozenset({"TN", "TX"})}
    for wrong in ("Tennessee", "TN TX", "tn"):
        with pytest.raises(InvalidSettings, match=r"LEADFLOW_PROBATE_STATES.*two-letter states"):
            load_settings(probate_states=wrong)


@pytest.mark.parametrize("zone", ["America", "../America/Chicago", "/etc/localtime", " "])
def test_a_folder_or_a_path_is_no_time_zone(zone: str) -> None:
    with pytest.raises(InvalidSettings, match="not an IANA time zone"):
        load_settings(timezone=zone)
