"""The decorator that makes an asset of a function over some ZIPs and a day.

Here: what all such assets share: partitions, the contract check, ZIPs left out, metadata. Not here: any table.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from assets import run_metadata
from assets.run_correlation import bind_run, correlation_of
from assets.scope import Scope
from assets.step import Outcome, Step
from leadflow_pipelines.contracts import Contract
from leadflow_pipelines.observability.progress import report_progress
from leadflow_pipelines.spend.ledger import Origin

LEFT_OUT_TAG = "leadflow/left_out"
COST_CLASS_TAG = "leadflow/cost_class"
MOST_DESCRIBED_ZIPS = 20
"""Up to so many ZIPs a run describes each by itself. Dagster looks the whole range up for each: 11 s at 200 ZIPs.
Above it the reasons and the chart of the run stand once, with its contract check, and not with every ZIP."""


@dataclass(frozen=True)
class ZipDayAsset:
    """An asset not yet bound to an org. `also` are tables that the same step writes."""

    name: str
    body: Callable[[Step], Outcome]
    contract: Contract
    also: tuple[Contract, ...]
    deps: tuple[str, ...]
    group: str
    owner: str
    kinds: tuple[str, ...]
    is_paid: bool

    def bind(self, scope: Scope) -> dg.AssetsDefinition:
        """The asset of one org."""
        main = self._spec(scope, self.name, self.contract, self.body.__doc__ or self.contract.text)
        others = [self._spec(scope, table.name, table, table.text) for table in self.also]

        @dg.multi_asset(
            name="__".join(main.key.path),
            specs=[main, *others],
            check_specs=[
                dg.AssetCheckSpec(
                    "contract",
                    asset=main.key,
                    blocking=True,
                    description="Every row obeys the table's contract. ZIPs that break it are left out and named.",
                )
            ],
            partitions_def=scope.zip_days,
            backfill_policy=dg.BackfillPolicy.single_run(),
            required_resource_keys={"workspace", "providers", "clock"},
            op_tags={COST_CLASS_TAG: self._cost_class},
        )
        def compute(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
            yield from self._run(context, scope, [main.key, *(spec.key for spec in others)])

        return compute

    @property
    def table_names(self) -> tuple[str, ...]:
        """The asset's own name and those of the tables its step also writes."""
        return (self.name, *(table.name for table in self.also))

    @property
    def _cost_class(self) -> str:
        return "paid" if self.is_paid else "free"

    def _spec(self, scope: Scope, name: str, contract: Contract, text: str) -> dg.AssetSpec:
        return dg.AssetSpec(
            scope.key(name),
            description=" ".join(text.split()),
            deps=[scope.key(dep) for dep in self.deps],
            group_name=self.group,
            owners=[self.owner],
            kinds=set(self.kinds),
            tags={COST_CLASS_TAG: self._cost_class},
            metadata={"dagster/column_schema": run_metadata.column_schema(contract)},
            partitions_def=scope.zip_days,
        )

    def _run(
        self, context: dg.AssetExecutionContext, scope: Scope, keys: Sequence[dg.AssetKey]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        started = time.monotonic()
        with bind_run(context.run, scope.org):
            outcomes: dict[dt.date, Outcome] = {}
            for day, zips in _zips_by_day(context).items():
                with _step(context, self.name, day, zips) as step:
                    outcomes[day] = self.body(step)
            seconds = time.monotonic() - started
            rows = sum(sum(outcome.stored.rows.values()) for outcome in outcomes.values())
            zip_days = sum(len(outcome.stored.rows) for outcome in outcomes.values())
            report_progress(f"{self.name}: {rows:,} rows, {zip_days:,} ZIPs, {seconds:.1f} s")
        faults = [fault for outcome in outcomes.values() for fault in outcome.stored.faults]
        broken = {fault.zip for fault in faults if fault.zip}
        _leave_out(context, broken)
        if zip_days <= MOST_DESCRIBED_ZIPS:
            for day, outcome in outcomes.items():
                for zip_code, summary in run_metadata.zip_summaries(outcome):
                    context.add_asset_metadata(summary, keys[0], scope.partition_key(day, zip_code))
        figures, story = run_metadata.run_figures(outcomes, seconds), run_metadata.run_story(outcomes)
        check = dg.AssetCheckResult(
            check_name="contract",
            asset_key=keys[0],
            passed=not faults,
            severity=_severity(len(broken), zip_days),
            metadata={**run_metadata.fault_table(faults), **figures, **story},
        )
        described = figures if zip_days > MOST_DESCRIBED_ZIPS else {**figures, **story}
        yield dg.MaterializeResult(asset_key=keys[0], metadata=described, check_results=[check])
        yield from (dg.MaterializeResult(asset_key=key) for key in keys[1:])


def zip_day_asset(
    name: str,
    *,
    contract: Contract,
    group: str,
    deps: Sequence[str] = (),
    also: Sequence[Contract] = (),
    owner: str = "team:data",
    kinds: Sequence[str] = ("polars", "deltalake"),
    is_paid: bool = False,
) -> Callable[[Callable[[Step], Outcome]], ZipDayAsset]:
    """Declare an asset partitioned by ZIP and day; its body's docstring is its description."""

    def declare(body: Callable[[Step], Outcome]) -> ZipDayAsset:
        return ZipDayAsset(name, body, contract, tuple(also), tuple(deps), group, owner, tuple(kinds), is_paid)

    return declare


def _severity(broken: int, all_zips: int) -> dg.AssetCheckSeverity:
    """A blocking check stops the whole run, so it errs only where no ZIP is whole."""
    return dg.AssetCheckSeverity.ERROR if broken and broken >= all_zips else dg.AssetCheckSeverity.WARN


def _zips_by_day(context: dg.AssetExecutionContext) -> dict[dt.date, tuple[str, ...]]:
    left_out = _left_out(context)
    days: dict[dt.date, list[str]] = {}
    for key in context.partition_keys:
        day, zip_code = key.split("|")
        if zip_code not in left_out:
            days.setdefault(dt.date.fromisoformat(day), []).append(zip_code)
    return {day: tuple(sorted(zips)) for day, zips in sorted(days.items())}


def _left_out(context: dg.AssetExecutionContext) -> set[str]:
    run = context.instance.get_run_by_id(context.run.run_id)
    return set(run.tags.get(LEFT_OUT_TAG, "").split(",")) - {""} if run else set()


def _leave_out(context: dg.AssetExecutionContext, zips: set[str]) -> None:
    """Later steps of this run skip these ZIPs. A run tag, so that it is seen by every process and in the UI."""
    if zips:
        context.instance.add_run_tags(context.run.run_id, {LEFT_OUT_TAG: ",".join(sorted(_left_out(context) | zips))})


@contextmanager
def _step(context: dg.AssetExecutionContext, asset_name: str, day: dt.date, zips: tuple[str, ...]) -> Iterator[Step]:
    workspace = context.resources.workspace.open()
    clock = context.resources.clock
    origin = Origin(
        run_id=context.run.run_id,
        correlation_id=correlation_of(context.run),
        asset_key=asset_name,
    )
    with context.resources.providers.guard(workspace, clock.now) as guard:
        yield Step(zips=zips, day=day, now=clock.now(), workspace=workspace, guard=guard, origin=origin)
