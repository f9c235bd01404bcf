"""Importing do-not-call and litigator lists: files become an immutable version that decisions name.

A version is written whole before Postgres knows of it, and never changes; a change list makes another one.
Not here: what the versions answer (`registries`), reading the files (`compliance.do_not_call`).
"""

import datetime as dt
import hashlib
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.clearance.registry_licences import FTC, LITIGATORS, check_covered, known_registry, licence_for
from leadflow_pipelines.compliance.do_not_call import (
    BitSets,
    Reading,
    open_bit_sets,
    publish_bit_sets,
    read_changes,
    read_full,
)
from leadflow_pipelines.compliance.do_not_call.bit_sets import Applied
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import registry_versions
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.observability.progress import report_progress
from leadflow_pipelines.settings import Settings

FULL, CHANGE = "full", "change"
TOLD_EVERY = 20_000_000
MOST_TOLD = 5
UNFINISHED_AFTER = dt.timedelta(days=1)


@dataclass(frozen=True)
class ListImport:
    """What to import. `as_of`: the day on which the registry wrote the files; `area_codes`: those they answer for,
    beside those they hold numbers of; `allow_rejected`: lines that cannot be read and were looked at.
    """

    registry: str
    files: Sequence[Path]
    as_of: dt.date
    imported_by: str
    file_kind: str = FULL
    area_codes: tuple[str, ...] = ()
    allow_rejected: int = 0


@dataclass(frozen=True)
class ImportedList:
    """The version that an import made, or found: `is_new` is false where the same was imported before.

    `applied`: what a change list did; None for a full list.
    """

    version_id: str
    registry: str
    as_of: dt.date
    area_codes: tuple[str, ...]
    numbers: int
    reading: Reading
    base_version_id: str | None
    applied: Applied | None
    is_new: bool


def registries_folder(settings: Settings, org: Org) -> Path:
    """Where an org's lists lie; no other org's do."""
    return (settings.registries_dir or settings.home / "registries") / org.slug


def import_list(
    database: Database, org: Org, wanted: ListImport, *, now: dt.datetime, settings: Settings
) -> ImportedList:
    """Imports full lists together as one version, or change lists onto the registry's newest version.

    Raises InvalidInput, and imports nothing, where the org has no licence of its own for the registry, where lines
    cannot be read (more than `allow_rejected`), and for files that do not fit their registry, licence or base.
    """
    registry, day = known_registry(wanted.registry), now.astimezone(settings.zone).date()
    if wanted.as_of > day:
        raise InvalidInput(f"The list cannot be of {wanted.as_of}: today is {day}.", remedy="Name the download's day.")
    if not wanted.files:
        raise InvalidInput("No file was named.", remedy="Name the files as downloaded, zipped or not.")
    with database.as_org(org.org_id) as connection:
        licence = None if registry == LITIGATORS else licence_for(connection, org, registry, day)
        base = _base(connection, org, registry, wanted) if wanted.file_kind == CHANGE else None
    reading = Reading()
    sets, applied = _read(wanted, registry, base, reading, settings, org)
    _check(wanted, reading)
    area_codes = () if sets.answers_all else tuple(f"{code:03d}" for code in sorted(sets.rows))
    if licence is not None:
        check_covered(licence, [f"{code:03d}" for code in sets.rows] if registry == FTC else ())
    name = registry.replace(":", "-")
    version_id = f"{name}-{wanted.as_of}-{sets.digest()[:12]}"
    numbers = sets.count
    report_progress(f"{numbers:,} numbers; writing them to the disk")
    folder = registries_folder(settings, org) / name
    _remove_unfinished(folder, now)
    publish_bit_sets(sets, folder / version_id)
    base_id: str | None = base["version_id"] if base else None
    row = {
        "version_id": version_id, "org_id": org.org_id, "registry": registry, "file_kind": wanted.file_kind,
        "base_version_id": base_id, "as_of": wanted.as_of,
        "area_codes": list(area_codes), "numbers": numbers, "file_sha256": _digest(wanted.files),
        "path": f"{name}/{version_id}", "imported_by": wanted.imported_by, "imported_at": now,
    }  # fmt: skip
    facts = {**{key: row[key] for key in ("version_id", "registry", "file_kind", "base_version_id", "numbers")},
             "act": "import", "as_of": wanted.as_of.isoformat(), "file_sha256": row["file_sha256"],
             "rejected": reading.rejected, "by": wanted.imported_by,
             "account": licence.account if licence else None}  # fmt: skip
    with database.as_org(org.org_id) as connection:
        added = insert(registry_versions).values(row).on_conflict_do_nothing()
        is_new = connection.execute(added.returning(registry_versions.c.version_id)).first() is not None
        if is_new:
            append_proof(connection, org.org_id, [ProofEntry(uuid.uuid4(), "registry_version", None, now, facts)])
    return ImportedList(version_id, registry, wanted.as_of, area_codes, numbers, reading, base_id, applied, is_new)


