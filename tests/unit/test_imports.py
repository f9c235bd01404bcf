"""What importing LeadFlow does: nothing that a process forked afterwards would miss."""

import subprocess
import sys

import pytest

IMPORT = """
import importlib, pathlib, sys
importlib.import_module(sys.argv[1])
names = {task.joinpath("comm").read_text().strip() for task in pathlib.Path("/proc/self/task").iterdir()}
print(sorted(name for name in names if name.startswith("polars-") and name[7:].isdigit()))
"""


@pytest.mark.parametrize(
    "module",
    [
        "leadflow_pipelines.definitions", "leadflow_pipelines.cli", "leadflow_pipelines.gateway",
        "tests.faults.dispatching", "tests.faults.racing_buyer",
    ],
)  # fmt: skip
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are told by /proc")
def test_no_import_starts_the_threads_of_polars(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT, module], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
