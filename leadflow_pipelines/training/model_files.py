"""A fitted model as plain files: one JSON document and Parquet files with its numbers and frames. Never pickle.

Here: taking frozen dataclasses of the model rooms apart and putting them together again. Not here: where the files lie
or what version they are (`model_registry`). Nothing that is read names code to run: only dataclasses of MODEL_ROOMS are
made, and only if they still have the fields that were written.
"""

import datetime as dt
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from leadflow_pipelines.errors import InvalidInput

MODEL_ROOMS: Final = tuple(f"leadflow_pipelines.{room}." for room in ("scoring", "valuation", "sales_history"))
DOCUMENT: Final = "model.json"
_PLAIN: Final = (str, bool, int, float, type(None))
_FROM_TEXT: Final[dict[str, Callable[[str], Any]]] = {"float": float, "date": dt.date.fromisoformat}
Files = dict[str, bytes]


class AnotherRelease(InvalidInput):
    """A whole and unchanged model that this release cannot read: it has to be trained again."""


def to_files(model: Any) -> Files:
    """File name to content. The same model gives the same bytes. Raises TypeError for what has no plain form."""
    writer = _Writer()
    tree = writer.told(model)
    files = {DOCUMENT: orjson.dumps({"model": tree, "arrays": writer.shapes}, option=orjson.OPT_SORT_KEYS)}
    for length, columns in sorted(writer.arrays.items()):
        files[f"arrays-{length}.parquet"] = _parquet(pl.DataFrame(columns))
    for number, frame in enumerate(writer.frames):
        files[f"frame-{number}.parquet"] = _parquet(frame)
    return files


def from_files(files: Mapping[str, bytes]) -> Any:
    """The model that `to_files` told. Raises AnotherRelease where this release's models have another shape."""
    document = orjson.loads(files[DOCUMENT])
    return _Reader(files, document["arrays"]).made(document["model"])


@dataclass(frozen=True)
class _Shape:
    """Where an array lies: its file, and the shape it had."""

    file: str
    shape: tuple[int, ...]


class _Writer:
    """Arrays of one length go to one file, a column each; what occurs twice in a model is written once."""

    def __init__(self) -> None:
        self.arrays: dict[int, dict[str, pl.Series]] = {}
        self.shapes: dict[str, _Shape] = {}
        self.frames: list[pl.DataFrame] = []
        self._seen: dict[int, tuple[Any, int]] = {}

    def told(self, value: Any) -> Any:
        value = value.item() if isinstance(value, np.generic) else value
        if isinstance(value, dt.date) or (isinstance(value, float) and not np.isfinite(value)):
            return {"is": type(value).__name__, "of": str(value)}
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, list | tuple):
            return {"is": type(value).__name__, "of": [self.told(item) for item in value]}
        if isinstance(value, dict):
            return {"is": "dict", "of": [[self.told(key), self.told(item)] for key, item in value.items()]}
        return self._shared(value)

    def _shared(self, value: Any) -> Any:
        """Objects that several places of a model point to: written at the first, named at the others."""
        if id(value) in self._seen:
            return {"is": "same", "of": self._seen[id(value)][1]}
        number = len(self._seen)
        self._seen[id(value)] = (value, number)
        if isinstance(value, np.ndarray):
            return {"is": "array", "of": self._array(value), "number": number}
        if isinstance(value, pl.DataFrame):
            return {"is": "frame", "of": self._frame(value), "number": number}
        where = f"{type(value).__module__}:{type(value).__qualname__}"
        if is_dataclass(value) and where.startswith(MODEL_ROOMS):
            told = {item.name: self.told(getattr(value, item.name)) for item in fields(value)}
            return {"is": "dataclass", "of": where, "fields": told, "number": number}
        raise TypeError(f"{where} has no plain form; a model is made of numbers, words, frames and dataclasses.")

    def _array(self, array: NDArray[Any]) -> str:
        if array.dtype.kind not in "biuf":
            raise TypeError(f"An array of {array.dtype} has no plain form.")
        name = f"a{len(self.shapes)}"
        self.arrays.setdefault(array.size, {})[name] = pl.Series(name, np.ascontiguousarray(array).ravel())
        self.shapes[name] = _Shape(f"arrays-{array.size}.parquet", array.shape)
        return name

    def _frame(self, frame: pl.DataFrame) -> int:
        self.frames.append(frame)
        return len(self.frames) - 1


class _Reader:
    def __init__(self, files: Mapping[str, bytes], shapes: Mapping[str, Any]) -> None:
        self._files = files
        self._shapes = shapes
        self._frames: dict[str, pl.DataFrame] = {}
        self._made: dict[int, Any] = {}

    def made(self, told: Any) -> Any:
        if not isinstance(told, dict):
            return told
        kind, of = told["is"], told["of"]
        if kind in _FROM_TEXT:
            return _FROM_TEXT[kind](of)
        if kind in ("list", "tuple"):
            items = [self.made(item) for item in of]
            return items if kind == "list" else tuple(items)
        if kind == "dict":
            return {self.made(key): self.made(item) for key, item in of}
        if kind != "same":
            self._made[told["number"]] = self._object(kind, told)
        return self._made[of if kind == "same" else told["number"]]

    def _object(self, kind: str, told: Mapping[str, Any]) -> Any:
        of = told["of"]
        if kind == "array":
            return self._array(of)
        if kind == "dataclass":
            return _class(of, told["fields"])(**{name: self.made(item) for name, item in told["fields"].items()})
        return self._frame(f"frame-{of}.parquet")

    def _array(self, name: str) -> NDArray[Any]:
        where = self._shapes[name]
        return self._frame(where["file"])[name].to_numpy(writable=True).reshape(where["shape"])

    def _frame(self, file: str) -> pl.DataFrame:
        if file not in self._frames:
            self._frames[file] = pl.read_parquet(BytesIO(self._files[file]))
        return self._frames[file]


def _class(where: str, told: Mapping[str, Any]) -> Any:
    module, _, name = where.partition(":")
    found = getattr(importlib.import_module(module), name, None) if module.startswith(MODEL_ROOMS) else None
    if found is None or not is_dataclass(found) or {item.name for item in fields(found)} != set(told):
        raise AnotherRelease(
            f"The model was written by another release: {where} has changed.",
            remedy="Train it again: leadflow models train.",
        )
    return found


def _parquet(frame: pl.DataFrame) -> bytes:
    written = BytesIO()
    frame.write_parquet(written, compression="zstd", compression_level=3, statistics=False)
    return written.getvalue()
