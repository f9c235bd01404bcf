"""Raw pulls: what a source returned, as immutable Parquet files.

The fingerprint row in Postgres is the authority on what is cached; the file follows it. A file appears whole
or not at all, and is on disk before Postgres is told of it, because it was paid for.
"""

import datetime as dt
import os
import uuid
from io import BytesIO
from pathlib import Path

import polars as pl
from deltalake.fs import DeltaStorageHandler

from leadflow_pipelines.contracts import RAW_PULLS


class RawPulls:
    """Writes and reads the Parquet files below `<root>/raw`."""

    def __init__(self, root: str, storage_options: dict[str, str] | None) -> None:
        self._root = root
        self._options = storage_options

    def write_raw(self, provider: str, day: dt.date, zip_code: str, fingerprint: str, frame: pl.DataFrame) -> str:
        """Store one pull (RAW_PULLS shape); returns its path relative to the lake's root."""
        relative = f"raw/{provider}/day={day.isoformat()}/zip={zip_code}/{fingerprint}.parquet"
        frame = RAW_PULLS.conform(frame)
        if self._options is not None or "://" in self._root:
            frame.write_parquet(f"{self._root}/{relative}", storage_options=self._options)
            return relative
        target = Path(self._root, relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{fingerprint}.{uuid.uuid4().hex}")
        written = BytesIO()  # Polars takes half a millisecond more for a file
        frame.write_parquet(written, compression="zstd", compression_level=1)
        with unfinished.open("wb") as sink:
            sink.write(written.getbuffer())
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.replace(target)
        return relative

    def read_raw(self, paths: list[str]) -> pl.DataFrame:
        """The rows of several pulls, in the order of the paths. Raises FileNotFoundError where one is gone."""
        if not paths:
            return RAW_PULLS.empty()
        full = [f"{self._root}/{path}" for path in paths]
        return RAW_PULLS.conform(pl.read_parquet(full, storage_options=self._options, hive_partitioning=False))

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
