"""Writing a file so that a reader finds all of it or none, whatever dies meanwhile: on a disk or on S3."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

from deltalake.fs import DeltaStorageHandler


def write_file(root: str, path: str, content: bytes, storage_options: Mapping[str, str] | None) -> None:
    """Put `content` at `path` below a lake's root, in the place of what was there."""
    if "://" not in root:
        put_whole(Path(root, path), content)
        return
    # PyArrow's wrapper around this stream hands it buffers, which it refuses.
    stream = DeltaStorageHandler(root, dict(storage_options or {}))._handler.open_output_stream(path, None)
    stream.write(content)
    stream.close()  # type: ignore[attr-defined]  # the stub lacks it


def read_file(root: str, path: str, storage_options: Mapping[str, str] | None) -> bytes | None:
    """What stands at `path` below a lake's root; None where nothing does."""
    try:
        if "://" not in root:
            return Path(root, path).read_bytes()
        return bytes(DeltaStorageHandler(root, dict(storage_options or {})).open_input_file(path).read())
    except FileNotFoundError:
        return None


def put_whole(target: Path, content: bytes | memoryview) -> None:
    """Put `content` at `target`, whose folder is made where it is missing; on disk when this returns."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    with unfinished.open("wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    unfinished.replace(target)
