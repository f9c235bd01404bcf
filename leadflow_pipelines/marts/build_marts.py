"""Build an org's marts: lake and ledger into DuckDB, dbt, contract check, Parquet, Postgres.

Here: the order of these steps and what they report. Each step has a module of its own beside this one.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import polars as pl

from leadflow_pipelines.contracts import MARTS, Contract
from leadflow_pipelines.contracts.policy import FRESHNESS_RULES
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import ContractBroken
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.marts.dbt_worker import build_models
from leadflow_pipelines.marts.duckdb_file import (
    add_evidence,
    add_lake,
    add_ledger,
    add_outreach,
    add_policy,
    new_duckdb_file,
    open_duckdb_file,
    read_mart,
)
from leadflow_pipelines.marts.freshness import freshness_table
from leadflow_pipelines.marts.publish_marts import publish_marts
from leadflow_pipelines.marts.read_campaigns import read_campaigns
from leadflow_pipelines.marts.read_conflicts import read_conflicts
from leadflow_pipelines.marts.read_ledger import read_ledger
from leadflow_pipelines.marts.read_outcomes import read_outcomes
from leadflow_pipelines.marts.run_dbt import DUCKDB_FILE
from leadflow_pipelines.marts.standing_build import StandingBuild, leave_note, mart_inputs, standing_build
from leadflow_pipelines.marts.work_folder import held, work_folder


@dataclass(frozen=True)
class MartsResult:
    """What a build made. `warnings` are dbt tests that found something worth a look but stop nothing.

    `is_new` is false where nothing was built, because what stands is what a build would make.
    """

    rows: dict[str, int]
    parquet: dict[str, str]
    models: int
    tests: int
    warnings: tuple[str, ...]
    seconds: dict[str, float]
    """Per step: inputs, sources, dbt, check, parquet, postgres."""
    is_new: bool = True


def build_marts(
    lake: Lake, database: Database, org: Org, *, now: dt.datetime, run_id: str, may_stand: bool = False
) -> MartsResult:
    """Build, check, export and publish every mart of `org` from its lake and its part of the ledger.

    Where they `may_stand`, nothing is done if the marts of the last build are whole and its inputs the same.

    Builds of one org wait for each other on this machine. Nothing is exported or published unless every mart
    passes its dbt tests and its contract. Raises ContractBroken naming mart, column and rule, or LeadflowError.
    """
    seconds: dict[str, float] = {}
    note = f"Published {now.isoformat()} by run {run_id}."
    work = work_folder(database.settings.home, org.slug)
    with held(work):
        with _timed(seconds, "inputs"):
            ledger = read_ledger(database, org)
            policy = [(FRESHNESS_RULES, freshness_table(now.astimezone(database.settings.zone).date()))]
            outreach = [*read_campaigns(database, org), *read_outcomes(database, org, now=now)]
            inputs = mart_inputs(lake, [*ledger, *policy, *outreach]) if lake.is_local else None
            standing = standing_build(work, inputs, database, org) if inputs and may_stand else None
        if standing:
            return _as_it_stands(standing, seconds)
        with _timed(seconds, "sources"), new_duckdb_file(work / DUCKDB_FILE) as duck:
            add_lake(duck, lake)
            add_evidence(duck, read_conflicts(duck))
            add_ledger(duck, ledger, org_slug=org.slug)
            add_policy(duck, policy)
            add_outreach(duck, outreach)
        with _timed(seconds, "dbt"):
            built = build_models(work)
        with _timed(seconds, "check"), open_duckdb_file(work / DUCKDB_FILE) as duck:
            marts = [(mart, read_mart(duck, mart)) for mart in MARTS]
            _refuse_faults(marts)
        with _timed(seconds, "parquet"):
            parquet = export_marts(lake, marts)
        with _timed(seconds, "postgres"):
            publish_marts(database, org, marts, note=note)
        rows = {mart.name: frame.height for mart, frame in marts}
        if inputs:
            leave_note(work, StandingBuild(inputs, rows, parquet, built.models, built.tests, built.warnings, note))
    return MartsResult(rows, parquet, built.models, built.tests, built.warnings, seconds)


def _as_it_stands(standing: StandingBuild, seconds: dict[str, float]) -> MartsResult:
    return MartsResult(
        standing.rows, standing.parquet, standing.models, standing.tests, standing.warnings, seconds, is_new=False
    )


def export_marts(lake: Lake, marts: Sequence[tuple[Contract, pl.DataFrame]]) -> dict[str, str]:
    """Write each mart to `marts/<mart>.parquet` of the lake; returns their paths. A reader sees whole files."""
    paths = {mart.name: f"{lake.path('marts')}/{mart.name}.parquet" for mart, _ in marts}
    if not lake.is_local:
        for mart, frame in marts:  # an object appears whole or not at all
            frame.write_parquet(paths[mart.name], storage_options=lake.storage_options)
        return paths
    drafts = []
    for mart, frame in marts:
        final = Path(paths[mart.name])
        draft = final.with_name(f".{mart.name}.{uuid.uuid4().hex}")
        final.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(draft)
        drafts.append((draft, final))
    for draft, final in drafts:
        draft.replace(final)
    return paths


def _refuse_faults(marts: Sequence[tuple[Contract, pl.DataFrame]]) -> None:
    faults = [
        f"{mart.name}.{fault.column}: {fault.rule} fails in {fault.rows} rows"
        f"{f' of ZIP {fault.zip}' if fault.zip else ''}, e.g. {fault.example}"
        for mart, frame in marts
        for fault in mart.faults(frame)
    ]
    if faults:
        raise ContractBroken(
            "Marts break their contract:\n" + "\n".join(f"  - {fault}" for fault in faults),
            remedy="\nNothing was published; the marts that were there stay.",
        )


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    begun = perf_counter()
    yield
    seconds[step] = round(perf_counter() - begun, 3)
