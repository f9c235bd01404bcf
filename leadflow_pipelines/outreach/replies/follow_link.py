"""A tracked link that somebody follows: where it leads, and whether it was a person.

The target comes from the text that the message was made of, never from the address. Not here: HTTP (`gateway`).
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, select

from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import campaign_steps, link_clicks, messages, templates
from leadflow_pipelines.outreach.campaigns.merge_fields import links_of
from leadflow_pipelines.outreach.campaigns.tracked_links import Tracked, read_token

AUTOMATA = re.compile(
    r"bot\b|bot/|bot-|crawl|spider|preview|facebookexternalhit|facebot|whatsapp|telegram|slack|discord|skype|"
    r"linkedin|pinterest|embedly|vkshare|viber|snapchat|google-(?:safety|read-aloud|inspectiontool)|googleimageproxy|"
    r"proofpoint|mimecast|barracuda|safelinks|urldefense|trend micro|virustotal|zscaler|scanner|headless|phantomjs|"
    r"curl/|wget/|python|go-http-client|java/|okhttp|libwww|httpclient|axios|node-fetch|postman|cfnetwork",
    re.IGNORECASE,
)
"""Programs that fetch links before or instead of people: messengers' previews, mail gateways, search engines, tools.
Apple's Messages asks with facebookexternalhit and Twitterbot in its name. A list of names is never complete: hence the
other signs in `is_person`."""
PREFETCH_HEADERS = ("purpose", "sec-purpose", "x-purpose", "x-moz")
PREFETCH = re.compile("prefetch|prerender|preview", re.IGNORECASE)
TOO_SOON = dt.timedelta(seconds=2)
"""Nobody reads a text and follows its link so fast; scanners on the way do."""


@dataclass(frozen=True)
class Visit:
    """One request for a link; names of headers in lower case."""

    method: str
    headers: Mapping[str, str]


def follow_link(
    connection: Connection, org: Org, token: str, visit: Visit, *, keys: HashKeys, now: dt.datetime
) -> str | None:
    """The target of a link, with the click noted; None where we signed no such link or it is not of this org.

    HEAD asks where a link leads without following it: nothing is noted then.
    """
    tracked = read_token("link", token, keys)
    if tracked is None:
        return None
    found = _message(connection, org, tracked)
    target = _target(found["body"], tracked.number) if found else None
    if found is None or target is None or visit.method == "HEAD":
        return target
    connection.execute(
        insert(link_clicks).values(
            org_id=org.org_id, message_id=tracked.message_id, link=tracked.number, clicked_at=now,
            is_counted=is_person(visit, since_sent=now - (found["accepted_at"] or found["attempted_at"] or now)),
        )
    )  # fmt: skip
    return target


def is_person(visit: Visit, *, since_sent: dt.timedelta) -> bool:
    """Whether a click counts: a browser's, not a preview's, a prefetch's or a scanner's."""
    agent = visit.headers.get("user-agent", "")
    if visit.method != "GET" or not agent or AUTOMATA.search(agent):
        return False
    if any(PREFETCH.search(visit.headers.get(name, "")) for name in PREFETCH_HEADERS):
        return False
    return since_sent >= TOO_SOON


def _message(connection: Connection, org: Org, tracked: Tracked) -> RowMapping | None:
    """The message and the text of the template version that it was made of."""
    table, steps, texts = messages.c, campaign_steps.c, templates.c
    joined = messages.join(
        campaign_steps,
        (steps.org_id == table.org_id) & (steps.campaign_id == table.campaign_id) & (steps.step == table.step),
    ).join(
        templates,
        (texts.org_id == steps.org_id)
        & (texts.name == steps.template_name)
        & (texts.version == steps.template_version),
    )
    chosen = (
        select(table.accepted_at, table.attempted_at, texts.body)
        .select_from(joined)
        .where(table.org_id == org.org_id, table.message_id == tracked.message_id)
    )
    return connection.execute(chosen).mappings().first()


def _target(body: str, number: int) -> str | None:
    targets = links_of(body)
    return targets[number - 1] if 1 <= number <= len(targets) else None
