"""Where an org's models lie, which versions there are, and which one serves.

An artefact is a folder of plain files, models/<kind>/<version>/ below the lake's root: the model, the stand-in it was
judged by, and a manifest with the SHA-256 of each file, written last. A row of MODEL_VERSIONS follows. Whoever dies in
between leaves a folder without a row, which nothing reads and which the same training writes again byte for byte. Not
here: what a model is (`model_files`), whether it is promoted (`train_models`).
"""

import datetime as dt
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import polars as pl

from leadflow_pipelines.contracts.models import MODEL_VERSIONS
from leadflow_pipelines.contracts.shared_columns import UNLOCATED
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.lake.whole_files import read_file, write_file
from leadflow_pipelines.scoring import MarketModels
from leadflow_pipelines.training.candidates import LONGEST_LAG
from leadflow_pipelines.training.model_files import AnotherRelease, Files, from_files, to_files
from leadflow_pipelines.valuation import read_value_model, write_value_model

KINDS: Final = ("motivation", "value")
VALUE_FILE: Final = "value_model.zip"
MANIFEST: Final = "manifest.json"
MOST_OPEN: Final = 4
"""Models kept in memory by a process; one of a county holds some ten megabytes."""


@dataclass(frozen=True)
class Artefact:
    """A model written, or to be written. `stand_in`: the same recipe fitted as of the judged window's start."""

    version: str
    sha256: str
    files: Files


@dataclass(frozen=True)
class CurrentModel:
    """The model that serves: its version, the day of its training, and the counties it may be used in."""

    kind: str
    version: str
    trained_on: dt.date
    markets: tuple[str, ...]
    model: Any

    @property
    def data_end(self) -> dt.date:
        """Day after the last that the sales it learned from cover: what it was fitted as of."""
        return self.model.as_of  # type: ignore[no-any-return]

    @property
    def last_day(self) -> dt.date:
        """The last day of its data, which its prices are of."""
        return self.data_end - dt.timedelta(days=1)

    @property
    def is_old(self) -> bool:
        """Whether somebody accepted sales that ended long before the training: what it says is of another time."""
        return self.is_of_old_sales(self.data_end)

    def is_of_old_sales(self, data_end: dt.date) -> bool:
        """The same of one market, whose data end on `data_end`."""
        return (self.trained_on - data_end).days > LONGEST_LAG[self.kind]


def pack(kind: str, trained_on: dt.date, model: Any, stand_in: Any) -> Artefact:
    """The artefact of a model and its stand-in. The version follows from the content: the same model, the same name."""
    parts = {"model": model, "stand_in": stand_in}
    files = {f"{part}/{name}": data for part, of in parts.items() for name, data in _told(kind, of).items()}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    manifest = orjson.dumps({"kind": kind, "trained_on": trained_on, "files": sums}, option=orjson.OPT_INDENT_2)
    sha256 = hashlib.sha256(manifest).hexdigest()
    return Artefact(f"{kind}-{trained_on:%Y%m%d}-{sha256[:12]}", sha256, {**files, MANIFEST: manifest})


def write_artefact(lake: Lake, kind: str, artefact: Artefact) -> None:
    """Put the files in the lake, the manifest last. Files that stand there are never replaced by others.

    Raises InvalidInput where the folder holds another manifest: somebody changed it.
    """
    folder = f"models/{kind}/{artefact.version}"
    standing = _read(lake, f"{folder}/{MANIFEST}")
    if standing is None:
        for name, data in artefact.files.items():
            _write(lake, f"{folder}/{name}", data)
    elif hashlib.sha256(standing).hexdigest() != artefact.sha256:
        raise _damaged(artefact.version, MANIFEST)


def add_version(lake: Lake, row: Mapping[str, Any]) -> None:
    """Note one training in MODEL_VERSIONS (its columns without zip); the same version again takes its own place."""
    frame = MODEL_VERSIONS.conform(pl.DataFrame([{"zip": UNLOCATED, **row}], infer_schema_length=None))
    faults = MODEL_VERSIONS.faults(frame)
    if faults:
        raise InvalidInput(f"model_versions: {faults[0].column} breaks {faults[0].rule}.")
    is_same = (pl.col("kind") == row["kind"]) & (pl.col("version") == row["version"])
    lake.replace(MODEL_VERSIONS, frame, day=row["day"], where=is_same)


