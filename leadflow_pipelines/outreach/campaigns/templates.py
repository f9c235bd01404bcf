"""Templates: texts with merge fields, kept by version. A version never changes; saving another text makes the next."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from leadflow_pipelines.database.tables import templates
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.campaigns.merge_fields import faults_in


@dataclass(frozen=True)
class Template:
    """One version of a text."""

    name: str
    version: int
    channel: str
    subject: str | None
    body: str
    created_by: str
    created_at: dt.datetime


def save_template(
    connection: Connection,
    org_id: uuid.UUID,
    *,
    name: str,
    channel: str,
    subject: str | None,
    body: str,
    actor: str,
    now: dt.datetime,
) -> Template:
    """Keeps the text as the template's next version; the newest is returned as it is where it says the same.

    Raises InvalidInput naming everything that is wrong with the text, or where the name has another channel.
    """
    if faults := faults_in(channel, subject, body):
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise InvalidInput(f"The template {name} cannot be used:\n{listed}")
    table = templates
    last = select(func.max(table.c.version)).where(table.c.org_id == org_id, table.c.name == name)
    newest = connection.execute(last).scalar()
    if newest is not None:
        before = load_template(connection, org_id, name, newest)
        if before.channel != channel:
            raise InvalidInput(f"The template {name} is for {before.channel}.", remedy="Give this one another name.")
        if (before.subject, before.body) == (subject, body):
            return before
    template = Template(name, (newest or 0) + 1, channel, subject, body, actor, now)
    connection.execute(insert(table).values(org_id=org_id, **vars(template)))
    return template


def load_template(connection: Connection, org_id: uuid.UUID, name: str, version: int | None = None) -> Template:
    """A version of a template, the newest without one. Raises InvalidInput where it is not there."""
    table = templates
    chosen = select(*(table.c[field] for field in Template.__dataclass_fields__)).where(
        table.c.org_id == org_id, table.c.name == name
    )
    if version is not None:
        chosen = chosen.where(table.c.version == version)
    row = connection.execute(chosen.order_by(table.c.version.desc()).limit(1)).mappings().first()
    if row is None:
        known = f"{name}, version {version}" if version else name
        raise InvalidInput(f"There is no template {known}.", remedy="See `leadflow campaign templates`.")
    return Template(**row)


def list_templates(connection: Connection, org_id: uuid.UUID) -> list[Template]:
    """The newest version of each template, by name."""
    table = templates
    columns = [table.c[field] for field in Template.__dataclass_fields__]
    newest = (
        select(*columns)
        .where(table.c.org_id == org_id)
        .ext(distinct_on(table.c.name))
        .order_by(table.c.name, table.c.version.desc())
    )
    return [Template(**row) for row in connection.execute(newest).mappings()]
