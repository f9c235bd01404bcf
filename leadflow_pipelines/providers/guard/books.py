"""A call's beginning and its end in the books: each a handful of statements that go to Postgres together.

Between the two the connection holds no transaction, only the locks of the calls: two processes that want the same
thing wait for each other, and the second finds the first one's answer. A connection that breaks gives them back.
Not here: failed attempts, retries and probes, whose steps depend on each other (`purchase`).
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from leadflow_pipelines.database.connections import SET_ORG, Database
from leadflow_pipelines.database.queries import for_driver, named_query
from leadflow_pipelines.database.tables import ORG_SETTING
from leadflow_pipelines.providers.pulls import LOOK_UP, RECORD, Found, Pull, RawStore, found_pulls, pull_columns
from leadflow_pipelines.spend.budget import Wish
from leadflow_pipelines.spend.call import Call
from leadflow_pipelines.spend.ledger import APPEND, LEDGER_COLUMNS, LedgerRow, call_columns

LOCK = """
select set_config(%s, %s, true), pg_advisory_lock(hashtextextended(name, 0))
from unnest(%s::text[]) as names(name)
"""
UNLOCK = "select pg_advisory_unlock_all()"
FIND = for_driver(LOOK_UP)
RESERVE = for_driver(named_query("reserve_budget"))
CLOSE = for_driver(named_query("close_reservation"))
RECORD_PULL = for_driver(RECORD)
APPEND_CALL = for_driver(APPEND, LEDGER_COLUMNS)
SCOPE = "select set_config(%s, %s, true), set_config('synchronous_commit', %s, true)"
"""`off` is for ends that cost no more than was set aside, never for reservations. One that a crashing database loses
leaves its reservation open, which later counts as spent in full; every later reservation and the end of a bulk pull put
it on disk."""
PUT_ON_DISK = "select pg_logical_emit_message(true, 'leadflow', '')"
"""A commit that waits for the disk, and so for all commits before it."""


@dataclass(frozen=True)
class Begun:
    """What a call's beginning found: answers that are there, else the budget's verdict and the breaker's state."""

    found: Found
    room: Any

    @property
    def is_breaker_closed(self) -> bool:
        """Whether nothing but the budget decides."""
        return self.room.breaker_state in (None, "closed")


class Books:
    """The books of one org on one connection."""

    def __init__(self, connection: psycopg.Connection[Any], org_id: uuid.UUID) -> None:
        self._connection = connection
        self._org_id = org_id
        self._org = (ORG_SETTING, str(org_id))
        self._cursor = connection.cursor()
        self._is_locked = False

    def begin(self, calls: Sequence[Call], wish: Wish, host: str, raw: RawStore) -> Begun:
        """Locks the calls and, where nobody has bought their answers, sets the wish aside, on disk; else finds them.

        The statements are one transaction, yet each sees what was committed before it began: the locks are ours then.
        """
        wanted = [call.fingerprint for call in calls]
        locks = sorted(f"{self._org_id}:{one}" for one in wanted)
        self._is_locked = True
        with self._connection.pipeline():
            self._send(LOCK, (*self._org, locks))
            asked = self._ask(RESERVE, wish.parameters(self._org_id, host=host, wanted=wanted))
        room: Any = asked.fetchone()
        return Begun(self._find(calls, raw) if room.is_there else Found({}, ()), room)

    def _find(self, calls: Sequence[Call], raw: RawStore) -> Found:
        with self._connection.transaction():
            self._send(SET_ORG, self._org[1:])
            found = self._ask(FIND, {"org": self._org_id, "wanted": [call.fingerprint for call in calls]})
            return found_pulls(found.fetchall(), calls, raw)

    def end(self, pulls: Sequence[Pull], row: LedgerRow, wish: Wish, now: dt.datetime) -> bool:
        """Makes the pulls the answers of their calls, notes the call, settles its reservation, unlocks.

        The sums, for which others wait, come last. False where the reservation had been given up before.
        """
        closed = None
        with self._connection.pipeline():
            self._send("begin")
            self._send(SCOPE, (*self._org, "off" if row.cost_cents <= wish.amount_cents else "on"))
            for pull in pulls:
                columns = pull_columns(self._org_id, pull)
                self._send(RECORD_PULL, columns | {"parameters": Jsonb(columns["parameters"])})
            self._send(APPEND_CALL, call_columns(self._org_id, row))
            if row.reservation_id:
                ending = {"state": "settled", "org_id": self._org_id, "reservation_id": row.reservation_id}
                closed = self._ask(CLOSE, ending | {"cost_cents": row.cost_cents, "now": now})
            self._send("commit")
            self._send(UNLOCK)
        self._is_locked = False
        return closed is None or closed.fetchone() is not None

    def unlock(self) -> None:
        """Gives the locks back where `end` has not."""
        if self._is_locked and self._connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._connection.execute(UNLOCK)
        self._is_locked = False

    def _send(self, statement: str, parameters: Any = None) -> None:
        self._cursor.execute(statement, parameters, prepare=True)

    def _ask(self, statement: str, parameters: Any) -> psycopg.Cursor[Any]:
        return self._connection.cursor(row_factory=namedtuple_row).execute(statement, parameters, prepare=True)


@contextmanager
def open_books(database: Database, org_id: uuid.UUID) -> Iterator[Books]:
    """The org's books for one request."""
    with database.session() as connection:
        books = Books(connection, org_id)
        try:
            yield books
        finally:
            books.unlock()


def put_on_disk(database: Database) -> None:
    """Returns when everything committed so far is on the database's disk."""
    with database.session() as connection:
        connection.execute(PUT_ON_DISK)
