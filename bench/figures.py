"""A measured figure, its goal, and how a child process is timed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.settings import PREFIX, PROJECT_ROOT


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

    def beside(self, peer: str, ratio: float) -> "Figure":
        """The same figure, with what a peer reached in the same run."""
        return replace(self, peer=peer, ratio=round(ratio, 2))


def at_most(what: str, value: float, limit: float, unit: str) -> Figure:
    """A figure that must not pass a limit."""
    return Figure(what, round(value, 2), unit, f"<= {limit:g}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str) -> Figure:
    """A figure that must reach a limit."""
    return Figure(what, round(value, 4), unit, f">= {limit:g}", value >= limit)


def times_as_fast(what: str, speed: float, unit: str, *, peer: str, peer_speed: float, goal: float) -> Figure:
    """Our speed against a peer's of the same run; `goal` is how many times the peer's it must be."""
    ratio = speed / peer_speed
    said = f"{peer}: {peer_speed:,.6g} {unit}"
    return Figure(what, round(speed, 2), unit, f">= {goal:g} x the peer", ratio >= goal, said, round(ratio, 2))


def less_than_peer(what: str, value: float, unit: str, *, peer: str, of_peer: float) -> Figure:
    """A cost that must not be more than a peer's of the same run; the ratio is the peer's to ours."""
    said = f"{peer}: {of_peer:.2f} {unit}"
    return Figure(what, round(value, 2), unit, "<= the peer's", value <= of_peer, said, round(of_peer / value, 2))


def over_peer(what: str, value: float, limit: float, unit: str, *, peer: str, of_peer: float) -> Figure:
    """What our way takes more than a peer's of the same run; the ratio is ours to the peer's."""
    return at_most(what, value - of_peer, limit, unit).beside(f"{peer}: {of_peer:.2f} {unit}", value / of_peer)


def grown(what: str, value: float, unit: str, *, from_value: float, times: float) -> Figure:
    """A cost of a larger input that must not be more than `times` that of a smaller one."""
    return Figure(what, round(value, 2), unit, f"<= {times:g} x {from_value:.2f}", value <= from_value * times)


def without_peer(what: str, value: float, unit: str, *, peer: str) -> Figure:
    """A figure whose peer is not installed: it says so and fails nothing."""
    return Figure(what, round(value, 2), unit, "none: the peer is missing", True, f"{peer}: not installed (make bench)")


@dataclass(frozen=True)
class Timed:
    """A finished command: wall seconds, its largest resident size in GB, its JSON, seconds to its first line.

    The system counts the parent's size at the start as the child's: a parent that measures memory stays small.
    """

    seconds: float
    peak_gb: float
    result: dict[str, Any]
    first_line_seconds: float


def time_leadflow(arguments: Sequence[str], home: Path, environment: Mapping[str, str] | None = None) -> Timed:
    """Run `leadflow ... --json` in a process of its own and time it from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return _time(
        ["leadflow_pipelines.cli", *arguments, "--json"],
        home.parent,
        {**kept, f"{PREFIX}HOME": str(home), **(environment or {})},
    )


def time_module(module: str, *arguments: str, folder: Path) -> Timed:
    """Run a module that prints JSON in a process of its own and time it from outside; `folder` takes its output."""
    return _time([module, *arguments], folder, dict(os.environ))


def _time(module: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Timed:
    command = [sys.executable, "-m", *module]
    with (folder / "bench.stdout").open("w+") as answer:
        began = time.monotonic()
        child = subprocess.Popen(
            command, stdout=answer, stderr=subprocess.PIPE, text=True, cwd=PROJECT_ROOT, env=environment
        )
        assert child.stderr is not None
        first = child.stderr.readline()
        first_line_seconds = time.monotonic() - began
        errors = first + child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        if child.returncode:
            raise LeadflowError(f"{' '.join(module)} failed:\n{errors[-2000:]}")
        answer.seek(0)
        return Timed(seconds, usage.ru_maxrss / 1e6, json.loads(answer.read()), first_line_seconds)
