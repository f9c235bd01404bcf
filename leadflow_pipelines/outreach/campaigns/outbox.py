"""Filling the outbox: an intent for each person whom a running campaign's step is due for.

One statement, safe to run again and from many processes at once: a person is in the outbox once a step, by a unique
constraint. Not here: sending (`dispatch`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection

from leadflow_pipelines.database.queries import named_query


def queue_due_steps(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    now: dt.datetime,
    most: int | None = None,
    states: Sequence[str] = ("running",),
) -> int:
    """Queues what the org's campaigns in these states owe at `now`; returns how many intents are new, `most` at a time.

    Step 1 is due at once; step n + 1 its `delay_hours` after the step before was accepted, or settled in any other way,
    for that property (where it has nobody for that step: after the campaign's start and the delays so far).
    """
    asked = {"org_id": org_id, "now": now, "most": most, "states": list(states)}
    return connection.execute(named_query("queue_due_steps"), asked).rowcount
