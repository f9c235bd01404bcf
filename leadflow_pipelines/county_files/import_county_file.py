"""Import one county file: read, map, make records, store them, bring the property table up to date.

Here: the order of the steps, which makes a killed import safe to run again, and the report. Not here: the steps.

Order. Rejects and records are each stored in one commit; then the import is registered; then records are placed
and properties refreshed, which resumes from whatever is pending. Up to the registration a second run starts
afresh, undoing the first one's records, so that they are placed on the same evidence; from there on it only
resumes. So the tables end the same wherever the first run was killed.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.contracts import PROPERTIES, PROPERTY_RECORDS, REJECTED_RECORDS, UNLOCATED
from leadflow_pipelines.county_files.apply_mapping import MappedRows, apply_mapping
from leadflow_pipelines.county_files.county_file import CountyFile, file_sha256, read_county_file
from leadflow_pipelines.county_files.propose_mapping import ColumnReason, Proposal, propose_mapping
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.property_decisions import read_decisions
from leadflow_pipelines.database.tables import imported_files
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.properties.record_store import known_places, place_unlocated, write_records
from leadflow_pipelines.properties.records import build_records
from leadflow_pipelines.properties.refresh_properties import pending_zips, refresh_properties
from leadflow_pipelines.properties.renew_keys import renew_keys
from leadflow_pipelines.properties.stable_hash import stable_hash
from leadflow_pipelines.source_rows.mapping import Mapping

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ImportResult:
    """What an import did. rows_in = records + rejected.

    records counts every row that is a record, known before or not; unlocated those that stand in no ZIP now.
    zips: rows of this file per ZIP partition. rejected_because: rows per reason. proposed: why each column was
    mapped, empty where a mapping was given. already_imported: the file was known, nothing was read anew.
    """

    file_name: str
    source: str
    rows_in: int
    records: int
    rejected: int
    unlocated: int
    properties_new: int
    properties_total: int
    already_imported: bool
    mapping: Mapping
    proposed: tuple[ColumnReason, ...]
    warnings: tuple[str, ...]
    rejected_because: dict[str, int]
    zips: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The report as plain values; it holds no cell of the file."""
        return {
            "file_name": self.file_name,
            "source": self.source,
            "rows_in": self.rows_in,
            "records": self.records,
            "rejected": self.rejected,
            "unlocated": self.unlocated,
            "properties_new": self.properties_new,
            "properties_total": self.properties_total,
            "already_imported": self.already_imported,
            "rejected_because": self.rejected_because,
            "warnings": list(self.warnings),
            "zips": len(self.zips),
            "mapping": self.mapping.model_dump(mode="json", exclude_defaults=True),
        }


@dataclass(frozen=True)
class _Import:
    """Where an import goes."""

    path: Path
    source: str
    lake: Lake
    database: Database
    org: Org
    day: dt.date
    now: dt.datetime
    say: Progress


@dataclass(frozen=True)
class _Stored:
    """What stands stored of a file, from this run or an earlier one.

    unlocated: at the import. record_ids: of every record of the file, null where it was not read anew.
    """

    sha256: str
    rows_in: int
    records: int
    rejected: int
    mapping: Mapping
    already_imported: bool
    unlocated: int
    record_ids: pl.Series | None = None
    proposed: tuple[ColumnReason, ...] = ()
    warnings: tuple[str, ...] = ()


def import_county_file(
    path: str | Path,
    *,
    source: str,
    mapping: Mapping | None = None,
    lake: Lake,
    database: Database,
    org: Org,
    day: dt.date,
    now: dt.datetime,
    progress: Progress | None = None,
) -> ImportResult:
    """Import a county file into the org's records and properties.

    The same file under the same source and mapping changes nothing; under another mapping its records are
    replaced. Without a mapping one is proposed, told through `progress`, and used. `day` is the partition;
    `now` stamps rejects. Raises InvalidInput, before anything is written, when the file or the mapping cannot
    be used, or when no row of it is a record.
    """
    if not source.strip():
        raise InvalidInput("The source has no name.", remedy="Name it, e.g. --source queens_sales.")
    job = _Import(Path(path), source.strip(), lake, database, org, day, now, progress or (lambda _text: None))
    stored = _already_stored(job, mapping) or _store(job, mapping)
    return _bring_up_to_date(job, stored)


