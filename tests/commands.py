"""Running the `leadflow` command as a user would: a process of its own, its exit code, its output."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadflow_pipelines.settings import PREFIX

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


def start_leadflow(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command in a session of its own, so that it can be killed with everything it started."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "80", **NOBODY_OUTSIDE, **(environment or {})},
        start_new_session=True,
    )


def leadflow(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end."""
    process = start_leadflow(*arguments, environment=environment)
    out, err = process.communicate(timeout=TIME_LIMIT_SECONDS)
    return Finished(process.returncode, out, err)
