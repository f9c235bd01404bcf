"""How an org presents itself, the limits it keeps, and the numbers it texts from."""

import datetime as dt
import re
import uuid
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert as upsert

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance.calling_calendar import Width
from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.compliance.conditions.place import EMAIL_SYNTAX
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import outreach_profiles, senders
from leadflow_pipelines.errors import InvalidInput

SENDER_SYNTAX = rf"{US_PHONE}|^MG[0-9a-f]{{32}}$"
DOMAIN_SYNTAX = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$"
MOST_PER_DAY, MOST_PER_WEEK = 3, 21
"""The widest caps: three a day is what the strictest states allow."""


@dataclass(frozen=True)
class Profile:
    """How an org presents itself. An org that set nothing has its own name, no address and the narrowest limits.

    postal_address is empty until it is set; without it nothing that needs one can be written.
    """

    sender_name: str
    postal_address: str = ""
    callback_e164: str | None = None
    from_email: str | None = None
    link_domain: str | None = None
    calling_width: Width = "default"
    most_per_24h: int = 1
    most_per_7d: int = 3
    messages_per_second: int = 50
    brand_daily_limit: int = 2000
    needs_second_person: bool = True


@dataclass(frozen=True)
class Sender:
    """A number or Messaging Service that texts come from."""

    sender: str
    brand: str
    campaign_registration: str
    per_second: int = 1
    is_active: bool = True


FIELDS = tuple(field.name for field in fields(Profile))


def read_profile(connection: Connection, org: Org) -> Profile:
    """The org's profile as set, else with the defaults."""
    table = outreach_profiles.c
    row = connection.execute(select(*(table[name] for name in FIELDS))).mappings().first()
    return Profile(**row) if row else Profile(org.name)


def set_profile(connection: Connection, org: Org, changes: dict[str, Any], *, actor: str, now: dt.datetime) -> Profile:
    """Change some fields. Raises InvalidInput for a value that cannot be used, naming it and what is asked for."""
    if unknown := set(changes) - set(FIELDS):
        raise InvalidInput(f"A profile has no {sorted(unknown)[0]}.", remedy=f"It has {', '.join(FIELDS)}.")
    name = require_member(connection, actor)
    profile = replace(read_profile(connection, org), **changes)
    _check(profile)
    row = {**asdict(profile), "changed_by": name, "changed_at": now}
    connection.execute(
        upsert(outreach_profiles)
        .values(org_id=org.org_id, **row)
        .on_conflict_do_update(constraint=outreach_profiles.primary_key, set_=row)
    )
    _note(connection, org.org_id, {"act": "profile_set", "by": name, "profile": asdict(profile)}, now)
    return profile


def list_senders(connection: Connection) -> list[Sender]:
    """The org's senders, by number."""
    table = senders.c
    chosen = select(*(column for column in table if column.name != "org_id")).order_by(table.sender)
    return [Sender(**row) for row in connection.execute(chosen).mappings()]


def save_sender(connection: Connection, org_id: uuid.UUID, sender: Sender, *, actor: str, now: dt.datetime) -> None:
    """Add a sender, or change one. Raises InvalidInput for no number or service, and without a registration."""
    if not re.match(SENDER_SYNTAX, sender.sender):
        raise InvalidInput(
            f"{sender.sender} is neither a US number nor a Messaging Service.", remedy="Write +16155550123 or MG…."
        )
    if not sender.brand.strip() or not sender.campaign_registration.strip():
        raise InvalidInput(
            "A sender needs the registered brand and campaign: carriers drop texts of others.",
            remedy="Give --brand and --registration as the carriers' registry names them.",
        )
    if sender.per_second < 1:
        raise InvalidInput("A sender sends at least one message a second.")
    name, row = require_member(connection, actor), asdict(sender)
    connection.execute(
        upsert(senders).values(org_id=org_id, **row).on_conflict_do_update(constraint=senders.primary_key, set_=row)
    )
    _note(connection, org_id, {"act": "sender_saved", "by": name, **row}, now)


def _check(profile: Profile) -> None:
    asked = (
        (bool(profile.sender_name.strip()), "sender_name", "the name under which the org writes"),
        (len(profile.postal_address.split()) != 1, "postal_address", "street, city, state and ZIP"),
        (_fits(US_PHONE, profile.callback_e164), "callback_e164", "a US number like +16155550123"),
        (_fits(EMAIL_SYNTAX, profile.from_email), "from_email", "an e-mail address"),
        (_fits(DOMAIN_SYNTAX, profile.link_domain), "link_domain", "a domain of your own like go.homes.example"),
        (profile.calling_width in ("default", "state_table"), "calling_width", "default or state_table"),
        (0 <= profile.most_per_24h <= MOST_PER_DAY, "most_per_24h", f"0 to {MOST_PER_DAY}"),
        (0 <= profile.most_per_7d <= MOST_PER_WEEK, "most_per_7d", f"0 to {MOST_PER_WEEK}"),
        (profile.messages_per_second >= 1, "messages_per_second", "1 or more"),
        (profile.brand_daily_limit >= 0, "brand_daily_limit", "0 or more"),
    )
    for is_right, name, wanted in asked:
        if not is_right:
            raise InvalidInput(f"{name} cannot be {getattr(profile, name)!r}.", remedy=f"Give {wanted}.")


def _fits(pattern: str, value: str | None) -> bool:
    return value is None or re.match(pattern, value) is not None


def _note(connection: Connection, org_id: uuid.UUID, facts: dict[str, Any], now: dt.datetime) -> None:
    append_proof(connection, org_id, [ProofEntry(uuid.uuid4(), "org_change", None, now, facts)])
