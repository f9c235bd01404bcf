"""robots.txt: asked for once per host and day, kept in Postgres, obeyed to the letter of RFC 9309.

404 and its like allow everything. A robots.txt that cannot be had (5xx, no answer) forbids everything, and is asked
for again by the next run. Stricter than the RFC: 401, 403 and 429 forbid everything too, because a site that keeps
its rules from us has said no. The parser is protego: the standard library's knows neither wildcards nor which of two
matching rules wins.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

import httpx
from protego import Protego
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.tables import crawl_robots
from leadflow_pipelines.errors import Transient
from leadflow_pipelines.providers.retry import RetryPolicy

MOST_BYTES = 512 * 1024
"""RFC 9309 asks crawlers to read at least 500 KiB; what lies beyond is cut off."""
MOST_REDIRECTS = 5
REFUSED = (401, 403, 429)


@dataclass(frozen=True)
class Robots:
    """The rules of one site for one product name."""

    product: str
    status: int
    body: str

    def allows(self, url: str) -> bool:
        """Whether the site lets us ask for this address."""
        return self.status not in REFUSED and Protego.parse(self.body).can_fetch(url, self.product)

    @property
    def delay_seconds(self) -> float:
        """The longest pause the site asks for, by Crawl-delay or Request-rate; 0 where it asks for none."""
        rules = Protego.parse(self.body)
        rate = rules.request_rate(self.product)
        return max(rules.crawl_delay(self.product) or 0.0, rate.seconds / rate.requests if rate else 0.0)


def read_robots(
    database: Database,
    org_id: uuid.UUID,
    site: str,
    *,
    product: str,
    user_agent: str,
    day: dt.date,
    now: dt.datetime,
    retry_policy: RetryPolicy,
    timeout_seconds: float,
) -> Robots:
    """The site's rules of that day, from Postgres or, the first time, from the site.

    Raises Transient where the site does not give them: then nothing of it may be asked for.
    """
    known = crawl_robots.c
    with database.as_org(org_id) as connection:
        row = connection.execute(
            select(known.http_status, known.body).where(known.org_id == org_id, known.host == site, known.day == day)
        ).one_or_none()
    if row is not None:
        return Robots(product, row.http_status, row.body)
    answer = retry_policy.retrying()(lambda: _ask(site, user_agent, timeout_seconds))
    body = answer.content[:MOST_BYTES].decode("utf-8", "replace").replace("\0", "") if answer.is_success else ""
    with database.as_org(org_id) as connection:
        connection.execute(
            insert(crawl_robots)
            .values(org_id=org_id, host=site, day=day, http_status=answer.status_code, body=body, fetched_at=now)
            .on_conflict_do_nothing()
        )
    return Robots(product, answer.status_code, body)


def _ask(site: str, user_agent: str, timeout_seconds: float) -> httpx.Response:
    remedy = "A site whose robots.txt cannot be had is not crawled. Try again later."
    try:
        with httpx.Client(
            follow_redirects=True, max_redirects=MOST_REDIRECTS, headers={"user-agent": user_agent}
        ) as client:
            answer = client.get(f"{site}/robots.txt", timeout=timeout_seconds)
    except httpx.TooManyRedirects:
        return httpx.Response(404)  # RFC 9309, 2.3.1.2: after five hops it counts as unavailable
    except httpx.HTTPError as error:
        message = f"{site}/robots.txt gave no answer ({type(error).__name__})"
        raise Transient(message, provider="crawl", remedy=remedy, may_be_billed=False) from error
    if answer.status_code >= 500:
        message = f"{site}/robots.txt answered HTTP {answer.status_code}"
        raise Transient(message, provider="crawl", remedy=remedy, may_be_billed=False)
    return answer
