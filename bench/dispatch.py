"""What dispatch reaches: messages a second of two processes beside a plain loop of Twilio's library, and what a claim
takes when a million intents wait.

Such a queue grows over hours, while Postgres vacuums it and writes it to disk. The benchmark fills it in a minute, so
it has that done before it measures: else claims would be timed beside it. A claim's p99 is the middle one of SERIES
series, as others may work on this machine, too; beside it stands that of as many empty statements, its floor here.
"""

import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import polars as pl
import psycopg
from sqlalchemy import text

from bench.dispatching import NOON, settings_of
from bench.figures import Figure, at_least, at_most
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.profile import Sender, read_profile, save_sender, set_profile
from leadflow_pipelines.cli.console import progress
from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.compliance.contact_hash import with_contact_hash
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.cluster import SUPERUSER
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.embedded import DATABASE
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.database.prepare import open_database
from leadflow_pipelines.errors import LeadflowError
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.campaigns.audience import FIELD_COLUMNS, take_own_people
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.campaigns.templates import save_template
from leadflow_pipelines.outreach.dispatch.claim import claim
from leadflow_pipelines.providers.sandbox.process import SandboxProcess
from leadflow_pipelines.settings import PROJECT_ROOT, Settings

ORG, ACTOR, SENDER = "bench", "bench", Sender("+16155550106", "bench-brand", "bench", per_second=100_000)
PROCESSES = 2
CLAIMS = 200
SERIES = 5
INSTANT = pl.Datetime("us", "UTC")
FILL = text(
    "insert into leadflow.messages (message_id, org_id, campaign_id, step, channel, contact_point_id, property_id,"
    " contact_hash, state, due_at)"
    " select gen_random_uuid(), :org_id, :campaign_id, 1, 'sms', 'w' || n, 'w' || n, 'v1:waiting' || n, 'queued',"
    " cast(:due as timestamptz) + n * interval '1 millisecond' from generate_series(1, :count) as n"
)

SENT_ON = text(
    "update leadflow.messages set state = 'accepted', attempted_at = :now, accepted_at = :now, claimed_by = null,"
    " claimed_until = null where org_id = :org_id and message_id = any(:message_ids)"
)
"""What becomes of claimed messages, as cheaply as can be: the queue's head moves on and leaves its dead rows behind."""
STATEMENTS = 4
"""Of a claim, the org's included. So many empty ones tell what a busy machine makes of a claim's round trips."""
EMPTY = text("update leadflow.send_slots set next_at = next_at where slot = ''")