def model_versions(lake: Lake, kind: str | None = None) -> pl.DataFrame:
    """MODEL_VERSIONS rows, the newest first."""
    where = None if kind is None else pl.col("kind") == kind
    rows = lake.read(MODEL_VERSIONS, where=where)
    return rows.sort("day", "trained_at", "version", descending=True)


def current_version(lake: Lake, kind: str, *, day: dt.date | None = None) -> dict[str, Any] | None:
    """The row of the newest promoted model that was trained on `day` or before; None where there is none."""
    promoted = model_versions(lake, kind).filter(pl.col("verdict") == "promoted")
    if day is not None:
        promoted = promoted.filter(pl.col("day") <= day)
    return promoted.row(0, named=True) if promoted.height else None


def current_model(lake: Lake, kind: str, *, day: dt.date | None = None) -> CurrentModel | None:
    """The model that serves on `day` (default: the newest), None where none was promoted: the scorecard stands.

    A day worked again later gets the model of its time, which has seen nothing of it. Read once per process and
    version. Raises InvalidInput for an artefact that is damaged, AnotherRelease for one this release cannot read.
    """
    row = current_version(lake, kind, day=day)
    if row is None:
        return None
    model = _open(lake, kind, row["version"], row["sha256"], "model")
    return CurrentModel(kind, row["version"], row["day"], tuple(row["markets"]), model)


def serving_model(lake: Lake, kind: str, *, day: dt.date) -> tuple[CurrentModel | None, str]:
    """`current_model` and what to say of it: its version, or why there is none.

    After an upgrade that changed the models' shape leads go on without a model until it is trained again. Raises
    InvalidInput for a damaged artefact.
    """
    try:
        current = current_model(lake, kind, day=day)
    except AnotherRelease as error:
        return None, f"none: {error.message} {error.remedy}"
    return current, current.version if current else "none promoted"


def stand_in_of(lake: Lake, row: Mapping[str, Any]) -> Any:
    """The stand-in kept beside the model of a MODEL_VERSIONS row."""
    return _open(lake, row["kind"], row["version"], row["sha256"], "stand_in")


_opened: OrderedDict[tuple[str, str, str, str], Any] = OrderedDict()
"""Models by lake, kind, version and part. A lake belongs to one org, so no org is ever given another's model."""


def _open(lake: Lake, kind: str, version: str, sha256: str, part: str) -> Any:
    name = (lake.root, kind, version, part)
    if name not in _opened:
        _opened[name] = _made(kind, _checked(lake, kind, version, sha256, part))
        while len(_opened) > MOST_OPEN:
            _opened.popitem(last=False)
    _opened.move_to_end(name)
    return _opened[name]


def _told(kind: str, model: Any) -> Files:
    return {VALUE_FILE: write_value_model(model)} if kind == "value" else to_files(model)


def _made(kind: str, files: Files) -> Any:
    if kind != "value":
        if not isinstance(model := from_files(files), MarketModels):
            raise AnotherRelease("It is one model of all markets.", remedy="Train it again: leadflow models train.")
        return model
    try:
        return read_value_model(files[VALUE_FILE])
    except InvalidInput as error:  # its bytes are what was written: only the form can have changed
        raise AnotherRelease(error.message, remedy="Train it again: leadflow models train.") from error


def _checked(lake: Lake, kind: str, version: str, sha256: str, part: str) -> Files:
    folder = f"models/{kind}/{version}"
    manifest = _read(lake, f"{folder}/{MANIFEST}")
    if manifest is None or hashlib.sha256(manifest).hexdigest() != sha256:
        raise _damaged(version, MANIFEST)
    files: Files = {}
    for name, expected in orjson.loads(manifest)["files"].items():
        if name.startswith(f"{part}/"):
            data = _read(lake, f"{folder}/{name}")
            if data is None or hashlib.sha256(data).hexdigest() != expected:
                raise _damaged(version, name)
            files[name.removeprefix(f"{part}/")] = data
    return files


def _damaged(version: str, name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} of the model {version} is missing or not what was written.",
        remedy=f"Restore models/ from a backup, or remove the folder of {version} and run `leadflow models train`.",
    )


def _read(lake: Lake, path: str) -> bytes | None:
    return read_file(lake.root, path, lake.storage_options)


def _write(lake: Lake, path: str, data: bytes) -> None:
    write_file(lake.root, path, data, lake.storage_options)
