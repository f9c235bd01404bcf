"""Taking due messages that a person will carry, and keeping them for as long as that person needs.

The same life as of any message: claimed, decided anew, committed as `sending`; whoever goes away leaves it unknown. Not
here: rates of senders, which letters and calls have none of (`dispatch/claim`).
"""

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from leadflow_pipelines.clearance.head_anchor import refuse_restored
from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.profile import Profile
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.queries import named_query
from leadflow_pipelines.database.tables import messages
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign, load_campaign
from leadflow_pipelines.outreach.campaigns.outbox import queue_due_steps
from leadflow_pipelines.outreach.dispatch.claim import LEASE, Claimed, give_back, is_free, settle_unsent
from leadflow_pipelines.outreach.dispatch.decide import Decided, decide_claimed
from leadflow_pipelines.settings import Settings


def running_campaign(
    database: Database, org: Org, name: str, *, channel: str, actor: str, settings: Settings, now: dt.datetime
) -> Campaign:
    """The campaign, its outbox filled and swept.

    Raises InvalidInput where it does not run or has no such step, DatabaseRestored where the database forgot what went
    out.
    """
    refuse_restored(database, org, settings)
    with database.as_org(org.org_id) as connection:
        require_member(connection, actor)
        campaign = load_campaign(connection, org.org_id, name)
    if campaign.state != "running":
        raise InvalidInput(
            f"The campaign {name} is {campaign.state}; nothing of it goes out.",
            remedy="Start or resume it: `leadflow campaign start`, `leadflow campaign resume`.",
        )
    if channel not in {step.channel for step in campaign.steps}:
        raise InvalidInput(
            f"The campaign {name} has no step by {channel}.",
            remedy=f"Its steps go by {', '.join(step.channel for step in campaign.steps)}.",
        )
    with database.as_org(org.org_id) as connection:
        queue_due_steps(connection, org.org_id, now=now)
    with database.as_org(org.org_id) as connection:
        settle_unsent(connection, org.org_id, now=now)
    return campaign


def due_messages(
    connection: Connection, org_id: uuid.UUID, campaign_id: uuid.UUID, *, channel: str, most: int, now: dt.datetime
) -> dict[uuid.UUID, str]:
    """Message to contact hash of what is due, each person once, the longest due first. Locked until the end."""
    asked = {"org_id": org_id, "campaign_id": campaign_id, "channel": channel, "now": now, "most": most}
    found = connection.execute(named_query("find_due_messages"), asked).all()
    once = {row.contact_hash: row.message_id for row in reversed(found)}
    return {message_id: contact_hash for contact_hash, message_id in reversed(once.items())}


def claim_these(
    connection: Connection, org_id: uuid.UUID, message_ids: Sequence[uuid.UUID], *, by: str, now: dt.datetime
) -> dict[uuid.UUID, str]:
    """Claims those of the messages that still wait unclaimed; message to contact hash. Others took the rest."""
    table = messages.c
    free = (
        select(table.message_id)
        .where(table.org_id == org_id, table.message_id.in_(message_ids), is_free(now))
        .order_by(table.message_id)
        .with_for_update(skip_locked=True)
    )
    taken = connection.execute(
        update(messages)
        .where(table.message_id.in_(free.scalar_subquery()))
        .values(claimed_by=by, claimed_until=now + LEASE)
        .returning(table.message_id, table.contact_hash)
    )
    return {row.message_id: row.contact_hash for row in taken}


def commit_claimed(
    database: Database,
    org: Org,
    campaign_id: uuid.UUID,
    claimed: dict[uuid.UUID, str],
    *,
    channel: str,
    by: str,
    profile: Profile,
    settings: Settings,
    now: dt.datetime,
    until: dt.datetime,
) -> Decided:
    """Decides claimed messages at `now`; what may go is `sending`, and `by` has it until then."""
    held = Claimed(campaign_id, channel, None, tuple(claimed), tuple(claimed.values()))
    table = messages.c
    with database.as_org(org.org_id) as connection:
        decided = decide_claimed(
            connection, org, held, profile=profile, dispatcher=by, settings=settings, now=now
        )  # fmt: skip
        connection.execute(
            update(messages)
            .where(table.org_id == org.org_id, table.message_id.in_(held.message_ids), table.state == "sending")
            .values(claimed_until=until)
        )
        give_back(connection, org.org_id, held.message_ids, dispatcher=by)
    return decided
