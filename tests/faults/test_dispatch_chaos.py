"""Dispatchers under fire: processes and the database are killed, people write STOP, the messenger has every fault.

The simulated Twilio's own log is the judge: nobody is messaged twice for a step, after a STOP was acknowledged, outside
the hours of the place, or more often than the cap; and every intent has an end. Both ways of breaking the dispatcher
on purpose are found out.
"""

import datetime as dt
import os
import random
import signal
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, text

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.proof import verify_chain
from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.compliance.calling_time import check_calling_time
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import EmbeddedServer
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.outreach.dispatch.claim import settle_unsent
from leadflow_pipelines.outreach.dispatch.dispatch_org import open_messengers
from leadflow_pipelines.outreach.dispatch.reconcile import SILENT, reconcile
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import Settings, load_settings
from tests.faults.dispatching import LEASE, Broken, dispatch_until_killed, serve_until_killed
from tests.faults.forks import FORKS
from tests.outreach_people import NUMBER, agree, introduce, people, run_campaign

SEED = 20261122
OPENS = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
"""A Friday at 10:00 on the Pacific coast. Alaska and Hawaii open later, the East closes five hours on."""
BEFORE = dt.timedelta(seconds=12)
CAMPAIGN_LASTS = dt.timedelta(minutes=50)
NEVER_PAUSED = Decimal(1)
"""The faults fail three messages in ten: at the usual threshold every campaign pauses itself after a hundred."""
CAP = 3
CAMPAIGNS = 5
EVERYONES, OTHERS = "Hello", ("Greetings", "Good day", "Howdy", "Welcome")
BODY = "{sender_name} here about {street}. {opt_out}"
FAULTS = (
    "status", "too_many", "reset", "reset_midway", "cut_off", "truncated_json", "error_after", "filtered",
    "unreachable", "carrier_unknown", "late", "duplicate_callback", "out_of_order", "lost_callback", "forged_callback",
    "duplicate_inbound", "forged_inbound", "lost_inbound",
)  # fmt: skip
"""Each at a tenth of what it can befall; the first that strikes a call wins."""
ENDS = {"delivered", "failed", "blocked", "cancelled", "unknown"}
DISPATCHERS = 4


@dataclass(frozen=True)
class Size:
    """How large a run is: people of the first campaign, of each other one; seconds of fire, seconds between kills."""

    people: int
    others: int
    seconds: float
    kill_every: float
    per_second: int
    stop_every: float


SHORT = Size(people=240, others=60, seconds=16, kill_every=1.3, per_second=30, stop_every=0.25)
LONG = Size(people=20_000, others=2_000, seconds=180, kill_every=1.0, per_second=140, stop_every=0.1)


@dataclass
class Fire:
    """One org under fire."""

    size: Size
    database: Database
    server: EmbeddedServer
    sandbox: SandboxProcess
    org: Org
    given: dict[str, Any]
    port: int
    offset: float
    broken: Broken
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    processes: dict[str, BaseProcess] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    at_the_end_of_fire: Counter[str] = field(default_factory=Counter)
    quiet_after: float = 0.0

    @property
    def settings(self) -> Settings:
        """As the children have them."""
        return load_settings(**{**self.given, "home": Path(self.given["home"])})

    def now(self) -> dt.datetime:
        """The instant of the org's clock."""
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.offset)

    def start(self, name: str) -> None:
        """A process of that name, in the place of one that is gone."""
        if name == "gateway":
            one = FORKS.Process(target=serve_until_killed, args=(self.given, self.offset, self.port), daemon=True)
        else:
            one = FORKS.Process(target=dispatch_until_killed, args=(self.given, self.offset, self.broken), daemon=True)
        one.start()
        self.processes[name] = one

    def kill_one(self) -> None:
        """SIGKILL to a process, or to the database; and another in its place."""
        victim = self.dice.choice([*self.processes, "database"])
        self.kills["dispatcher" if victim.startswith("d") and victim != "database" else victim] += 1
        if victim == "database":
            if (running := self.server.cluster.postmaster()) is not None:
                os.kill(running.pid, signal.SIGKILL)
            self.server.start()
            return
        self.processes[victim].kill()
        self.processes[victim].join()
        self.start(victim)

    def say_stop(self, phones: list[str], until: threading.Event) -> None:
        """People write STOP, one after another, until it is over."""
        with httpx.Client(timeout=60) as client:
            while phones and not until.wait(self.size.stop_every):
                told = {"from": phones.pop(), "to": NUMBER, "body": "STOP"}
                answer = client.post(f"{self.sandbox.url}/sandbox/twilio/inbound", json=told).json()
                self.stops["acknowledged" if answer["acknowledged_at"] else "not acknowledged"] += 1

    def states(self) -> Counter[str]:
        """How many intents are in which state; empty while the database is away."""
        table = tables.messages.c
        try:
            with self.database.as_org(self.org.org_id) as connection:
                found = select(table.state).where(table.org_id == self.org.org_id)
                return Counter(connection.execute(found).scalars())
        except DatabaseUnavailable:
            return Counter()