def _already_stored(job: _Import, mapping: Mapping | None) -> _Stored | None:
    """The earlier import of these bytes, if it was registered with this mapping and its records are there."""
    sha256 = file_sha256(job.path)
    known = _registered(job, sha256)
    if known is None:
        return None
    registered = Mapping.model_validate(known["mapping"])
    if mapping is not None and mapping != registered:
        return None
    if job.lake.read(PROPERTY_RECORDS, where=pl.col("source") == job.source, columns=["day"]).is_empty():
        return None  # the lake was emptied or moved since
    job.say(f"{job.path.name} was imported as {job.source} before; nothing of it is read again")
    note = f"Imported before, on {known['day']}."
    return _Stored(
        sha256, known["rows_in"], known["records"], known["rejected"], registered, True, known["unlocated"],
        warnings=(note,),
    )  # fmt: skip


def _store(job: _Import, mapping: Mapping | None) -> _Stored:
    """Read, map and store the file: rejects, records, registration, in this order."""
    file = read_county_file(job.path)
    job.say(f"Read {file.rows_in:,} rows of {file.file_name}")
    proposal = None if mapping else propose_mapping(file)
    if proposal:
        job.say(describe_proposal(proposal))
    used = mapping or proposal.mapping  # type: ignore[union-attr]
    known = _registered(job, file.sha256)
    day = known["day"] if known else job.day
    mapped = apply_mapping(file, used, day=day)
    if mapped.rows.is_empty():
        raise InvalidInput(
            f"No row of {file.file_name} became a record: all {mapped.rejected.height:,} were rejected, first "
            f"because: {mapped.rejected['reason'][0]}",
            remedy="Check the mapping with --show-mapping, mend it and give it with --mapping.",
        )
    _remove_unfinished(job, file.sha256)
    records = _build(job, file, mapped, day)
    rows_in = file.rows_in
    # What became records is not needed twice: a million rows are 0.7 GB as read and as mapped.
    file = replace(file, frame=file.frame.clear())
    mapped = replace(mapped, rows=mapped.rows.clear())
    job.lake.replace(REJECTED_RECORDS, _rejects(job, file, mapped, day), day=day, where=_of_file(job, file.sha256))
    new = write_records(job.lake, records, source=job.source, pull_ids=[file.sha256], day=day)
    job.say(f"Stored {new:,} new of {records.height:,} records, {mapped.rejected.height:,} rejected")
    _register(
        job,
        file.sha256,
        mapping=used.model_dump(mode="json", exclude_none=True),
        day=day,
        rows_in=rows_in,
        records=records.height,
        rejected=mapped.rejected.height,
        unlocated=records.filter(pl.col("zip") == UNLOCATED).height,
    )
    warnings = (*file.notes, *(str(warning) for warning in mapped.warnings))
    return _Stored(
        file.sha256, rows_in, records.height, mapped.rejected.height, used, False, 0, records["record_id"],
        proposal.reasons if proposal else (), warnings,
    )  # fmt: skip


def _bring_up_to_date(job: _Import, stored: _Stored) -> ImportResult:
    """Place what can now be placed, refresh what is pending, and count. Safe to repeat at any point."""
    renew_keys(job.lake, day=job.day)
    while place_unlocated(job.lake).height:
        pass
    with job.database.as_org(job.org.org_id) as connection:
        decisions = read_decisions(connection, job.org.org_id)
    pending = pending_zips(job.lake, decisions)
    new = 0
    if pending:
        job.say(f"Resolving properties in {len(pending):,} ZIPs")
        new = refresh_properties(job.lake, zips=pending, day=job.day, decisions=decisions).new
    per_zip = _rows_per_zip(job, stored)
    unlocated = per_zip.get(UNLOCATED, 0) if sum(per_zip.values()) == stored.records else stored.unlocated
    total = job.lake.read(PROPERTIES, where=pl.col("valid_to").is_null(), columns=["property_id"]).height
    reasons = job.lake.read(REJECTED_RECORDS, where=_of_file(job, stored.sha256), columns=["reason_code"])
    return ImportResult(
        file_name=job.path.name,
        source=job.source,
        rows_in=stored.rows_in,
        records=stored.records,
        rejected=stored.rejected,
        unlocated=unlocated,
        properties_new=new,
        properties_total=total,
        already_imported=stored.already_imported,
        mapping=stored.mapping,
        proposed=stored.proposed,
        warnings=stored.warnings,
        rejected_because=dict(reasons.group_by("reason_code").len().sort("reason_code").iter_rows()),
        zips=per_zip,
    )


