"""A measured figure, its goal, and how a child process is timed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.settings import PREFIX


@dataclass(frozen=True)
class Figure:
    """What was measured. `holds` is whether the goal is met; peer and ratio are null where there is none."""

    what: str
    value: float
    unit: str
    goal: str
    holds: bool
    peer: str | None = None
    ratio: float | None = None


def at_most(what: str, value: float, limit: float, unit: str) -> Figure:
    """A figure that must not pass a limit."""
    return Figure(what, round(value, 2), unit, f"<= {limit:g}", value <= limit)


@dataclass(frozen=True)
class Timed:
    """A finished command: wall seconds, its largest resident size in GB, its JSON, seconds to its first line."""

    seconds: float
    peak_gb: float
    result: dict[str, Any]
    first_line_seconds: float


def time_leadflow(arguments: Sequence[str], home: Path, environment: Mapping[str, str] | None = None) -> Timed:
    """Run `leadflow ... --json` in a process of its own and time it from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    command = [sys.executable, "-m", "leadflow_pipelines.cli", *arguments, "--json"]
    with (home.parent / "bench.stdout").open("w+") as answer:
        began = time.monotonic()
        child = subprocess.Popen(
            command,
            stdout=answer,
            stderr=subprocess.PIPE,
            text=True,
            env={**kept, f"{PREFIX}HOME": str(home), **(environment or {})},
        )
        assert child.stderr is not None
        first = child.stderr.readline()
        first_line_seconds = time.monotonic() - began
        errors = first + child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if child.returncode:
            raise LeadflowError(f"leadflow {' '.join(arguments)} failed:\n{errors[-2000:]}")
        answer.seek(0)
        return Timed(seconds, usage.ru_maxrss / 1e6, json.loads(answer.read()), first_line_seconds)
