"""Run the chain for some ZIPs and a day, in this process.

Here: what the command line and the benchmark share with a run from the UI: the same job, the same partitions.
Not here: what the steps do (`assets`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._core.utils import make_new_run_id

from assets.run_correlation import CORRELATION_TAG
from assets.scope import Scope
from leadflow_pipelines.automation.jobs import DAILY_JOB, ZIP_JOB, console_level

REASON_PREFIX = "not_pulled_"


@dataclass(frozen=True)
class Shortfall:
    """What a pull did not bring: how many calls by reason (`budget`, `provider_down`, ...), of which ZIPs, and why."""

    asset: str
    calls: Mapping[str, int]
    zips: tuple[str, ...]
    because: str


@dataclass(frozen=True)
class DayRun:
    """What became of a day's runs. `failures` are (step, message); `is_whole`: nothing failed, broke its contract
    or stayed unbought."""

    run_ids: tuple[str, ...]
    failures: tuple[tuple[str, str], ...]
    is_whole: bool
    shortfalls: tuple[Shortfall, ...]


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
    before_run: Callable[[str], None] | None = None,
) -> DayRun:
    """Materialise every asset of the chain for these ZIPs and this day, `without` some, then the marts.

    ZIPs that stand side by side in Dagster's calendar make one run; others make one each, because a range run
    takes every key between its ends and no ZIP may be bought that nobody asked for. Runs follow the order in which
    `zips` were given. `tags` are put on each run; `before_run` is told its id before it starts.
    """
    add_zips(instance, scope, zips)
    results = []
    calendar = instance.get_dynamic_partitions(scope.zips_name)
    place = {zip_code: number for number, zip_code in enumerate(zips)}
    ranges = sorted(
        contiguous_ranges(calendar, zips),
        key=lambda ends: min(place[key] for key in calendar[calendar.index(ends[0]) : calendar.index(ends[1]) + 1]),
    )
    for number, (first, last) in enumerate(ranges, start=1):
        job = definitions.resolve_job_def(DAILY_JOB if number == len(ranges) else ZIP_JOB)
        if without:
            left_out = {scope.key(name) for name in without}
            job = job.get_subset(asset_selection=set(job.asset_layer.executable_asset_keys) - left_out)
        run_id = make_new_run_id()
        if before_run:
            before_run(run_id)
        results.append(
            job.execute_in_process(
                instance=instance,
                run_id=run_id,
                tags={**(tags or {}), CORRELATION_TAG: correlation_id, **range_tags(scope, day, first, last)},
                run_config=console_level("CRITICAL"),
                raise_on_error=False,
            )
        )
    return DayRun(
        run_ids=tuple(result.run_id for result in results),
        failures=tuple(failure for result in results for failure in _failures(result)),
        is_whole=all(_is_whole(result) for result in results),
        shortfalls=tuple(shortfall for result in results for shortfall in _shortfalls(result)),
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


def _shortfalls(result: dg.ExecuteInProcessResult) -> list[Shortfall]:
    """One for each asset that stayed partial; every partition of a run tells the same of it."""
    by_asset: dict[str, Shortfall] = {}
    for event in result.get_asset_materialization_events():
        told: dict[str, Any] = {name: value.value for name, value in event.materialization.metadata.items()}
        if told.get("is_partial"):
            asset = event.materialization.asset_key.to_user_string()
            reasons = {
                name.removeprefix(REASON_PREFIX): count
                for name, count in told.items()
                if name.startswith(REASON_PREFIX) and isinstance(count, int)
            }
            zips = tuple(told[f"{REASON_PREFIX}zips"])
            by_asset[asset] = Shortfall(asset, reasons, zips, told[f"{REASON_PREFIX}because"])
    return list(by_asset.values())
