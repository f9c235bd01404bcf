"""What runs, and is killed, in the test of dispatchers under fire: one dispatcher, one gateway.

And both ways in which a dispatcher is broken on purpose, to see that the test finds out.
"""

import datetime as dt
import time
from pathlib import Path
from threading import Event
from typing import Any, Literal
from uuid import UUID

import polars as pl
import uvicorn
from sqlalchemy import Connection, text

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import find_org
from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.gateway.app import create_app
from leadflow_pipelines.outreach.dispatch import claim, decide, dispatcher
from leadflow_pipelines.outreach.dispatch.dispatch_org import dispatch_org, open_messengers
from leadflow_pipelines.outreach.messengers import twilio
from leadflow_pipelines.settings import load_settings

PRELOADED = twilio
"""Else imported by each new process; like everything above, once by the server that forks them."""
Broken = Literal["", "careless_outbox", "no_decision"]
LEASE = dt.timedelta(seconds=12)
"""Shorter than in earnest, so that the test ends; still longer than a request's start (5 s) and time limit (3 s)."""


def clock_of(offset: float) -> Any:
    """A clock that runs beside the machine's, so many seconds off."""
    return lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=offset)


def dispatch_until_killed(given: dict[str, Any], offset: float, broken: Broken) -> None:
    """A dispatcher as `leadflow dispatch` has it, on another clock. A lost database is waited for."""
    _break(broken)
    settings = load_settings(**{**given, "home": Path(given["home"])})
    database = Database(settings)
    while True:
        try:
            org = find_org(database, settings.org)
            messengers = open_messengers(database, org, settings).ready
            dispatch_org(database, org, messengers, settings, clock_of(offset), stop=Event(), reconcile_seconds=5.0)
        except LeadflowError:
            time.sleep(0.2)


def serve_until_killed(given: dict[str, Any], offset: float, port: int) -> None:
    """The gateway, on another clock."""
    settings = load_settings(**{**given, "home": Path(given["home"])})
    while True:
        try:
            app = create_app(settings, clock_of(offset), database=Database(settings))
        except LeadflowError:
            time.sleep(0.2)
            continue
        uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")
        ).run()


def careless(connection: Connection, org_id: UUID, *, now: dt.datetime, most: int) -> int:
    """Queues what is due without looking whether it is queued: only the table's unique constraint keeps it single."""
    statement = named_query("queue_due_steps").text
    start = statement.index("  and not exists (\n    select from leadflow.messages as known")
    wanted = text(statement[:start] + "limit :most on conflict do nothing")
    asked = {"org_id": org_id, "now": now, "most": most, "states": ["running"]}
    return connection.execute(wanted, asked).rowcount


def clear_everything(frame: pl.DataFrame, **asked: Any) -> pl.DataFrame:
    """The real decision's columns with a verdict that always clears, for as long as there is."""
    decided = decide_sends(frame, **asked)
    return decided.with_columns(
        verdict=pl.lit("cleared"),
        reason_codes=pl.lit([], pl.List(pl.String)),
        closes_at=pl.lit(None, decided.schema["closes_at"]),
    )


decide_sends = decide.decide_sends


def _break(broken: Broken) -> None:
    claim.LEASE = decide.LEASE = LEASE
    if broken == "careless_outbox":
        dispatcher.queue_due_steps = careless  # type: ignore[assignment]
    elif broken == "no_decision":
        decide.decide_sends = clear_everything  # type: ignore[assignment]
