"""The circuit breaker of a provider, shared by every process: who failed often in a row is left alone for a while.

Closed, it counts transient failures in a row. At THRESHOLD it opens: nobody asks until its pause is over. Then one
call is let through as a probe; its success closes the breaker, its failure opens it for twice as long. Every opening
and closing is a row of provider_breaker_changes. Here: the state and its rules. Not here: what counts as a failure
(`purchase`), how often a call is tried (`retry`).

Every function works inside the caller's transaction and takes `now`.
"""

import datetime as dt
import logging
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.database.tables import provider_breaker_changes, provider_breakers
from leadflow_pipelines.errors import ProviderDown

logger = logging.getLogger(__name__)
THRESHOLD = 10
"""Failures in a row. A vendor that fails three calls in ten does so once in 170,000 calls."""
FIRST_PAUSE = dt.timedelta(seconds=30)
LONGEST_PAUSE = dt.timedelta(minutes=15)
PROBE_LEASE = dt.timedelta(minutes=5)
"""A probe that has not reported by then died with its process; the next call takes its place."""
REASON_LIMIT = 500


@dataclass(frozen=True)
class Line:
    """Whom a breaker guards: a provider at a host (with its port). A simulated vendor is not the real one."""

    provider: str
    host: str


@dataclass(frozen=True)
class Passed:
    """A call that was let through. `is_clean`: the breaker knew of no failure, so a success has nothing to tell."""

    is_probe: bool
    is_clean: bool


CLEAN = Passed(is_probe=False, is_clean=True)


def enter(connection: Connection, line: Line, now: dt.datetime) -> Passed:
    """Lets a call through, perhaps as the probe. Raises ProviderDown while the breaker is open."""
    found = connection.execute(
        named_query("enter_breaker"), {**vars(line), "now": now, "probe_until": now + PROBE_LEASE}
    ).one_or_none()
    if found is None or (found.state == "closed" and not found.failures):
        return CLEAN
    if found.state == "closed" or found.is_probe:
        return Passed(is_probe=found.is_probe, is_clean=False)
    # Past its pause and yet not ours: another process has just become the probe.
    is_probing = found.state == "half_open" or found.open_until <= now
    until = "while one probe asks" if is_probing else f"until {found.open_until:%H:%M:%S} UTC"
    raise ProviderDown(
        f"it failed {found.failures} times in a row and is not asked {until}",
        provider=line.provider,
        remedy="The next run goes on by itself; `leadflow doctor` shows the state of every provider.",
        is_probing=is_probing,
    )


def note_failure(connection: Connection, line: Line, reason: str, now: dt.datetime, passed: Passed) -> None:
    """Counts a transient failure; the one that reaches THRESHOLD, or the probe's, opens the breaker."""
    connection.execute(
        upsert(provider_breakers)
        .values(**vars(line), state="closed", failures=0, openings=0, changed_at=now)
        .on_conflict_do_nothing()
    )
    breaker = _locked(connection, line)
    failures = breaker.failures + 1
    if not (passed.is_probe or (breaker.state == "closed" and failures >= THRESHOLD)):
        _change(connection, line, failures=failures)
        return
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(breaker.openings, 10))
    _change(
        connection, line, state="open", failures=failures, openings=breaker.openings + 1, open_until=now + pause,
        probe_until=None, changed_at=now,
    )  # fmt: skip
    _tell(connection, line, "open", failures, now, reason)
    logger.error("the provider's breaker opened", extra={**vars(line), "failures": failures, "error": reason})


def note_success(connection: Connection, line: Line, now: dt.datetime) -> None:
    """Forgets the failures and closes the breaker. For calls that were not `is_clean` when they entered."""
    breaker = _locked(connection, line)
    _change(connection, line, state="closed", failures=0, openings=0, open_until=None, probe_until=None, changed_at=now)
    if breaker.state != "closed":
        _tell(connection, line, "closed", 0, now, None)
        logger.warning("the provider's breaker closed", extra=vars(line))


def read_breakers(connection: Connection) -> list[dict[str, Any]]:
    """Every breaker that ever counted a failure, by provider."""
    query = select(provider_breakers).order_by(provider_breakers.c.provider, provider_breakers.c.host)
    return [dict(row) for row in connection.execute(query).mappings()]


def _of(line: Line) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return provider_breakers.c.provider == line.provider, provider_breakers.c.host == line.host


def _locked(connection: Connection, line: Line) -> Row[Any]:
    return connection.execute(select(provider_breakers).where(*_of(line)).with_for_update()).one()


def _change(connection: Connection, line: Line, **values: Any) -> None:
    connection.execute(update(provider_breakers).where(*_of(line)).values(**values))


def _tell(connection: Connection, line: Line, state: str, failures: int, now: dt.datetime, reason: str | None) -> None:
    row = {**vars(line), "state": state, "failures": failures, "changed_at": now}
    connection.execute(insert(provider_breaker_changes).values(**row, reason=reason[:REASON_LIMIT] if reason else None))
