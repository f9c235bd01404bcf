"""One text of a campaign to the sender's own phone: decided and proven like any, but no message of the campaign.

The number needs a standing consent, or a member's word that it is their own, which the proof keeps with their name.
That word stands in for what only strangers need (consent, lists); suppression, hours, holds and registration stay.
"""

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
import polars as pl
from sqlalchemy import Connection, func, select

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.profile import Sender, list_senders, read_profile
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance import decide_sends
from leadflow_pipelines.compliance.conditions.number import US_PHONE
from leadflow_pipelines.compliance.contact_hash import contact_hash
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import proof_entries
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign
from leadflow_pipelines.outreach.campaigns.own_people import phone_e164
from leadflow_pipelines.outreach.campaigns.templates import load_template
from leadflow_pipelines.outreach.dispatch.outgoing import LEAST_VALID_SECONDS, compose
from leadflow_pipelines.outreach.messengers.messenger import Messenger, NotProcessed, OutcomeUnknown, Outgoing, Refused
from leadflow_pipelines.settings import Settings

OWN_WORD_ANSWERS = frozenset({
    "no_consent", "consent_expired", "consent_insufficient", "consent_other_purpose", "consent_other_org",
    "dnc_listed", "dnc_unknown", "dnc_stale", "litigator_unknown", "line_type_unknown", "reassigned_unknown",
    "wireless_restricted",
})  # fmt: skip
"""Reasons that a person's word about their own phone answers. A consent that was revoked is none of them."""
MOST_A_DAY = 10
"""Test texts to one number in 24 hours: enough to look at a campaign, too few to be one."""
INVENTED = {
    "full_name": "Sam Example", "first_name": "Sam", "street": "1 Example St", "city": "Exampleville", "state": "TX",
    "zip": "78704",
}  # fmt: skip


@dataclass(frozen=True)
class TrialSend:
    """What became of a test. outcome: sent, blocked, refused, not_processed or unknown."""

    outcome: str
    reason_codes: tuple[str, ...] = ()
    detail: str | None = None
    body: str | None = None
    provider_id: str | None = None


def send_trial(
    database: Database,
    org: Org,
    campaign: Campaign,
    messenger: Messenger,
    *,
    to: str,
    step: int,
    is_own_number: bool,
    actor: str,
    settings: Settings,
    now: dt.datetime,
) -> TrialSend:
    """Sends step `step` with invented merge fields to `to`, once; the decision is committed before the request.

    Raises InvalidInput for a number, step or sender that cannot be used, and past MOST_A_DAY.
    """
    number = phone_e164(to)
    if number is None or re.search(US_PHONE, number) is None:
        raise InvalidInput(f"{to!r} is no US number.", remedy="Write it like +15125550123.")
    with database.as_org(org.org_id) as connection:
        require_member(connection, actor)
        subject = contact_hash("phone", number, load_hash_keys(settings))
        _check_count(connection, org, subject, now)
        sender = _sender(connection)
        decision = _decision(connection, org, campaign, number, sender, settings=settings, now=now)
        left = [code for code in decision["reason_codes"] if not (is_own_number and code in OWN_WORD_ANSWERS)]
        outgoing = _written(connection, org, campaign, number, step, sender, decision, settings=settings, now=now)
        if not left and outgoing.valid_seconds < LEAST_VALID_SECONDS:
            left = ["window_closes"]
        facts = {
            "act": "test_send", "by": actor, "campaign_id": str(campaign.campaign_id), "step": step, "channel": "sms",
            "is_own_number": is_own_number, "verdict": "blocked" if left else "cleared",
            "decided": decision["verdict"], "reason_codes": decision["reason_codes"],
            "rule_version": decision["rule_version"], "body_sha256": sha256(outgoing.body.encode()).hexdigest(),
        }  # fmt: skip
        evidence = orjson.loads(decision["evidence"])
        append_proof(
            connection, org.org_id, [ProofEntry(uuid.uuid4(), "send_decision", subject, now, facts, evidence)]
        )  # fmt: skip
    return TrialSend("blocked", tuple(left), body=outgoing.body) if left else _sent(messenger, outgoing)


def _check_count(connection: Connection, org: Org, subject: str, now: dt.datetime) -> None:
    table = proof_entries.c
    counted = select(func.count()).where(
        table.org_id == org.org_id, table.subject_hash == subject, table.happened_at > now - dt.timedelta(hours=24),
        table.facts["act"].astext == "test_send", table.facts["verdict"].astext == "cleared",
    )  # fmt: skip
    if connection.execute(counted).scalar_one() >= MOST_A_DAY:
        raise InvalidInput(f"That number got {MOST_A_DAY} test texts within 24 hours.", remedy="Wait a day.")


def _sender(connection: Connection) -> Sender:
    sender = next((one for one in list_senders(connection) if one.is_active), None)
    if sender is None:
        raise InvalidInput(
            "The org has no active number to text from.", remedy="Add one: `leadflow sender add --help`."
        )
    return sender


def _decision(
    connection: Connection,
    org: Org,
    campaign: Campaign,
    number: str,
    sender: Sender,
    *,
    settings: Settings,
    now: dt.datetime,
) -> dict[str, Any]:
    """The decision about the number as about any other, without earlier attempts: a test is nobody's message."""
    known = {
        "contact_point_id": "test",
        "property_id": "test",
        "kind": "phone",
        "phone_e164": number,
        "day": now.date(),
    }
    point = pl.DataFrame(
        [{**dict.fromkeys(EVIDENCE_REQUIRED), **known, "source": "test_send", "fetched_at": now}],
        schema=EVIDENCE_REQUIRED,
    )
    evidence = gather_evidence(connection, org, point, now=now, settings=settings)
    frame = evidence.points.with_columns(
        channel=pl.lit("sms"), is_registered=pl.lit(bool(sender.campaign_registration))
    )
    none = pl.DataFrame(schema={"contact_hash": pl.String, "attempted_at": pl.Datetime("us", "UTC")})
    decided = decide_sends(
        frame, instant=now, history=none, limits=evidence.limits, purpose=campaign.purpose, **evidence.asked
    )
    return decided.row(0, named=True)


def _written(
    connection: Connection,
    org: Org,
    campaign: Campaign,
    number: str,
    step: int,
    sender: Sender,
    decision: dict[str, Any],
    *,
    settings: Settings,
    now: dt.datetime,
) -> Outgoing:
    of_step = next((one for one in campaign.steps if one.step == step), None)
    if of_step is None or of_step.channel != "sms":
        texts = ", ".join(str(one.step) for one in campaign.steps if one.channel == "sms") or "none"
        raise InvalidInput(
            f"Step {step} of {campaign.name} is no text.",
            remedy=f"Steps that are: {texts}. `preview` shows the others.",
        )
    return compose(
        uuid.uuid4(),
        {"fields": INVENTED, "contact_value": number},
        load_template(connection, org.org_id, of_step.template_name, of_step.template_version),
        profile=read_profile(connection, org),
        sender=sender.sender,
        public_url=settings.public_url,
        closes_at=decision["closes_at"],
        now=now,
        keys=load_hash_keys(settings),
    )


def _sent(messenger: Messenger, outgoing: Outgoing) -> TrialSend:
    try:
        sent = messenger.send(outgoing)
    except Refused as error:
        return TrialSend("refused", (error.code,), error.message, outgoing.body)
    except NotProcessed as error:
        return TrialSend("not_processed", (), error.message, outgoing.body)
    except OutcomeUnknown as error:
        return TrialSend("unknown", (), error.message, outgoing.body)
    return TrialSend("sent", (), None, outgoing.body, sent.provider_id)
