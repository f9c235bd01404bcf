"""Training as one act: sales from the lake, a candidate, its verdict, the artefact, the row. What assets and commands
call. Not here: the bar of either kind (`train_motivation`, `train_values`)."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import polars as pl

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.lake import Lake
from leadflow_pipelines.observability.progress import report_progress
from leadflow_pipelines.properties.recorded_sales import recorded_sales
from leadflow_pipelines.sales_history import SALE_DATE, SALES_SCHEMA
from leadflow_pipelines.training.candidates import Candidate, Rival, market_name, markets_with_history
from leadflow_pipelines.training.model_cards import write_card
from leadflow_pipelines.training.model_files import AnotherRelease
from leadflow_pipelines.training.model_registry import (
    add_version,
    current_version,
    model_versions,
    pack,
    stand_in_of,
    write_artefact,
)
from leadflow_pipelines.training.past_signals import past_signals
from leadflow_pipelines.training.train_motivation import train_motivation
from leadflow_pipelines.training.train_values import train_values

Trainer = Callable[..., Candidate]
TRAINERS: Final[Mapping[str, Trainer]] = {"motivation": train_motivation, "value": train_values}


def train_model(
    lake: Lake,
    kind: str,
    *,
    day: dt.date,
    now: dt.datetime,
    run_id: str | None,
    accept_old_sales: bool = False,
    trainer: Trainer | None = None,
) -> dict[str, Any]:
    """Train a model on what the lake knew on `day`, judge it, keep it with its card; promoted, it serves from now on.

    Returns its row of MODEL_VERSIONS. The same lake and day give the same version. A candidate that is kept back is
    kept beside the one that serves. accept_old_sales: learn from sales that end long before `day`, too; what the model
    then says is labelled with the day of its data. trainer: instead of the product's. Raises InvalidInput for an
    unknown kind.
    """
    _require_kind(kind)
    sales = recorded_sales(lake, day=day).filter(pl.col(SALE_DATE) < day)
    report_progress(f"{kind} model: {sales.height:,} sales of {sales['parcel_id'].n_unique():,} properties on record")
    known = sales.select(*SALES_SCHEMA, market_name()).drop_nulls("market")
    about = {"signals": past_signals(lake, day=day)} if kind == "motivation" else {}
    candidate = (trainer or TRAINERS[kind])(
        known, day=day, rival=_rival(lake, kind, day), accept_old_sales=accept_old_sales, **about
    )
    row = _row(kind, candidate, sales, day=day, now=now, run_id=run_id)
    if candidate.model is not None:
        artefact = pack(kind, day, candidate.model, candidate.stand_in)
        row |= {"version": artefact.version, "sha256": artefact.sha256}
        write_artefact(lake, kind, artefact)
    add_version(lake, row)
    report_progress(f"{kind} model: {row['verdict'].replace('_', ' ')}. {row['because']}")
    return row


def _rival(lake: Lake, kind: str, day: dt.date) -> Rival | None:
    """The model that serves on the day. One that was written by another release cannot be asked any more."""
    row = current_version(lake, kind, day=day)
    if row is None:
        return None
    try:
        return Rival(row["version"], stand_in_of(lake, row))
    except AnotherRelease as error:
        report_progress(f"{kind} model: the current one is not compared. {error.message}")
        return None


def _row(
    kind: str, candidate: Candidate, sales: pl.DataFrame, *, day: dt.date, now: dt.datetime, run_id: str | None
) -> dict[str, Any]:
    judged = candidate.judgement
    if judged.window is not None:
        sales = sales.filter(pl.col(SALE_DATE) < judged.window.end)
    markets = markets_with_history(sales) if candidate.markets is None else list(candidate.markets)
    first, last = sales[SALE_DATE].min(), sales[SALE_DATE].max()
    span = f"{first!s} to {last!s}" if sales.height else "none"
    return {
        "day": day,
        "kind": kind,
        "version": f"{kind}-{day:%Y%m%d}-none",
        "verdict": judged.verdict,
        "because": judged.because,
        "first_sale": first,
        "last_sale": last,
        "sales": sales.height,
        "markets": markets,
        "window_start": judged.window.start if judged.window else None,
        "window_end": judged.window.end if judged.window else None,
        "metrics": orjson.dumps(judged.metrics).decode(),
        "card": write_card(kind, candidate, day=day, span=span, sales=sales.height, markets=markets),
        "sha256": None,
        "trained_at": now,
        "run_id": run_id,
    }


def find_version(lake: Lake, kind: str, version: str | None = None) -> dict[str, Any]:
    """The row of a version, or, without one, of the model that serves, else of the newest training.

    Raises InvalidInput where there is none.
    """
    _require_kind(kind)
    rows = model_versions(lake, kind)
    if version is not None:
        rows = rows.filter(pl.col("version").str.starts_with(version))
    elif (serving := current_version(lake, kind)) is not None:
        return serving
    if rows.is_empty():
        named = f" that begins with {version!r}" if version else ""
        remedy = "See `leadflow models list`." if version else f"Train one: leadflow models train --kind {kind}"
        raise InvalidInput(f"There is no {kind} model{named}.", remedy=remedy)
    return rows.row(0, named=True)


def _require_kind(kind: str) -> None:
    if kind not in TRAINERS:
        raise InvalidInput(f"There is no kind of model called {kind!r}.", remedy=f"One of {', '.join(TRAINERS)}.")
