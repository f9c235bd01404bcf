"""Dispatching for one org over some time: its messengers opened, rounds until it is stopped, lost answers asked about.

What `leadflow dispatch` and the scheduled job both do. Not here: what a round is (`dispatcher`).
"""

import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Event

from sqlalchemy import select

from leadflow_pipelines.clearance.head_anchor import refuse_restored
from leadflow_pipelines.clearance.profile import list_senders
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import campaign_steps, campaigns
from leadflow_pipelines.errors import DatabaseUnavailable, InvalidInput
from leadflow_pipelines.outreach.dispatch.dispatcher import Clock, Dispatcher, Tally
from leadflow_pipelines.outreach.dispatch.reconcile import Reconciled, reconcile
from leadflow_pipelines.outreach.messengers.messenger import Messenger
from leadflow_pipelines.outreach.messengers.open_messenger import OPENERS, open_messenger
from leadflow_pipelines.settings import Settings

logger = logging.getLogger(__name__)
RECONCILE_SECONDS = 30.0
IDLE_ROUNDS = 2
"""So many rounds in a row without a claim mean that nothing is due: one alone may only have met a rate."""


@dataclass
class Dispatched:
    """What was done: the rounds' tally, what was asked about afterwards, and what could not be sent over, and why."""

    tally: Tally = field(default_factory=Tally)
    reconciled: Counter[str] = field(default_factory=Counter)

    def note(self, found: Reconciled) -> None:
        """Adds what a reconciliation found."""
        self.reconciled += Counter({"found": found.found, "settled": found.settled, "given_up": found.given_up})


@dataclass(frozen=True)
class Messengers:
    """Those that an org has, by channel; and for each other channel that its running campaigns use, what it lacks."""

    ready: Mapping[str, Messenger]
    lacking: Mapping[str, InvalidInput]


def open_messengers(database: Database, org: Org, settings: Settings) -> Messengers:
    """Opens a messenger for each channel that can have one. An org without an active sender has none for texts."""
    ready: dict[str, Messenger] = {}
    lacking: dict[str, InvalidInput] = {}
    with database.as_org(org.org_id) as connection:
        has_sender = any(sender.is_active for sender in list_senders(connection))
        steps, known = campaign_steps.c, campaigns.c
        used: set[str] = set(
            connection.execute(
                select(steps.channel).join(campaigns, known.campaign_id == steps.campaign_id)
                .where(known.org_id == org.org_id, known.state == "running")
            ).scalars()
        )  # fmt: skip
    for channel in OPENERS:
        try:
            ready[channel] = open_messenger(channel, org, settings)
        except InvalidInput as why:
            lacking[channel] = why
    if "sms" in ready and not has_sender:
        lacking["sms"] = InvalidInput(
            "No sender is active, so no texts are sent.", remedy="See `leadflow sender --help`."
        )
    return Messengers(ready, {channel: why for channel, why in lacking.items() if channel in used})


def dispatch_org(
    database: Database,
    org: Org,
    messengers: Mapping[str, Messenger],
    settings: Settings,
    clock: Clock,
    *,
    stop: Event,
    seconds: float | None = None,
    only_due: bool = False,
    on_round: Callable[[Tally], None] | None = None,
    reconcile_seconds: float = RECONCILE_SECONDS,
    listen: Callable[[], None] | None = None,
) -> Dispatched:
    """Sends what is due until `stop` is set, `seconds` are over or, with `only_due`, nothing more is due.

    It works with the login that may only dispatch. What is under way is finished then. Lost answers are asked about all
    the while, and once more at the end. `listen` is called before anything is sent and then as often: for replies,
    where no webhook brings them. Raises DatabaseRestored, and sends nothing, where the database forgot what was sent.
    """
    refuse = partial(refuse_restored, database, org, settings)  # by the app's login: the other reads no entries
    refuse()
    done, idle, database = Dispatched(), 0, database.for_dispatch()
    timer = threading.Timer(seconds, stop.set) if seconds is not None else None

    def ask() -> None:
        try:
            done.note(reconcile(database, org, messengers, settings, now=clock()))
        except DatabaseUnavailable as away:
            logger.warning("the database is away", extra={"fault": away.message})

    def ask_now_and_then() -> None:
        while not stop.wait(reconcile_seconds):
            ask()
            if listen is not None:
                listen()

    def after_round(tally: Tally) -> None:
        nonlocal idle
        idle = 0 if tally.claimed or tally.queued else idle + 1
        if only_due and idle >= IDLE_ROUNDS:
            stop.set()
        if on_round is not None:
            on_round(tally)

    if listen is not None:
        listen()
    asking = threading.Thread(target=ask_now_and_then, name="reconcile", daemon=True)
    if timer is not None:
        timer.daemon = True
        timer.start()
    asking.start()
    try:
        with Dispatcher(database, org, messengers, settings, clock, refuse=refuse) as dispatcher:
            done.tally = dispatcher.run(stop, on_round=after_round)
    finally:
        stop.set()
        asking.join()
        if timer is not None:
            timer.cancel()
    ask()
    database.dispose()
    return done


def as_json(done: Dispatched, began: float, org: Org) -> dict[str, object]:
    """What was done, for machines. `began`: of the monotonic clock."""
    tally = done.tally
    return {
        "org": org.slug,
        "queued": tally.queued,
        "claimed": tally.claimed,
        "sent": tally.answers["Sent"],
        "refused": tally.answers["Refused"],
        "not_processed": tally.answers["NotProcessed"],
        "unknown": tally.answers["OutcomeUnknown"],
        "blocked": tally.blocked,
        "postponed": tally.postponed,
        "reconciled": {name: done.reconciled[name] for name in ("found", "settled", "given_up")},
        "seconds": round(time.monotonic() - began, 1),
    }


def utc_now() -> dt.datetime:
    """The machine's own clock."""
    return dt.datetime.now(dt.UTC)