@pytest.fixture
def fire(own_server: EmbeddedServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Fire]:
    size, broken = request.param
    home = own_server.cluster.home
    with SandboxProcess(vendors=["twilio"]) as sandbox, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        held.close()
        slug = f"t{uuid4().hex[:12]}"
        given = {
            "home": str(home), "lake_url": str(tmp_path / "lake"), "org": slug, "twilio_timeout_seconds": 3.0,
            "public_url": "https://leads.acme.example", **sandbox.settings_overrides("twilio"),
        }  # fmt: skip
        database = open_database(load_settings(**{**given, "home": home}))
        org = create_org(database, slug, is_simulated=True)
        offset = (OPENS - BEFORE - dt.datetime.now(dt.UTC)).total_seconds()
        one = Fire(size, database, own_server, sandbox, org, given, port, offset, broken)
        _set_up(one)
        yield one
        for process in one.processes.values():
            process.kill()
            process.join()
        database.dispose()


def _set_up(fire: Fire) -> None:
    size, org_id = fire.size, fire.org.org_id
    everyone = people(size.people)
    keys, now = load_hash_keys(fire.settings), OPENS - dt.timedelta(hours=1)
    with fire.database.as_org(org_id) as connection:
        introduce(connection, fire.org, most_per_24h=CAP, most_per_7d=CAP, messages_per_second=size.per_second)
        agree(connection, everyone["phone_e164"].to_list(), keys, now - dt.timedelta(days=5))
        for greeting in (EVERYONES, *OTHERS):
            frame = everyone if greeting == EVERYONES else everyone.head(size.others)
            run_campaign(
                connection, fire.org, frame, keys, now=now, body=f"{greeting}: {BODY}", ends_at=OPENS + CAMPAIGN_LASTS,
                error_threshold=NEVER_PAUSED,
            )  # fmt: skip
    if fire.broken == "careless_outbox":
        with fire.database.as_owner() as connection:
            connection.execute(text("set local role leadflow_owner"))
            connection.execute(text("alter table leadflow.messages drop constraint once_a_step"))
    told = {
        "inbound_url": f"{fire.given['public_url']}/webhooks/twilio/{fire.org.slug}/inbound",
        "deliver_to": f"http://127.0.0.1:{fire.port}",
        "blocks_opted_out": False,
    }
    httpx.post(f"{fire.sandbox.url}/sandbox/twilio/webhooks", json=told).raise_for_status()
    for kind in FAULTS:
        fire.sandbox.arm_fault("twilio", kind, share=0.1, seconds=4.0)


def burn(fire: Fire) -> None:
    """The fire itself, and a while after it in which what began comes to its end."""
    phones = people(fire.size.people)["phone_e164"].to_list()
    fire.dice.shuffle(phones)
    over = threading.Event()
    for name in ("gateway", *(f"d{number}" for number in range(DISPATCHERS))):
        fire.start(name)
    writing = threading.Thread(target=fire.say_stop, args=(phones, over))
    writing.start()
    try:
        _wait_for_smoke(fire)
        began = last_kill = time.monotonic()
        while time.monotonic() < began + fire.size.seconds:
            if time.monotonic() > last_kill + fire.size.kill_every:
                last_kill = time.monotonic()
                fire.kill_one()
            time.sleep(0.02)
        fire.at_the_end_of_fire = fire.states()
        began = time.monotonic()
        _wait_until_quiet(fire)
        fire.quiet_after = time.monotonic() - began
    finally:
        over.set()
        writing.join()
    fire.sandbox.disarm_faults()
    for name in [name for name in fire.processes if name != "gateway"]:
        process = fire.processes.pop(name)
        process.kill()
        process.join()


def _wait_until_quiet(fire: Fire) -> None:
    """Until nothing is due or under way, once the claims of the dead are over."""
    patience = time.monotonic() + 40 + fire.size.seconds * 1.5
    rest = time.monotonic() + LEASE.total_seconds() + 3
    while time.monotonic() < patience:
        states = fire.states()
        is_under_way = states["sending"] or not states
        if time.monotonic() > rest and not is_under_way and not _is_due(fire):
            return
        time.sleep(0.5)


def _wait_for_smoke(fire: Fire) -> None:
    """Until something is sent: processes take seconds to start on a busy machine."""
    patience = time.monotonic() + 30
    while time.monotonic() < patience and not fire.states().keys() & {"accepted", "delivered", "unknown"}:
        time.sleep(0.2)


def _is_due(fire: Fire) -> bool:
    table = tables.messages.c
    due = select(table.message_id).where(table.state == "queued", table.due_at <= fire.now()).limit(1)
    with fire.database.as_org(fire.org.org_id) as connection:
        return connection.execute(due).first() is not None


