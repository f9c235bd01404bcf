"""The job that imports one county file, started by the watched folder's sensor or by hand."""

import datetime as dt
from pathlib import Path

import dagster as dg

from assets.raw_pulls import COUNTY_FILES
from assets.run_correlation import bind_run
from assets.scope import Scope
from leadflow_pipelines.automation.run_day import add_zips
from leadflow_pipelines.county_files import import_county_file, load_mapping

IMPORT_JOB = "import_county_file"


class CountyFileConfig(dg.Config):
    """Which file, as which source, under which mapping (none: one is proposed)."""

    path: str
    source: str
    mapping: str | None = None


def build_import_job(scope: Scope) -> dg.JobDefinition:
    """The org's import job. It reports the file's rows on raw/county_files, ZIP by ZIP."""

    @dg.op(required_resource_keys={"workspace", "clock"})
    def import_file(context: dg.OpExecutionContext, config: CountyFileConfig) -> None:
        workspace = context.resources.workspace.open()
        now: dt.datetime = context.resources.clock.now()
        day = now.astimezone(workspace.settings.zone).date()
        with bind_run(context.run, scope.org):
            result = import_county_file(
                Path(config.path),
                source=config.source,
                mapping=load_mapping(Path(config.mapping)) if config.mapping else None,
                lake=workspace.lake,
                database=workspace.database,
                org=workspace.org,
                day=day,
                now=now,
                progress=context.log.info,
            )
        add_zips(context.instance, scope, sorted(result.zips))
        for zip_code, rows in sorted(result.zips.items()):
            context.log_event(
                dg.AssetMaterialization(
                    scope.key(COUNTY_FILES),
                    partition=scope.partition_key(day, zip_code),
                    metadata={
                        "dagster/partition_row_count": rows,
                        "file": Path(config.path).name,
                        "source": config.source,
                        "file_rows_in": result.rows_in,
                        "file_rejected": result.rejected,
                        "file_unlocated": result.unlocated,
                    },
                )
            )

    @dg.job(
        name=IMPORT_JOB,
        executor_def=dg.in_process_executor,
        description="Import one county file into property records and the property table.",
    )
    def import_job() -> None:
        import_file()

    return import_job
