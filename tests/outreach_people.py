"""An org that may text: people who agreed to it, running campaigns, a simulated Twilio, a clock that a test moves.

Numbers are 555-01xx in real area codes, so that a thousand people live in many zones.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import httpx
import polars as pl
from sqlalchemy import Connection, select

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.profile import Sender, save_sender, set_profile
from leadflow_pipelines.compliance import load_rules
from leadflow_pipelines.compliance.contact_hash import HashKeys, with_contact_hash
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.bulk import copy_into
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.outreach.campaigns import campaigns
from leadflow_pipelines.outreach.campaigns.audience import FIELD_COLUMNS, take_own_people
from leadflow_pipelines.outreach.campaigns.templates import save_template
from leadflow_pipelines.outreach.dispatch.dispatcher import Dispatcher, Tally
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.settings import Settings, load_settings

FRIDAY_NOON = dt.datetime(2026, 11, 20, 18, tzinfo=dt.UTC)
"""10:00 in California, 13:00 in New York: between them every zone's default window is open."""
SENDER_NAME, NUMBER, BRAND = "Example Homes", "+16155550106", "example-brand"
TEXT = "{sender_name} here about {street}. {opt_out}"
AGREED = "I agree to texts from Example Homes about my house. Not needed to sell."
INSTANT = pl.Datetime("us", "UTC")
HTTP = httpx.Client(timeout=60)


@cache
def area_codes(*states: str) -> tuple[str, ...]:
    """Geographic area codes, of these states alone where any are named."""
    rules = load_rules()
    placed = (code for code in rules.area_codes.values() if code.kind == "geographic" and code.states)
    return tuple(sorted(code.area_code for code in placed if not states or set(code.states) == set(states)))