def _rows_per_zip(job: _Import, stored: _Stored) -> dict[str, int]:
    """Where the file's records stand now. Those known from another file count only where it was read anew."""
    if stored.record_ids is None:
        rows = _records_of(job, stored.sha256, ["zip"])
    else:
        of_source = job.lake.read(PROPERTY_RECORDS, where=pl.col("source") == job.source, columns=["record_id", "zip"])
        rows = of_source.join(stored.record_ids.to_frame("record_id"), on="record_id", how="semi")
    return dict(rows.group_by("zip").len().sort("zip").iter_rows())


def describe_proposal(proposal: Proposal) -> str:
    """The proposed mapping for a person: one line a target, then what was left out."""
    mapped = [item for item in proposal.reasons if item.target]
    width = max(len(str(item.target)) for item in mapped)
    lines = [f"  {item.target!s:<{width}}  <- {item.column} ({item.confidence:.2f}, {item.reason})" for item in mapped]
    for name, why in proposal.constants.items():
        rule = proposal.mapping.columns.get(name)
        value = rule.short() if rule else getattr(proposal.mapping, name)
        lines.append(f"  {name:<{width}}  =  {value} ({why})")
    lines += [f"  not used: {item.column} ({item.reason})" for item in proposal.reasons if not item.target]
    return "\n".join(["No mapping was given; this one is proposed and used:", *lines])


def _of_file(job: _Import, sha256: str) -> pl.Expr:
    return (pl.col("source") == job.source) & (pl.col("pull_id") == sha256)


def _records_of(job: _Import, sha256: str, columns: list[str]) -> pl.DataFrame:
    return job.lake.read(PROPERTY_RECORDS, where=_of_file(job, sha256), columns=columns)


def _remove_unfinished(job: _Import, sha256: str) -> None:
    """Take back the records of an import that was not registered, or was made with another mapping."""
    for day in _records_of(job, sha256, ["day"])["day"].unique():
        job.lake.replace(PROPERTY_RECORDS, PROPERTY_RECORDS.empty(), day=day, where=_of_file(job, sha256))


def _build(job: _Import, file: CountyFile, mapped: MappedRows, day: dt.date) -> pl.DataFrame:
    job.say(f"Reading {mapped.rows.height:,} addresses")
    evidence = known_places(job.lake) if mapped.rows["zip"].has_nulls() else None
    return build_records(mapped.rows, source=job.source, pull_id=file.sha256, day=day, known=evidence)


def _rejects(job: _Import, file: CountyFile, mapped: MappedRows, day: dt.date) -> pl.DataFrame:
    return REJECTED_RECORDS.conform(
        mapped.rejected.with_columns(
            stable_hash([pl.lit(job.source), pl.lit(file.sha256), pl.col("row_number")]).alias("rejection_id"),
            pl.lit(job.source).alias("source"),
            pl.lit(file.sha256).alias("pull_id"),
            pl.lit(file.file_name).alias("file_name"),
            pl.lit(UNLOCATED).alias("zip"),
            pl.lit(day).alias("day"),
            pl.lit(job.now).alias("rejected_at"),
        )
    )


def _registered(job: _Import, sha256: str) -> dict[str, Any] | None:
    chosen = select(imported_files).where(
        imported_files.c.org_id == job.org.org_id,
        imported_files.c.source == job.source,
        imported_files.c.sha256 == sha256,
    )
    with job.database.as_org(job.org.org_id) as connection:
        row = connection.execute(chosen).mappings().first()
    return dict(row) if row else None


def _register(job: _Import, sha256: str, **columns: Any) -> None:
    values = {"file_name": job.path.name, "imported_at": job.now, **columns}
    key = {"org_id": job.org.org_id, "source": job.source, "sha256": sha256}
    statement = insert(imported_files).values(**key, **values)
    with job.database.as_org(job.org.org_id) as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))
