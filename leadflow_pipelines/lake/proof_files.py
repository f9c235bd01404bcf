"""Evidence behind list clearances: one Parquet file per clearance, which only an erasure ever rewrites; and notes.

Here: writing and reading them, on a local path or S3. Not here: what they prove (`clearance/list_proof`,
`clearance/head_anchor`).
"""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from leadflow_pipelines.lake.whole_files import put_whole, read_file, write_file


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
        written = BytesIO()
        frame.write_parquet(written, compression="zstd", compression_level=1)
        put_whole(Path(self._root, path), written.getbuffer())

    def read(self, path: str) -> pl.DataFrame:
        """The rows of a file. Raises FileNotFoundError where it is gone."""
        return pl.read_parquet(f"{self._root}/{path}", storage_options=self._options, hive_partitioning=False)

    def write_note(self, path: str, note: Mapping[str, int | str]) -> None:
        """Put one JSON object at a path relative to the lake's root, in the place of an earlier one, whole or not."""
        write_file(self._root, path, orjson.dumps(note), self._options)

    def read_note(self, path: str) -> dict[str, Any] | None:
        """What was put there, None where nothing was."""
        content = read_file(self._root, path, self._options)
        if content is None:
            return None
        note: dict[str, Any] = orjson.loads(content)
        return note