def measure(*, quick: bool = False) -> Iterator[Figure]:
    """Each figure as it is measured. `quick` takes a tenth of the sizes, to try the benchmark itself."""
    scale = 10 if quick else 1
    count, waiting = 6_000 // scale, 1_000_000 // scale
    with tempfile.TemporaryDirectory() as folder, _open_org(Path(folder)) as (settings, database, org, sandbox):
        progress(f"{count} people, {PROCESSES} processes")
        _campaign(database, org, settings, _people(count))
        ours, worked = _race("dispatcher", settings, sandbox.url, count)
        log = httpx.get(f"{sandbox.url}/sandbox/twilio/log", timeout=60).raise_for_status().json()["messages"]
        httpx.delete(f"{sandbox.url}/sandbox/twilio/log", timeout=60).raise_for_status()
        theirs, peer_worked = _race("sdk", settings, sandbox.url, count)
        peer = f"plain loop of Twilio's library: {theirs:.0f}/s"
        yield at_least("messages a second, two processes", ours, 200, "/s").beside(peer, ours / theirs)
        each = f"plain loop: {1000 * peer_worked / count:.2f} ms"
        yield at_most("processor time of a message", 1000 * worked / count, 5, "ms").beside(each, worked / peer_worked)
        yield at_most("people texted twice", len(log) - len({one["to"] for one in log}), 0, "people")
        yield at_most("people not texted", count - len({one["to"] for one in log}), 0, "people")
        few = _claim_milliseconds(
            database, org, _campaign(database, org, settings, _people(count)), hour=1, claims=CLAIMS // scale
        )
        progress(f"{waiting:,} intents wait, nine tenths of them of a paused campaign and due before")
        running = _fill(database, org, settings, waiting)
        series = [
            _claim_milliseconds(database, org, running, hour=2 + number, claims=CLAIMS // scale)
            for number in range(SERIES)
        ]
        many = sorted(series, key=lambda times: times.worst)[SERIES // 2]
        said = f"with {count:,} waiting: {few.usual:.1f} ms"
        yield at_most(f"claim with {waiting:,} waiting, median", many.usual, 20, "ms").beside(
            said, many.usual / few.usual
        )
        said = f"an empty transaction's: {many.floor:.1f} ms"
        yield at_most(f"claim with {waiting:,} waiting, p99", many.worst, 20, "ms").beside(
            said, many.worst / many.floor
        )


@contextmanager
def _open_org(folder: Path) -> Iterator[tuple[Settings, Database, Org, SandboxProcess]]:
    with SandboxProcess(vendors=("twilio",)) as sandbox:
        home = folder / "home"
        home.mkdir()
        home.chmod(0o711)
        settings = settings_of(home, sandbox.url, ORG)
        database = open_database(settings)
        org = create_org(database, ORG, is_simulated=True)
        wide = {"sender_name": "Example Homes", "messages_per_second": 100_000, "brand_daily_limit": 10_000_000}
        with database.as_org(org.org_id) as connection:
            set_profile(connection, org, wide, actor=ACTOR, now=NOON)
            save_sender(connection, org.org_id, SENDER, actor=ACTOR, now=NOON)
        try:
            yield settings, database, org, sandbox
        finally:
            database.dispose()
            if database.embedded is not None:
                database.embedded.stop()


def _people(count: int) -> pl.DataFrame:
    """Invented people in every state that is open at noon, clean and checked the day before."""
    codes = [code.area_code for code in load_rules().area_codes.values() if code.kind == "geographic" and code.states]
    numbers = [(codes[number % len(codes)], number // len(codes)) for number in range(count)]
    frame = pl.DataFrame(
        {
            "phone_e164": [f"+1{code}55501{within:02d}" for code, within in numbers],
            "contact_point_id": [f"c{number}" for number in range(count)],
            "street": [f"{number} Example St" for number in range(count)],
        }
    )
    known = frame.with_columns(
        contact_value="phone_e164", property_id="contact_point_id", kind=pl.lit("phone"), line_type=pl.lit("mobile"),
        is_on_dnc=pl.lit(value=False), is_litigator=pl.lit(value=False), is_reachable=pl.lit(value=True),
        source=pl.lit("invented"), fetched_at=pl.lit(NOON, INSTANT) - pl.duration(days=1),
    )  # fmt: skip
    wanted: dict[str, Any] = {**dict.fromkeys(FIELD_COLUMNS, pl.String), **EVIDENCE_REQUIRED}
    return known.with_columns(pl.lit(None, kind).alias(name) for name, kind in wanted.items() if name not in known)


def _campaign(database: Database, org: Org, settings: Settings, frame: pl.DataFrame) -> str:
    """A running campaign to these people, who agreed; its intents are queued."""
    keys = load_hash_keys(settings)
    name, body = f"bench {time.time_ns()}", "{sender_name} here about {street}. {opt_out}"
    asked: dict[str, Any] = {"actor": ACTOR, "now": NOON}
    with database.as_org(org.org_id) as connection:
        agreed = with_contact_hash(frame.select("kind", "contact_value"), keys).with_columns(
            consent_id=pl.Series([str(uuid4()) for _ in range(frame.height)]),
            channel=pl.lit("sms"), purpose=pl.lit("marketing"), given_to=pl.lit("Example Homes"), source=pl.lit("form"),
            wording=pl.lit("I agree to texts from Example Homes."), recorded_by=pl.lit(ACTOR),
            captured_at=pl.lit(NOON, INSTANT) - pl.duration(days=5), recorded_at=pl.lit(NOON, INSTANT),
        )  # fmt: skip
        copy_into(connection, tables.consents, agreed.with_columns(kind=pl.lit("express_written")))
        save_template(connection, org.org_id, name=name, channel="sms", subject=None, body=body, **asked)
        campaigns.create_campaign(connection, org.org_id, name=name, **asked)
        campaigns.add_step(connection, org.org_id, name, template_name=name, delay_hours=0, actor=ACTOR)
        campaign = campaigns.load_campaign(connection, org.org_id, name)
        taken = take_own_people(connection, org.org_id, campaign, frame, keys, source="invented")
        campaigns.review(connection, org.org_id, name, audience=taken, **asked)
        campaigns.approve(connection, org.org_id, name, **asked)
        campaigns.start(connection, org.org_id, name, **asked)
        queue_due_steps(connection, org.org_id, now=NOON)
    return name


def _fill(database: Database, org: Org, settings: Settings, waiting: int) -> str:
    """So many intents, of a paused campaign and of a running one, whose name is returned."""
    paused, running = (_campaign(database, org, settings, _people(1)) for _ in range(2))
    for name, count, due in ((paused, waiting * 9 // 10, "2026-11-01"), (running, waiting // 10, "2026-11-19")):
        with database.as_org(org.org_id) as connection:
            campaign_id = campaigns.load_campaign(connection, org.org_id, name).campaign_id
            asked = {"org_id": org.org_id, "campaign_id": campaign_id, "count": count, "due": due}
            connection.execute(FILL, asked)
            if name == paused:
                campaigns.pause(connection, org.org_id, name, actor=ACTOR, now=NOON, reason="benchmark")
    _settle(database)
    return running


def _settle(database: Database) -> None:
    """What Postgres has done by itself to a queue that grew over hours."""
    assert database.embedded is not None
    server, password = database.embedded.address(), database.embedded.password(SUPERUSER)
    with psycopg.connect(
        host=server.host, port=server.port, user=SUPERUSER, password=password, dbname=DATABASE, autocommit=True
    ) as superuser:
        superuser.execute("vacuum (analyze)")
        superuser.execute("checkpoint")


@dataclass(frozen=True)
class ClaimTimes:
    """Milliseconds of a claim's transaction: median and 99th percentile; `floor`: that of an empty transaction."""

    usual: float
    worst: float
    floor: float


def _claim_milliseconds(database: Database, org: Org, name: str, *, hour: int, claims: int) -> ClaimTimes:
    """So many claims as a dispatcher makes them, or all that there are: each is sent on before the next one.

    `hour`: after noon, a later one each time, as rates count forward.
    """
    taken, empty = [], []
    with database.as_org(org.org_id) as connection:
        profile = read_profile(connection, org)
        campaign_id = campaigns.load_campaign(connection, org.org_id, name).campaign_id
    for number in range(claims):
        now = NOON + dt.timedelta(hours=hour, milliseconds=10 * number)
        began = time.perf_counter()
        with database.as_org(org.org_id) as connection:
            claimed = claim(
                connection, org.org_id, campaign_id, channel="sms", sender=replace(SENDER), profile=profile,
                dispatcher="bench", most=100, now=now,
            )  # fmt: skip
        if not claimed.message_ids:
            break
        taken.append(1000 * (time.perf_counter() - began))
        with database.as_org(org.org_id) as connection:
            connection.execute(SENT_ON, {"org_id": org.org_id, "now": now, "message_ids": list(claimed.message_ids)})
        began = time.perf_counter()
        with database.as_org(org.org_id) as connection:
            for _ in range(STATEMENTS - 1):
                connection.execute(EMPTY)
        empty.append(1000 * (time.perf_counter() - began))
    return ClaimTimes(_percentile(taken, 0.5), _percentile(taken, 0.99), _percentile(empty, 0.99))


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _race(way: str, settings: Settings, url: str, count: int) -> tuple[float, float]:
    """Messages a second of PROCESSES processes together, and the processor seconds that they took."""
    where = [way, str(settings.home), url, ORG, str(count // PROCESSES)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.dispatching", *where],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
        )
        for _ in range(PROCESSES)
    ]  # fmt: skip
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.close()
    told = [json.loads(process.stdout.read()) for process in started if process.stdout is not None]
    if any(process.wait() for process in started):
        raise LeadflowError(f"A process of `{way}` failed.")
    seconds = max(one["ended"] for one in told) - min(one["began"] for one in told)
    return sum(one["sent"] for one in told) / seconds, sum(one["cpu"] for one in told)
