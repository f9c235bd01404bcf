"""What goes over the wire: the text with its fields, links and headers, and how long it may take."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from leadflow_pipelines.clearance.profile import Profile
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.merge_fields import OPT_OUT_TEXT, render
from leadflow_pipelines.outreach.campaigns.templates import Template
from leadflow_pipelines.outreach.campaigns.tracked_links import unsubscribe_address, with_tracked_links
from leadflow_pipelines.outreach.messengers.messenger import MOST_VALID_SECONDS, Outgoing

LEAST_VALID_SECONDS = 60
"""With less time left in the window a message waits for the next one."""
AFTER_HEADING = "\n\n"
"""A letter's heading is kept with its text, so that what was printed is what was proven."""
VALID_MARGIN = dt.timedelta(seconds=30)
"""A message has to arrive so long before the window closes: clocks differ, and carriers take a while to give up."""


def compose(
    message_id: uuid.UUID,
    document: Mapping[str, Any],
    template: Template,
    *,
    profile: Profile,
    sender: str,
    public_url: str | None,
    closes_at: dt.datetime | None,
    now: dt.datetime,
    keys: HashKeys,
) -> Outgoing:
    """The message of one person. `document`: as the audience keeps it; `closes_at`: end of the calling window.

    Raises MissingFields for a field without value, InvalidInput where an e-mail could not be unsubscribed from.
    """
    values = {
        **document["fields"],
        "sender_name": profile.sender_name,
        "sender_phone": profile.callback_e164,
        "postal_address": profile.postal_address or None,
        "opt_out": OPT_OUT_TEXT,
    }
    headers: dict[str, str] = {}
    if template.channel == "email":
        address = unsubscribe_address(_web_address(profile, public_url), message_id, keys)
        values["unsubscribe_link"] = address
        headers = {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    subject = render(template.subject, values) if template.subject else None
    body = with_tracked_links(render(template.body, values), message_id, profile.link_domain, keys)
    if template.channel == "mail" and subject:
        subject, body = None, f"{subject}{AFTER_HEADING}{body}"
    return Outgoing(
        message_id=message_id,
        to=document["contact_value"],
        sender=sender,
        body=body,
        valid_seconds=valid_seconds(closes_at, now),
        subject=subject,
        headers=headers,
        sender_name=profile.sender_name,
    )


def valid_seconds(closes_at: dt.datetime | None, now: dt.datetime) -> int:
    """Seconds within which a message must arrive: never past the end of its window. Below 1 there is no time left."""
    if closes_at is None:
        return MOST_VALID_SECONDS
    return min(MOST_VALID_SECONDS, int((closes_at - VALID_MARGIN - now).total_seconds()))


def _web_address(profile: Profile, public_url: str | None) -> str:
    if public_url:
        return public_url
    if profile.link_domain:
        return f"https://{profile.link_domain}"
    raise InvalidInput(
        "An e-mail needs an address where one click stops it.", remedy="Set LEADFLOW_PUBLIC_URL or a link domain."
    )
