"""One person at a time, and silence before an opt-out is acknowledged.

The dispatcher takes the same locks before it commits a message as `sending`. So whoever held them and committed a
suppression only has to wait for what was `sending` before: nothing can begin after it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import messages
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.outreach.dispatch.decide import LOCK_PEOPLE

Result = TypeVar("Result")
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 12.0
"""Writing down and waiting take no longer together: Twilio hangs up after 15 s."""
AWAY_SECONDS = 0.25
BY_HAND = ("voice", "mail")
"""A call on somebody's sheet and a letter in a batch are `sending` for hours: no webhook waits for them."""


def lock_contact(connection: Connection, hashes: Sequence[str]) -> None:
    """Locks a person under every key version until the transaction ends, in the order in which all do."""
    connection.execute(LOCK_PEOPLE, {"people": sorted(set(hashes))})


def in_transaction(database: Database, org: Org, work: Callable[[Connection], Result], *, until: float) -> Result:
    """Does the work in one transaction, again where the database went away or broke a deadlock.

    `until`: of the monotonic clock. A webhook is not repeated by everybody who sends one, so what it says must not be
    lost for a database that restarts. The work must bear being done twice: its commit may have been made and the answer
    lost. Raises DatabaseUnavailable where the time is over.
    """
    while True:
        try:
            with database.as_org(org.org_id) as connection:
                return work(connection)
        except (DatabaseUnavailable, OperationalError) as error:
            is_passing = isinstance(error, DatabaseUnavailable) or isinstance(
                error.orig, psycopg.errors.DeadlockDetected
            )
            if not is_passing or time.monotonic() + AWAY_SECONDS >= until:
                raise
            time.sleep(AWAY_SECONDS)


def wait_until_quiet(database: Database, org: Org, hashes: Sequence[str], *, now: datetime, until: float) -> bool:
    """Waits until no message to this person is being handed to a messenger; False where that takes too long.

    One whose dispatcher died counts until its claim is over: its request may still be on the wire.
    """
    began = time.monotonic()
    while True:
        try:
            if not _is_sending(database, org, hashes, now + timedelta(seconds=time.monotonic() - began)):
                return True
        except DatabaseUnavailable:
            pass
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)


def _is_sending(database: Database, org: Org, hashes: Sequence[str], now: datetime) -> bool:
    table = messages.c
    under_way = select(func.count()).where(
        table.org_id == org.org_id, table.contact_hash.in_(hashes), table.state == "sending", table.claimed_until > now,
        table.channel.not_in(BY_HAND),
    )  # fmt: skip
    with database.as_org(org.org_id) as connection:
        return connection.execute(under_way).scalar_one() > 0
