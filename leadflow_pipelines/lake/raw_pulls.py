"""Raw pulls: what a source returned, as immutable Parquet files.

The fingerprint row in Postgres is the authority on what is cached; the file follows it. A file appears whole
or not at all, and is on disk before Postgres is told of it, because it was paid for.
"""

import datetime as dt
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.fs as arrow_fs
from deltalake.fs import DeltaStorageHandler
from pyarrow import parquet

from leadflow_pipelines.contracts import RAW_PULLS

COMPRESSED = {name: "zstd" if name == "payload" else "none" for name in RAW_PULLS.schema}
REPEATED = [name for name in RAW_PULLS.schema if name not in ("item_number", "item_key", "payload")]
"""Columns that say the same in every row of an answer: a dictionary makes nothing of them."""


class RawPulls:
    """Writes and reads the Parquet files below `<root>/raw`."""

    def __init__(self, root: str, storage_options: dict[str, str] | None) -> None:
        self._root = root
        self._options = storage_options

    def write_raw(
        self, provider: str, day: dt.date, zip_code: str, fingerprint: str, rows: pl.DataFrame | pa.Table
    ) -> str:
        """Store one pull (RAW_PULLS shape); returns its path relative to the lake's root."""
        relative = f"raw/{provider}/day={day.isoformat()}/zip={zip_code}/{fingerprint}.parquet"
        self._put(relative, RAW_PULLS.conform(rows).to_arrow() if isinstance(rows, pl.DataFrame) else rows)
        return relative

    def read_raw(self, paths: list[str]) -> pl.DataFrame:
        """The rows of several pulls, in the order of the paths. Raises FileNotFoundError where one is gone."""
        if not paths:
            return RAW_PULLS.empty()
        full = [f"{self._root}/{path}" for path in paths]
        return RAW_PULLS.conform(pl.read_parquet(full, storage_options=self._options, hive_partitioning=False))

    def read_all(self, provider: str) -> pl.DataFrame:
        """The rows of every pull of a provider, in the order of the files' names; no rows where there is none."""
        below = f"{self._root}/raw/{provider}/"
        return self.read_raw([path.removeprefix(f"{self._root}/") for path in self._files() if path.startswith(below)])

    def has_raw(self, path: str) -> bool:
        """Whether the file of a pull is still there."""
        if "://" in self._root:
            return bool(pl.scan_parquet(f"{self._root}/{path}", storage_options=self._options).collect_schema())
        return Path(self._root, path).exists()

    def remove_raw(self, path: str) -> None:
        """Delete the file of a pull that may be kept no longer; one that is gone already is no fault."""
        if "://" not in self._root:
            Path(self._root, path).unlink(missing_ok=True)
            return
        DeltaStorageHandler(self._root, self._options).delete_file(path)

    def rewrite_raw(self, where: pl.Expr, change: Callable[[pl.DataFrame], pl.DataFrame]) -> int:
        """Rewrite every file with rows that satisfy `where` (RAW_PULLS columns); returns how many rows did.

        change: from a file's rows to those that shall stand in it. Only an erasure may: a pull was paid for as it is.
        """
        paths = self._files()
        if not paths:
            return 0
        files = pl.scan_parquet(
            paths, storage_options=self._options, hive_partitioning=False, include_file_paths="file"
        )  # fmt: skip
        found = files.filter(where.fill_null(False)).group_by("file").len().collect(engine="streaming")
        for file in found["file"]:
            relative = file.removeprefix(f"{self._root}/")
            self._put(relative, RAW_PULLS.conform(change(self.read_raw([relative]))).to_arrow())
        return int(found["len"].sum())

    def _files(self) -> list[str]:
        """Every file of a pull, by its whole path."""
        if "://" not in self._root:
            return sorted(str(path) for path in Path(self._root, "raw").rglob("*.parquet"))
        store = arrow_fs.PyFileSystem(DeltaStorageHandler(self._root, self._options))
        listed = store.get_file_info(arrow_fs.FileSelector("raw", recursive=True, allow_not_found=True))
        return sorted(f"{self._root}/{one.path}" for one in listed if one.path.endswith(".parquet"))

    def _put(self, relative: str, rows: pa.Table) -> None:
        """The file at this path, whole or not at all, in the place of an earlier one.

        It is renamed first and then put on disk: so the disk knows its name as well, for one wait instead of two.
        """
        if self._options is not None or "://" in self._root:
            pl.DataFrame(rows).write_parquet(f"{self._root}/{relative}", storage_options=self._options)
            return
        target = Path(self._root, relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.stem}.{uuid.uuid4().hex}")
        with unfinished.open("wb") as sink:
            sink.write(_as_parquet(rows))
            sink.flush()
            unfinished.replace(target)
            os.fsync(sink.fileno())


def _as_parquet(table: pa.Table) -> memoryview:
    """The file. For one row Arrow's writer takes 0.4 ms, Polars' 0.9 and the threads that it wakes."""
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table, sink, compression=COMPRESSED, use_dictionary=REPEATED, write_statistics=False, store_schema=False
    )
    return memoryview(sink.getvalue())
