"""Log lines of a process: one JSON object a line, in a file under the home and on stderr where machines read.

Progress and results for people are printed by the commands themselves, not logged.
"""

import fcntl
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any, Literal, TextIO

from pythonjsonlogger.json import JsonFormatter

from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.observability.correlation import current_correlation
from leadflow_pipelines.observability.scrubbing import Scrubber
from leadflow_pipelines.settings import PREFIX, Settings

# Everything of ours is logged from these names down; the libraries' lines only from WARNING up (an HTTP
# client's INFO line holds the whole URL).
OWN_LOGGERS = ("leadflow", "leadflow_pipelines", "assets", "resources")
FILE_BYTES = 10_000_000
FILES_KEPT = 5
BOUND_FIELDS = ("correlation_id", "run_id", "org")

Console = Literal["people", "machines"]


def configure_logging(settings: Settings, *, process: str, console: Console | None = None) -> None:
    """Set up the log lines of this process; calling it again replaces what it set up.

    All lines go to <home>/logs/leadflow.jsonl. On stderr `people` see warnings as plain sentences, so that
    progress stays readable; `machines` get every line. Default: people for `cli` outside production.
    """
    if console is None:
        console = "people" if process == "cli" and settings.environment != "production" else "machines"
    scrubber = Scrubber.from_settings(settings)
    lines = _line_formatter(settings, scrubber)
    stderr = _StderrHandler(logging.WARNING if console == "people" else logging.NOTSET)
    stderr.setFormatter(_TextFormatter(scrubber, "%(levelname)s %(message)s") if console == "people" else lines)
    file = _SharedFileHandler(settings.home / "logs" / "leadflow.jsonl")
    file.setFormatter(lines)

    root = logging.getLogger()
    for handler in [known for known in root.handlers if isinstance(known, _OwnHandler)]:
        root.removeHandler(handler)
        handler.close()
    for handler in (stderr, file):
        handler.addFilter(_BindFields(process))
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OWN_LOGGERS:
        logging.getLogger(name).setLevel(settings.log_level)


class _OwnHandler(logging.Handler):
    """Marks the handlers that are ours to replace."""


class _StderrHandler(_OwnHandler, logging.StreamHandler[TextIO]):
    """Writes to whatever sys.stderr is at that moment: a progress bar puts itself in its place."""

    def __init__(self, level: int) -> None:
        logging.Handler.__init__(self, level)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


class _SharedFileHandler(_OwnHandler, WatchedFileHandler):
    """A file that many processes append to; at its full size one of them, under a lock, moves it aside."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, encoding="utf-8")
        except OSError as error:
            raise LeadflowError(
                f"The log file cannot be written: {error}.",
                remedy=f"Set {PREFIX}HOME to a folder that you may write in.",
            ) from error
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._is_full():
                self._rotate()
        except OSError:
            self.handleError(record)
        super().emit(record)

    def _is_full(self) -> bool:
        try:
            return self._path.stat().st_size >= FILE_BYTES
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        with open(self._path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._is_full():  # another process was first
                return
            for number in range(FILES_KEPT - 1, 0, -1):
                older = self._numbered(number)
                if older.exists():
                    older.replace(self._numbered(number + 1))
            self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class _BindFields(logging.Filter):
    """Gives each record the process it comes from and what is bound where it was logged."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def filter(self, record: logging.LogRecord) -> bool:
        record.process_name = self._process
        for name, value in current_correlation().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


def _line_formatter(settings: Settings, scrubber: Scrubber) -> logging.Formatter:
    if settings.log_format == "json":
        return _JsonFormatter(scrubber)
    return _TextFormatter(scrubber, "%(asctime)s %(levelname)-7s %(process_name)s %(name)s %(message)s")


class _JsonFormatter(JsonFormatter):
    """at, level, logger, process, pid, message, what is bound, the extras, the exception: all scrubbed."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(message)s", json_ensure_ascii=False)
        self._scrubber = scrubber

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["at"] = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["pid"] = record.process
        super().add_fields(log_data, record, message_dict)
        log_data["process"] = log_data.pop("process_name", None)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        known = {name: log_data.pop(name) for name in ("at", "level", "logger", "process", "pid")}
        bound = {name: log_data.pop(name) for name in BOUND_FIELDS if name in log_data}
        scrubbed: dict[str, Any] = self._scrubber.value(super().process_log_record(log_data))
        return {**known, **bound, **scrubbed}


class _TextFormatter(logging.Formatter):
    def __init__(self, scrubber: Scrubber, layout: str) -> None:
        super().__init__(layout)
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber.text(super().format(record))
