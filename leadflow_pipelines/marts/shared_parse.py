"""The parse of the dbt project, kept for every org and process: dbt needs 5 s to make it and 0.3 s to read it.

Made when LeadFlow is installed (`python -m leadflow_pipelines.marts.run_dbt`), or by the first build after a
model has changed. dbt itself looks file by file whether it still holds. Not here: how dbt is run (`run_dbt`).
"""

import hashlib
import shutil
import uuid
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from leadflow_pipelines.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_like_models"
PARSE = "partial_parse.msgpack"
SOURCE_SUFFIXES = {".sql", ".yml"}
DBT_PACKAGES = ("dbt-core", "dbt-duckdb")


def project_sources() -> list[Path]:
    """The files the models are made of."""
    return sorted(path for path in PROJECT.rglob("*") if path.suffix in SOURCE_SUFFIXES and "target" not in path.parts)


def shared_parse() -> Path:
    """Where the parse of these models, by this release of dbt, lies or will lie."""
    return PROJECT / "target" / f"{_digest()}.{PARSE}"


def share_parse(target: Path) -> None:
    """Leave what dbt has just parsed into `target` to all who come after, in the place of what older models left."""
    with suppress(OSError):  # an installation may be read-only: then every org parses for itself
        kept = shared_parse()
        kept.parent.mkdir(exist_ok=True)
        draft = kept.with_name(f".{kept.name}.{uuid.uuid4().hex}")
        shutil.copyfile(target / PARSE, draft)
        draft.replace(kept)
        for stale in kept.parent.glob(f"*.{PARSE}"):
            if stale != kept:
                stale.unlink(missing_ok=True)


@cache
def _digest() -> str:
    lines = [f"{package} {version(package)}" for package in DBT_PACKAGES]
    lines += [f"{path.relative_to(PROJECT)}\n{path.read_text()}" for path in project_sources()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
