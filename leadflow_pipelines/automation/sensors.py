"""Sensors: new county files, what an import or bought look-ups make worth working again, and failed runs."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from assets import LIST_NAMES
from assets.raw_pulls import COUNTY_FILES
from assets.run_correlation import CORRELATION_TAG, correlation_of
from assets.scope import Scope
from leadflow_pipelines.automation.import_job import IMPORT_JOB
from leadflow_pipelines.automation.jobs import FREE_JOB, LISTS_JOB
from leadflow_pipelines.automation.lookups_job import LOOKUPS_JOB
from leadflow_pipelines.automation.run_day import contiguous_ranges, range_tags
from leadflow_pipelines.county_files.source_name import find_mapping, source_name
from leadflow_pipelines.observability import new_correlation_id, report_error
from leadflow_pipelines.settings import get_settings

SETTLED_SECONDS = 10
"""A file changed more recently than this may still be arriving."""

COUNTY_FILE_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".parquet", ".gz")


def build_sensors(scope: Scope, jobs: Mapping[str, Any]) -> list[dg.SensorDefinition]:
    """The org's sensors; `jobs` are its jobs by name. None of them starts a paid asset."""

    @dg.sensor(
        name="county_files",
        job_name=IMPORT_JOB,
        minimum_interval_seconds=30,
        description="Imports each new or changed county file in the watched folder; a subfolder names its source.",
    )
    def county_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        folder = get_settings().inbox
        seen: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        requests = []
        for path in _settled_files(folder):
            version = f"{path.stat().st_mtime_ns}:{path.stat().st_size}"
            if seen.get(str(path)) != version:
                seen[str(path)] = version
                requests.append(_import_request(path, folder, version))
        if not requests:
            return dg.SkipReason(f"No new county file in {folder}.")
        return dg.SensorResult(run_requests=requests, cursor=json.dumps(seen))

    @dg.run_status_sensor(
        name="refresh_imported_zips",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[jobs[IMPORT_JOB]],
        request_job=jobs[FREE_JOB],
        description="After an import, refreshes what costs nothing for the ZIPs of the file.",
    )
    def refresh_imported_zips(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
        yield from _follow(context, scope, dg.DagsterEventType.ASSET_MATERIALIZATION, COUNTY_FILES)

    @dg.run_status_sensor(
        name="clear_after_lookups",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[jobs[LOOKUPS_JOB]],
        request_job=jobs[LISTS_JOB],
        description="After look-ups were bought, decides the lists that waited for them again.",
    )
    def clear_after_lookups(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest]:
        yield from _follow(context, scope, dg.DagsterEventType.ASSET_OBSERVATION, *LIST_NAMES)

    @dg.run_failure_sensor(name="report_failed_runs", description="Sends each failed run to the error reports.")
    def report_failed_runs(context: dg.RunFailureSensorContext) -> None:
        report_error(
            context.failure_event.message or "The run failed.",
            run_id=context.dagster_run.run_id,
            correlation_id=correlation_of(context.dagster_run),
            job=context.dagster_run.job_name,
        )

    return [county_files, refresh_imported_zips, clear_after_lookups, report_failed_runs]


def _settled_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    limit = dt.datetime.now(dt.UTC).timestamp() - SETTLED_SECONDS
    files = (path for path in folder.rglob("*") if path.suffix.lower() in COUNTY_FILE_SUFFIXES and path.is_file())
    return sorted(path for path in files if path.stat().st_mtime < limit)


def _import_request(path: Path, folder: Path, version: str) -> dg.RunRequest:
    source = path.parent.name if path.parent != folder else source_name(path)
    mapping = find_mapping(path)
    config = {"path": str(path), "source": source, "mapping": str(mapping) if mapping else None}
    return dg.RunRequest(
        run_key=f"{path}:{version}",
        run_config={"ops": {"import_file": {"config": config}}},
        tags={CORRELATION_TAG: new_correlation_id()},
    )


def _follow(
    context: dg.RunStatusSensorContext, scope: Scope, event: dg.DagsterEventType, asset: str
) -> Iterator[dg.RunRequest]:
    """A run for each stretch of ZIPs and day that the finished run told of on `asset`, under its correlation id."""
    run = context.dagster_run
    records = context.instance.get_records_for_run(run.run_id, of_type=event).records
    keys = {record.partition_key for record in records if record.asset_key == scope.key(asset)}
    calendar = context.instance.get_dynamic_partitions(scope.zips_name)
    parts = [key.split("|") for key in keys if key]
    for day in sorted({day for day, _ in parts}):
        for first, last in contiguous_ranges(calendar, [zip_code for of, zip_code in parts if of == day]):
            tags = range_tags(scope, dt.date.fromisoformat(day), first, last)
            yield dg.RunRequest(
                run_key=f"{run.run_id}:{day}:{first}:{last}", tags={CORRELATION_TAG: correlation_of(run), **tags}
            )
