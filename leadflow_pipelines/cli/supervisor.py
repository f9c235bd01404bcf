"""Keeps a few programs running side by side: start in order, restart with back-off, stop together.

It knows processes, not what they do.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from leadflow_pipelines.errors import LeadflowError

POLL_SECONDS = 0.2
STOP_SECONDS = 15.0
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0  # one that ran so long failed anew, not again
MOST_FAILURES = 6
LOG_BYTES = 10_000_000
TAIL_LINES = 15


@dataclass(frozen=True)
class Program:
    """A process to run; `is_ready` may be asked often, from the first moment on.

    Its standard input closes when the supervisor's process ends, however that ends.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]


@dataclass
class _Running:
    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    failures: int = 0
    start_again_at: float = field(default=0.0)


class Supervisor:
    """The programs, each with its log file; leaving the block stops all of them."""

    def __init__(
        self,
        programs: Sequence[Program],
        environment: Mapping[str, str],
        logs: Path,
        *,
        say: Callable[[str], None],
    ) -> None:
        self._running = [_Running(program) for program in programs]
        self._environment = dict(environment)
        self._logs = logs
        self._say = say

    def __enter__(self) -> "Supervisor":
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def start(self, stop: threading.Event, seconds: float) -> bool:
        """Start each program when the one before is ready; False if asked to stop meanwhile.

        Raises LeadflowError with the end of its log where one ends or is not ready within `seconds`.
        """
        for running in self._running:
            self._say(f"Starting the {_plain(running.program.name)}")
            self._launch(running)
            deadline = time.monotonic() + seconds
            while not running.program.is_ready():
                if stop.wait(POLL_SECONDS):
                    return False
                if not _is_alive(running) or time.monotonic() > deadline:
                    raise LeadflowError(
                        f"The {_plain(running.program.name)} did not start.\n{self._tail(running)}",
                        remedy=f"The whole log is in {self._log(running)}.",
                    )
        return True

    def watch(self, stop: threading.Event) -> bool:
        """Restart what ends, each time after a longer pause. True: asked to stop; False: one kept failing."""
        while not stop.wait(POLL_SECONDS):
            for running in self._running:
                if _is_alive(running):
                    continue
                if running.process is not None and not self._note_failure(running):
                    return False
                if running.process is None and time.monotonic() >= running.start_again_at:
                    self._say(f"Starting the {_plain(running.program.name)} again")
                    self._launch(running)
        return True

    def _note_failure(self, running: _Running) -> bool:
        assert running.process is not None
        ran_seconds = time.monotonic() - running.started_at
        running.failures = 1 if ran_seconds >= HEALTHY_SECONDS else running.failures + 1
        pause = min(2.0 ** (running.failures - 1), LONGEST_PAUSE_SECONDS)
        name, code = _plain(running.program.name), running.process.returncode
        self._say(f"The {name} ended (code {code}); the end of {self._log(running)}:\n{self._tail(running)}")
        running.process = None
        running.start_again_at = time.monotonic() + pause
        return running.failures < MOST_FAILURES

    def _launch(self, running: _Running) -> None:
        program = running.program
        log = self._log(running)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        with open(log, "ab") as file:
            running.process = subprocess.Popen(  # noqa: S603 - our own commands
                program.command,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                start_new_session=True,  # Ctrl-C reaches this process alone, which stops them in order
            )
        running.started_at = time.monotonic()

    def _stop(self) -> None:
        """Ask all to end, the last started first; what does not go is killed with all that it started."""
        alive = [running.process for running in reversed(self._running) if running.process]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in alive:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            if process.stdin:
                process.stdin.close()

    def _log(self, running: _Running) -> Path:
        return self._logs / f"{running.program.name}.log"

    def _tail(self, running: _Running) -> str:
        log = self._log(running)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])


def _is_alive(running: _Running) -> bool:
    return running.process is not None and running.process.poll() is None


def _plain(name: str) -> str:
    return name.replace("_", " ")
