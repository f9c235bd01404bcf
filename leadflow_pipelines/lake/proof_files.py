"""Evidence behind list clearances: one Parquet file per clearance, which only an erasure ever rewrites.

Here: writing and reading them, on a local path or S3. Not here: what they prove (`clearance/list_proof`).
"""

import os
import uuid
from io import BytesIO
from pathlib import Path

import polars as pl


class ProofFiles:
    """Writes and reads the Parquet files below `<root>/proof`."""

    def __init__(self, root: str, storage_options: dict[str, str] | None) -> None:
        self._root = root
        self._options = storage_options

    def write(self, path: str, frame: pl.DataFrame) -> None:
        """Put a file at a path relative to the lake's root, whole or not at all."""
        if "://" in self._root:
            frame.write_parquet(f"{self._root}/{path}", storage_options=self._options)
            return
        target = Path(self._root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        written = BytesIO()
        frame.write_parquet(written, compression="zstd", compression_level=1)
        with unfinished.open("wb") as sink:
            sink.write(written.getbuffer())
            sink.flush()
            os.fsync(sink.fileno())
        unfinished.replace(target)

    def read(self, path: str) -> pl.DataFrame:
        """The rows of a file. Raises FileNotFoundError where it is gone."""
        return pl.read_parquet(f"{self._root}/{path}", storage_options=self._options, hive_partitioning=False)