def finish(fire: Fire) -> None:
    """The campaigns' time is over, and the messenger is asked what became of the rest."""
    later = OPENS + CAMPAIGN_LASTS + SILENT * 2
    messengers = open_messengers(fire.database, fire.org, fire.settings).ready
    with fire.database.as_org(fire.org.org_id) as connection:
        settle_unsent(connection, fire.org.org_id, now=later)
    for _ in range(400):
        if not fire.states()["accepted"]:
            return
        reconcile(fire.database, fire.org, messengers, fire.settings, now=max(later, fire.now() + SILENT * 2))


@cache
def _is_open(area_code: str, minute: dt.datetime) -> bool:
    known = load_rules().area_codes[area_code]
    return check_calling_time(minute, states=known.states, zones=known.zones).allowed


def violations(fire: Fire, log: dict[str, Any]) -> Counter[str]:
    """What the messenger's own log says against us."""
    shift = dt.timedelta(seconds=fire.offset)
    found: Counter[str] = Counter()
    stopped: dict[str, dt.datetime] = {}
    for one in log["inbound"]:
        if one["acknowledged_at"]:
            at = dt.datetime.fromisoformat(one["acknowledged_at"])
            stopped[one["from"]] = min(at, stopped.get(one["from"], at))
    taken: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in log["messages"]:
        taken[one["to"]].append(one)
    for phone, texts in taken.items():
        found["twice for a step"] += len(texts) - len({one["body"] for one in texts})
        found["over the cap"] += max(0, len(texts) - CAP)
        for one in texts:
            at = dt.datetime.fromisoformat(one["accepted_at"])
            found["after a STOP"] += phone in stopped and at > stopped[phone]
            arrivals = [at, *([dt.datetime.fromisoformat(one["delivered_at"])] if one["delivered_at"] else [])]
            for instant in arrivals:
                found["outside its hours"] += not _is_open(
                    phone[2:5], (instant + shift).replace(second=0, microsecond=0)
                )
    return Counter({name: count for name, count in found.items() if count})


def why_unsent(fire: Fire) -> Counter[str]:
    """What blocked or cancelled messages note as their reason."""
    table = tables.messages.c
    with fire.database.as_org(fire.org.org_id) as connection:
        found = select(table.error_code).where(table.state.in_(("blocked", "cancelled")))
        return Counter(connection.execute(found).scalars())


def report(fire: Fire, log: dict[str, Any], against: Counter[str]) -> None:
    states = fire.states()
    print(
        f"\n{sum(states.values())} intents: {dict(states)}; blocked or cancelled: {dict(why_unsent(fire))}; when the "
        f"fire ended: {dict(fire.at_the_end_of_fire)}, quiet after {fire.quiet_after:.0f} s; the messenger took "
        f"{len(log['messages'])}: "
        f"{dict(Counter(one['status'] for one in log['messages']))}, refused {len(log['refused'])}; kills: "
        f"{dict(fire.kills)}; STOPs: {dict(fire.stops)}; callbacks: {log['callbacks']}; load "
        f"{os.getloadavg()[0]:.1f}; against us: {dict(against) or 'nothing'}"
    )


def hold_fire(fire: Fire) -> Counter[str]:
    """The whole of it; returns what the messenger's log says against us."""
    burn(fire)
    finish(fire)
    log: dict[str, Any] = httpx.get(f"{fire.sandbox.url}/sandbox/twilio/log", timeout=120).raise_for_status().json()
    against = violations(fire, log)
    report(fire, log, against)
    assert fire.kills["dispatcher"], "there was no fire"
    assert len(log["messages"]) > fire.size.people / 8, "hardly anything was sent"
    return against


def check(fire: Fire) -> None:
    against = hold_fire(fire)
    assert not against
    states = fire.states()
    assert set(states) <= ENDS
    wanted = fire.size.people + len(OTHERS) * fire.size.others
    assert 0.9 * wanted < sum(states.values()) <= wanted, "whoever wrote STOP early has no intent"
    assert fire.stops["acknowledged"]
    with fire.database.as_org(fire.org.org_id) as connection:
        assert verify_chain(connection, fire.org.org_id).fault is None


@pytest.mark.parametrize("fire", [(SHORT, "")], indirect=True)
def test_nobody_is_messaged_twice_or_after_stop_or_out_of_hours(fire: Fire) -> None:
    check(fire)


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("fire", [(LONG, "")], indirect=True)
def test_a_campaign_of_twenty_thousand_under_three_minutes_of_fire(fire: Fire) -> None:
    check(fire)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fire", [(SHORT, "careless_outbox")], indirect=True)
def test_without_the_unique_constraint_somebody_is_messaged_twice(fire: Fire) -> None:
    assert hold_fire(fire)["twice for a step"]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fire", [(SHORT, "no_decision")], indirect=True)
def test_without_the_decision_at_the_instant_of_sending_hours_stops_and_caps_are_broken(fire: Fire) -> None:
    against = hold_fire(fire)
    assert against["outside its hours"]
    assert against["over the cap"]
