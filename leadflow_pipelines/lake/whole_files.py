"""Writing a file on disk so that a reader finds all of it or none, whatever dies meanwhile."""

import os
import uuid
from pathlib import Path


def put_whole(target: Path, content: bytes | memoryview) -> None:
    """Put `content` at `target`, whose folder is made where it is missing; on disk when this returns."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    with unfinished.open("wb") as sink:
        sink.write(content)
        sink.flush()
        os.fsync(sink.fileno())
    unfinished.replace(target)