def people(count: int, *states: str, first: int = 0) -> pl.DataFrame:
    """So many people as an audience holds them: each a number, clean and checked yesterday; from the `first` on."""
    codes = area_codes(*states)
    places = [(codes[number % len(codes)], number // len(codes)) for number in range(first, first + count)]
    assert all(within < 100 for _, within in places), "there are no more 555-01xx numbers"
    frame = pl.DataFrame(
        {
            "phone_e164": [f"+1{code}55501{within:02d}" for code, within in places],
            "street": [f"{number + 1} Example St" for number in range(first, first + count)],
            "contact_point_id": [f"c{number}" for number in range(first, first + count)],
            "property_id": [f"p{number}" for number in range(first, first + count)],
        }
    )
    known = frame.with_columns(
        kind=pl.lit("phone"), contact_value="phone_e164", line_type=pl.lit("mobile"), is_on_dnc=pl.lit(False),
        is_litigator=pl.lit(False), is_reachable=pl.lit(True), source=pl.lit("simulated"),
        full_name=pl.lit("Pat Example"), first_name=pl.lit("Pat"),
        fetched_at=pl.lit(FRIDAY_NOON - dt.timedelta(days=1), INSTANT),
    )  # fmt: skip
    wanted: dict[str, Any] = {**dict.fromkeys(FIELD_COLUMNS, pl.String), **EVIDENCE_REQUIRED}
    return known.with_columns(pl.lit(None, kind).alias(name) for name, kind in wanted.items() if name not in known)


def agree(
    connection: Connection, phones: Sequence[str], keys: HashKeys, at: dt.datetime, **changes: Any
) -> None:  # fmt: skip
    """These people agreed to the org's texts on that day; `changes`: columns of the consent that differ."""
    given = {
        "channel": "sms", "purpose": "marketing", "kind": "express_written", "given_to": SENDER_NAME,
        "wording": AGREED, "source": "form", "recorded_by": "ada", **changes,
    }  # fmt: skip
    frame = pl.DataFrame({"contact_value": list(phones)}).with_columns(
        kind=pl.lit("phone"), consent_id=pl.Series([str(uuid4()) for _ in phones])
    )
    rows = with_contact_hash(frame, keys).with_columns(
        *(pl.lit(value).alias(name) for name, value in given.items()),
        captured_at=pl.lit(at, INSTANT),
        recorded_at=pl.lit(at, INSTANT),
    )
    copy_into(connection, tables.consents, rows)


def introduce(connection: Connection, org: Org, *, sender: Sender | None = None, **profile: Any) -> None:
    """The org says who it is and what it sends from; `profile`: what differs from a wide one."""
    known = {
        "sender_name": SENDER_NAME, "postal_address": "1 Example Sq, Austin, TX 78704", "messages_per_second": 10_000,
        "brand_daily_limit": 1_000_000, "needs_second_person": False, **profile,
    }  # fmt: skip
    set_profile(connection, org, known, actor="ada", now=FRIDAY_NOON)
    one = sender or Sender(NUMBER, BRAND, "campaign-1", per_second=10_000)
    save_sender(connection, org.org_id, one, actor="ada", now=FRIDAY_NOON)


def run_campaign(
    connection: Connection, org: Org, frame: pl.DataFrame, keys: HashKeys, *, now: dt.datetime, channel: str = "sms",
    body: str = TEXT, subject: str | None = None, steps: Sequence[int] = (0,), **options: Any,
) -> str:  # fmt: skip
    """A running campaign to these people; `steps`: hours before each; the name is new each time."""
    name = f"spring {uuid4().hex[:8]}"
    save_template(connection, org.org_id, name=name, channel=channel, subject=subject, body=body, actor="ada", now=now)
    campaign = campaigns.create_campaign(connection, org.org_id, name=name, actor="ada", now=now, **options)
    for delay in steps:
        campaigns.add_step(connection, org.org_id, name, template_name=name, delay_hours=delay, actor="ada")
    campaign = campaigns.load_campaign(connection, org.org_id, name)
    taken = take_own_people(connection, org.org_id, campaign, frame, keys, source="file")
    campaigns.review(connection, org.org_id, name, audience=taken, actor="ada", now=now)
    campaigns.approve(connection, org.org_id, name, actor="ada", now=now)
    campaigns.start(connection, org.org_id, name, actor="ada", now=now)
    return name


@dataclass
class Texting:
    """One simulated org with people who agreed to texts. Its clock stands until a test moves it.

    `sending`: the database with the login that may only dispatch.
    """

    database: Database
    sending: Database
    org: Org
    settings: Settings
    keys: HashKeys
    sandbox_url: str
    now: dt.datetime = FRIDAY_NOON
    dispatchers: list[Dispatcher] = field(default_factory=list)

    def campaign(self, frame: pl.DataFrame, *, agreed: bool = True, **options: Any) -> str:
        """A running campaign to these people, who have `agreed`."""
        with self.database.as_org(self.org.org_id) as connection:
            if agreed:
                agree(connection, frame["phone_e164"].to_list(), self.keys, self.now - dt.timedelta(days=5))
            return run_campaign(connection, self.org, frame, self.keys, now=self.now, **options)

    def dispatcher(self, **options: Any) -> Dispatcher:
        """One more dispatcher, as another process would have it."""
        messengers = options.pop("messengers", None) or {"sms": open_messenger("sms", self.org, self.settings)}
        made = Dispatcher(self.sending, self.org, messengers, self.settings, lambda: self.now, **options)
        self.dispatchers.append(made)
        return made

    def round(self, **options: Any) -> Tally:
        """One round of a new dispatcher."""
        return self.dispatcher(**options).round()

    def messages(self) -> list[dict[str, Any]]:
        """Every message of the org, by person."""
        table = tables.messages.c
        chosen = select(tables.messages).where(table.org_id == self.org.org_id)
        with self.database.as_org(self.org.org_id) as connection:
            rows = connection.execute(chosen.order_by(table.contact_point_id, table.step)).mappings()
            return [dict(row) for row in rows]

    def fates(self) -> Counter[tuple[str, str | None]]:
        """How many messages are in which state, and why."""
        return Counter((row["state"], row["error_code"]) for row in self.messages())

    def log(self) -> dict[str, Any]:
        """What the simulated Twilio saw."""
        log: dict[str, Any] = HTTP.get(f"{self.sandbox_url}/sandbox/twilio/log").raise_for_status().json()
        return log

    def texted(self) -> list[str]:
        """Whom the simulated Twilio took a text for, in order."""
        return [one["to"] for one in self.log()["messages"]]


def texting(
    database: Database,
    settings: Settings,
    sandbox: Any,
    *,
    overrides: Mapping[str, Any] = MappingProxyType({}),
    **profile: Any,
) -> Iterator[Texting]:
    """An org that may text, its clock at noon of a Friday. For fixtures: `yield from`."""
    org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
    own = load_settings(
        home=settings.home, lake_url=settings.lake_url, **sandbox.settings_overrides("twilio"), **overrides
    )
    made = Texting(database, database.for_dispatch(), org, own, load_hash_keys(own), sandbox.url)
    HTTP.delete(f"{sandbox.url}/sandbox/twilio/log").raise_for_status()
    HTTP.post(f"{sandbox.url}/sandbox/twilio/webhooks", json={}).raise_for_status()
    with database.as_org(org.org_id) as connection:
        introduce(connection, org, **profile)
    yield made
    for dispatcher in made.dispatchers:
        dispatcher.__exit__(None, None, None)
    made.sending.dispose()


def campaign_id_of(texting: Texting, name: str) -> UUID:
    """A campaign's identity."""
    with texting.database.as_org(texting.org.org_id) as connection:
        return campaigns.load_campaign(connection, texting.org.org_id, name).campaign_id
