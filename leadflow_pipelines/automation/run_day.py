"""Run the chain for some ZIPs and a day, in this process.

Here: what the command line and the benchmark share with a run from the UI: the same job, the same partitions.
Not here: what the steps do (`assets`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.run_correlation import CORRELATION_TAG
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import DAILY_JOB, ZIP_JOB, console_level


@dataclass(frozen=True)
class DayRun:
    """What became of a day's runs. `failures` are (step, message); `is_whole`: nothing failed, broke its contract
    or stayed unbought."""

    run_ids: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    is_whole: bool


def run_day(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    scope: Scope,
    *,
    zips: Sequence[str],
    day: date,
    correlation_id: str,
    without: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
) -> DayRun:
    """Materialise every asset of the chain for these ZIPs and this day, `without` some, then the marts.

    ZIPs that stand side by side in Dagster's calendar make one run; others make one each, because a range run
    takes every key between its ends and no ZIP may be bought that nobody asked for. `tags` are put on each run.
    """
    add_zips(instance, scope, zips)
    results = []
    ranges = contiguous_ranges(instance.get_dynamic_partitions(scope.zips_name), zips)
    for number, (first, last) in enumerate(ranges, start=1):
        job = definitions.resolve_job_def(DAILY_JOB if number == len(ranges) else ZIP_JOB)
        if without:
            left_out = {scope.key(name) for name in without}
            job = job.get_subset(asset_selection=set(job.asset_layer.executable_asset_keys) - left_out)
        results.append(
            job.execute_in_process(
                instance=instance,
                tags={**(tags or {}), CORRELATION_TAG: correlation_id, **range_tags(scope, day, first, last)},
                run_config=console_level("CRITICAL"),
                raise_on_error=False,
            )
        )
    return DayRun(
        run_ids=tuple(result.run_id for result in results),
        failures=tuple(failure for result in results for failure in _failures(result)),
        is_whole=all(_is_whole(result) for result in results),
    )


def range_tags(scope: Scope, day: date, first: str, last: str) -> dict[str, str]:
    """The tags that make a run cover every ZIP from `first` to `last` of a day."""
    return {
        ASSET_PARTITION_RANGE_START_TAG: scope.partition_key(day, first),
        ASSET_PARTITION_RANGE_END_TAG: scope.partition_key(day, last),
    }


def add_zips(instance: dg.DagsterInstance, scope: Scope, zips: Sequence[str]) -> None:
    """Make these ZIPs partitions of the org, in order, where they are not yet."""
    present = set(instance.get_dynamic_partitions(scope.zips_name))
    missing = [zip_code for zip_code in sorted(zips) if zip_code not in present]
    if missing:
        instance.add_dynamic_partitions(scope.zips_name, missing)


def contiguous_ranges(calendar: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, str]]:
    """First and last key of each stretch of `calendar` that holds wanted keys only."""
    wanted_set = set(wanted)
    places = [place for place, key in enumerate(calendar) if key in wanted_set]
    starts = places[:1] + [after for before, after in pairwise(places) if after != before + 1]
    ends = [before for before, after in pairwise(places) if after != before + 1] + places[-1:]
    return [(calendar[start], calendar[end]) for start, end in zip(starts, ends, strict=True)]


def _failures(result: dg.ExecuteInProcessResult) -> Iterator[tuple[str, str]]:
    for event in result.get_step_failure_events():
        data = event.step_failure_data
        error = data.error.cause if data.error and data.error.cause else data.error
        yield event.step_key or "", error.message.strip() if error else "failed"


def _is_whole(result: dg.ExecuteInProcessResult) -> bool:
    made = (event.materialization.metadata for event in result.get_asset_materialization_events())
    return (
        result.success
        and all(check.passed for check in result.get_asset_check_evaluations())
        and not any(metadata["is_partial"].value for metadata in made if "is_partial" in metadata)
    )
