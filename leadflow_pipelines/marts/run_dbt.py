"""dbt through its own runner: 1 s once its parse is kept, where its command line takes 5 to 7 s.

Here: starting it quietly and saying which model or test failed. The models are in `dbt_like_models/`.
"""

import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from leadflow_pipelines.errors import ContractBroken, LeadflowError
from leadflow_pipelines.marts.shared_parse import PROJECT, share_parse, shared_parse

DUCKDB_FILE = "leadflow_marts.duckdb"
"""As in dbt's profile, which looks for it in the folder where dbt is started."""
DUCKDB_OPTIONS: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
"""As in dbt's profile: nothing is fetched, and DuckDB refuses a second connection with other options."""
TARGET = "target"
_ONE_AT_A_TIME = threading.Lock()
"""dbt keeps its adapter and its flags in module state: two builds in one process would share them."""


@dataclass(frozen=True)
class DbtOutcome:
    """What a successful build reports: models built, tests passed, and tests that only warn."""

    models: int
    tests: int
    warnings: tuple[str, ...]


def run_dbt(work: Path) -> DbtOutcome:
    """Build and test every model inside the DuckDB file of a work folder, which keeps compiled SQL and dbt's log.

    The process's current folder is the work folder from then on. Raises ContractBroken naming the tests that failed,
    LeadflowError naming the models that could not be built.
    """
    # Held open for the build: dbt would open the file for each model anew, 30 ms a model.
    with duckdb.connect(str(work / DUCKDB_FILE), config=DUCKDB_OPTIONS):
        answer = _invoke("build", work)
    if answer.exception is not None and not isinstance(answer.exception, Exception):
        raise answer.exception
    results: list[Any] = list(getattr(answer.result, "results", []))
    if not answer.success:
        raise _failure(results, answer.exception, work / TARGET)
    kinds = [result.node.resource_type for result in results]
    return DbtOutcome(
        models=kinds.count("model"),
        tests=kinds.count("test"),
        warnings=tuple(_sentence(result) for result in results if result.status == "warn"),
    )


def parse_project(work: Path) -> None:
    """Do ahead what a process's first build must do: import dbt, parse the project. A build reports what fails."""
    _invoke("parse", work)


def _invoke(command: str, work: Path) -> Any:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - takes 2 s, and most processes build no mart

    target = work / TARGET
    parsed = shared_parse()
    arguments = [
        command,
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        *("--target-path", str(target), "--log-path", str(target), "--log-level-file", "info"),
        *("--log-level", "none", "--quiet", "--no-print", "--no-use-colors", "--no-write-json"),
        *("--no-send-anonymous-usage-stats", "--no-version-check"),
        *(("--partial-parse-file-path", str(parsed)) if parsed.exists() else ()),
    ]
    with _ONE_AT_A_TIME:
        os.chdir(work)
        answer = dbtRunner().invoke(arguments)
    if answer.success and not parsed.exists():
        share_parse(target)
    return answer


def _failure(results: list[Any], exception: BaseException | None, target: Path) -> LeadflowError:
    remedy = f"dbt's log is {target / 'dbt.log'}; the marts that were there stay."
    errors = [result for result in results if result.status == "error"]
    failed_tests = [result for result in results if result.status == "fail"]
    if errors:
        return LeadflowError(f"Marts could not be built: {_sentences(errors)}", remedy=remedy)
    if failed_tests:
        return ContractBroken(f"Marts failed their tests: {_sentences(failed_tests)}", remedy=remedy)
    return LeadflowError(f"dbt did not run: {exception}", remedy=remedy)


def _sentences(results: list[Any]) -> str:
    return " ".join(_sentence(result) for result in results)


def _sentence(result: Any) -> str:
    message = " ".join(str(result.message).split())
    return f"{result.node.name}: {message.rstrip('.')}."


def main() -> None:
    """Parse the models now, so that no build need."""
    with tempfile.TemporaryDirectory() as folder:
        parse_project(Path(folder))


if __name__ == "__main__":
    main()