def _base(connection: Connection, org: Org, registry: str, wanted: ListImport) -> RowMapping:
    """The newest version of the registry, which a change list changes."""
    columns = registry_versions.c
    newest = (
        select(registry_versions)
        .where(columns.org_id == org.org_id, columns.registry == registry)
        .order_by(columns.as_of.desc(), columns.imported_at.desc())
        .limit(1)
    )
    base = connection.execute(newest).mappings().one_or_none()
    if base is None:
        raise InvalidInput(f"There is no list of {registry} to change.", remedy="Import its full list first.")
    if base["as_of"] >= wanted.as_of:
        raise InvalidInput(
            f"The newest list of {registry} is of {base['as_of']}: a change list of {wanted.as_of} is no news.",
            remedy="Import change lists in their order, each with the day on which it was written.",
        )
    return base


def _read(
    wanted: ListImport, registry: str, base: RowMapping | None, reading: Reading, settings: Settings, org: Org
) -> tuple[BitSets, Applied | None]:
    if base is not None:
        sets = open_bit_sets(registries_folder(settings, org) / base["path"]).changeable()
        return sets, sets.apply(read_changes(wanted.files, reading))
    sets = BitSets(answers_all=registry != FTC)
    told = 0
    for numbers in read_full(wanted.files, reading):
        sets.add(numbers)
        if reading.rows - told >= TOLD_EVERY:
            told = reading.rows
            report_progress(f"{told:,} lines read")
    _check_declared(wanted, sets)
    return sets, None


def _check_declared(wanted: ListImport, sets: BitSets) -> None:
    """Area codes that were named are answered for, even without a number; then the file may hold no other."""
    declared = {int(code) for code in wanted.area_codes if code.isdecimal()}
    if not declared:
        return
    other = sorted(set(sets.rows) - declared)
    if other:
        raise InvalidInput(
            f"The files hold area codes that were not named: {', '.join(map(str, other[:MOST_TOLD]))}.",
            remedy="Name all of them, or leave --area-code out: then those count of which the files hold numbers.",
        )
    sets.cover(declared)


def _check(wanted: ListImport, reading: Reading) -> None:
    if reading.rejected > wanted.allow_rejected:
        told = "\n".join(f"  {fault}" for fault in reading.faults[:MOST_TOLD])
        raise InvalidInput(
            f"{reading.rejected:,} of {reading.rows:,} lines cannot be read; a list that lacks numbers lets calls "
            f"through.\n{told}",
            remedy="Take the file as downloaded (change lists with --change). If these lines hold no number, say "
            f"--allow-rejected {reading.rejected}.",
        )
    if reading.rows == reading.rejected and not (wanted.file_kind == FULL and wanted.area_codes):
        raise InvalidInput(
            "The files hold no number.",
            remedy="Where the registry wrote an empty list, name its --area-code; else download it again.",
        )


def _remove_unfinished(folder: Path, now: dt.datetime) -> None:
    """Removes what imports that were killed have left: half a gigabyte each."""
    for left in folder.glob(".*"):
        if left.stat().st_mtime < (now - UNFINISHED_AFTER).timestamp():
            shutil.rmtree(left, ignore_errors=True)


def _digest(files: Sequence[Path]) -> str:
    """sha256 of the file; of several, over the digests of each."""
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
