"""Receipts: what a finished run left behind, so that the next can tell that there is nothing to do again.

A run that bought all it wanted notes the versions of the tables it wrote, and the code, settings and operators'
decisions it worked with. While they are the same, the same ZIPs and day would come out the same. Lists and marts
have no part in it: they are made anew each time, because consent, suppressions and the clock move. A lost receipt
costs one full run.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl

from leadflow_pipelines.contracts import DAY_TABLES, MODEL_VERSIONS, OUTREACH_LISTS
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.settings import PROJECT_ROOT, Settings

TABLES = (*(table for table in DAY_TABLES if table is not OUTREACH_LISTS), MODEL_VERSIONS)
"""A model that was trained since gives the day other scores; a backtest gives it none."""
CODE = ("leadflow_pipelines", "assets", "resources")
CODE_SUFFIXES = {".py", ".csv", ".json", ".toml", ".yaml", ".parquet"}
RESHAPING_SETTINGS = {
    "timezone", "attom_max_records_per_zip", "skip_trace_max_per_zip", "skip_trace_fresh_days", "geocoder",
    "geocode_misses_again_days", "probate_states",
}  # fmt: skip
"""Settings that change what the tables of a day hold."""


class Receipt:
    """The receipt of these ZIPs and day, worked without the assets named in `without`.

    `decisions`: what operators had said of pairs of records before the run began; a word said since is not in it.
    """

    def __init__(
        self,
        settings: Settings,
        lake: Lake,
        *,
        zips: Sequence[str],
        day: dt.date,
        without: Sequence[str],
        decisions: pl.DataFrame,
    ) -> None:
        self._settings = settings
        self._lake = lake
        self._decisions = _digest(map(str, decisions.rows()))
        asked = "\n".join([lake.root, day.isoformat(), *sorted(zips), *sorted(without)])
        self._path = settings.home / "work" / "receipts" / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"

    def settled_at(self) -> dt.datetime | None:
        """When the run ended whose results still stand as it left them; None where something has changed."""
        try:
            noted = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return dt.datetime.fromisoformat(noted["ended_at"]) if noted["state"] == self._state() else None

    def leave(self, now: dt.datetime) -> None:
        """Note the state that a whole run has just left."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{uuid.uuid4().hex}")
        draft.write_text(json.dumps({"ended_at": now.isoformat(), "state": self._state()}))
        draft.replace(self._path)

    def _state(self) -> dict[str, str | int | None]:
        return {
            "code": _digest(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}" for path in _code()),
            "settings": self._settings.model_dump_json(include=RESHAPING_SETTINGS),
            "decisions": self._decisions,
            **{table.name: self._lake.version(table) for table in TABLES},
        }


def _code() -> Iterator[Path]:
    for package in CODE:
        yield from sorted(path for path in (PROJECT_ROOT / package).rglob("*") if path.suffix in CODE_SUFFIXES)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
