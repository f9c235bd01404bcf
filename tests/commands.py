"""Running the `leadflow` command as a user would: its exit code, its output.

A command that runs assets, is killed, or must leave nothing behind runs in a process of its own. One that reads or
writes a little runs here: the 1.6 processor seconds of a process are its imports.
"""

import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from leadflow_pipelines.cli import run_command
from leadflow_pipelines.settings import PREFIX, get_settings, use_settings

COMMAND = [sys.executable, "-m", "leadflow_pipelines.cli"]
TIME_LIMIT_SECONDS = 240

NOBODY_OUTSIDE = {f"{PREFIX}GEOCODER": "none"}
"""The free geocoder is asked by default, also for an org of a test that is not simulated."""


@dataclass(frozen=True)
class Finished:
    """What a finished command left."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on stdout."""
        (line,) = self.out.strip().splitlines()
        return json.loads(line)


def midday_zone() -> str:
    """A zone in which it is about noon now: no midnight falls between two commands, and both are of one day."""
    return f"Etc/GMT{dt.datetime.now(dt.UTC).hour - 12:+d}"


def start_leadflow(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command in a session of its own, so that it can be killed with everything it started."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **_environment(environment)},
        start_new_session=True,
    )


def _environment(given: Mapping[str, str] | None) -> dict[str, str]:
    return {"COLUMNS": "80", **NOBODY_OUTSIDE, **(given or {})}


def leadflow(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end."""
    process = start_leadflow(*arguments, environment=environment)
    out, err = process.communicate(timeout=TIME_LIMIT_SECONDS)
    return Finished(process.returncode, out, err)


def leadflow_here(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end in this process, which is then under the settings and signal handlers it had before."""
    before, handlers = get_settings(), {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    try:
        with (
            patch.dict(os.environ, _environment(environment)),
            patch.object(sys, "argv", ["leadflow", *arguments]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run_command()
    finally:
        use_settings(before)
        for one, handler in handlers.items():
            if signal.getsignal(one) is not handler:
                signal.signal(one, handler)
    return Finished(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))
