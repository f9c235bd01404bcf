"""Letters: the due messages by mail of a campaign, decided anew and printed as one batch, each once.

First the letters are committed as `sending` under the batch's name, then its files are written whole, and only then do
they count as accepted. Whoever dies in between runs the command again: it prints that batch again, the same letters in
the same files, and takes no new ones. Not here: what the files look like (`letter_files`), mail that comes back
(`returned`).
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from leadflow_pipelines.clearance.evidence import gather_evidence
from leadflow_pipelines.clearance.head_anchor import publish_head
from leadflow_pipelines.clearance.profile import read_profile
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.compliance import decide_contacts
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import campaign_audience, messages
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.by_hand.letter_files import Letter, LetterFiles, write_letters
from leadflow_pipelines.outreach.by_hand.take import claim_these, commit_claimed, due_messages, running_campaign
from leadflow_pipelines.outreach.campaigns.audience import evidence_frame
from leadflow_pipelines.outreach.campaigns.campaigns import Campaign
from leadflow_pipelines.outreach.campaigns.templates import load_template
from leadflow_pipelines.outreach.dispatch.outgoing import AFTER_HEADING
from leadflow_pipelines.settings import Settings

AT_ONCE = 1_000
"""Letters decided in one transaction."""
HOLD = dt.timedelta(days=1)
"""So long may a batch that was interrupted be printed again; then its letters count as unknown."""
PREFIX = "letters-"
MAIL = "mail"


@dataclass(frozen=True)
class PrintedBatch:
    """What became of the letters that were due. files: None where there was none to print.

    is_again: an interrupted batch was finished, and letters that are due besides wait for the next run. left_out: of
    that batch, letters that may not go any more.
    """

    batch: str | None
    files: LetterFiles | None
    is_again: bool = False
    left_out: int = 0
    blocked: int = 0
    postponed: int = 0


def print_letters(
    database: Database,
    org: Org,
    name: str,
    out: Path,
    *,
    settings: Settings,
    clock: Callable[[], dt.datetime],
    actor: str,
    most: int | None = None,
) -> PrintedBatch:
    """Prints the letters of a running campaign that are due, at most `most`, into files below `out`.

    Raises InvalidInput where the campaign does not run, has no letters, another prints it, or the org no address.
    """
    campaign = running_campaign(database, org, name, channel=MAIL, actor=actor, settings=settings, now=clock())
    with _sole_printer(database, org, campaign):
        open_batch = _open_batch(database, org, campaign)
        if open_batch is not None:
            left_out = _left_out(database, org, campaign, open_batch, settings=settings, now=clock())
            batch = PrintedBatch(open_batch, None, is_again=True, left_out=left_out)
        else:
            batch = _take(database, org, campaign, settings=settings, clock=clock, most=most)
        publish_head(database, org, settings, now=clock())
        return _printed(database, org, campaign, batch, out, settings=settings, clock=clock, actor=actor)


def accept_batch(
    connection: Connection, org: Org, batch: str, files: LetterFiles, *, actor: str, now: dt.datetime
) -> int:
    """Notes that the letters of a printed batch are with whoever brings them to the post; returns how many."""
    table = messages.c
    accepted = connection.execute(
        update(messages)
        .where(table.org_id == org.org_id, table.state == "sending", table.claimed_by == batch)
        .values(state="accepted", accepted_at=now, provider_id=batch, claimed_by=None, claimed_until=None)
        .returning(table.message_id, table.contact_hash)
    ).all()
    entries = [
        ProofEntry(
            uuid.uuid4(), "message", row.contact_hash, now,
            {"message_id": str(row.message_id), "state": "accepted", "error_code": None, "batch": batch},
        )
        for row in accepted
    ]  # fmt: skip
    digests = {path.name: _digest(path) for path in (files.csv, *files.pdfs)}
    facts = {"act": "letters_printed", "batch": batch, "letters": files.letters, "by": actor, "sha256": digests}
    append_proof(connection, org.org_id, [*entries, ProofEntry(uuid.uuid4(), "message", None, now, facts)])
    return len(accepted)


@contextmanager
def _sole_printer(database: Database, org: Org, campaign: Campaign) -> Iterator[None]:
    """Two that print one campaign would put one person's letter into two files."""
    key = func.hashtextextended(f"letters:{campaign.campaign_id}", 0)
    with database.as_org(org.org_id) as connection:
        if not connection.execute(select(func.pg_try_advisory_xact_lock(key))).scalar_one():
            raise InvalidInput(
                f"The letters of {campaign.name} are being printed by another command.", remedy="Wait until it is done."
            )
        yield


def _open_batch(database: Database, org: Org, campaign: Campaign) -> str | None:
    """The batch whose letters were committed and whose files nobody has vouched for."""
    table = messages.c
    found = select(table.claimed_by).where(
        table.org_id == org.org_id, table.campaign_id == campaign.campaign_id, table.channel == MAIL,
        table.state == "sending",
    )  # fmt: skip
    with database.as_org(org.org_id) as connection:
        return connection.execute(found.order_by(table.claimed_by).limit(1)).scalar()


def _take(
    database: Database,
    org: Org,
    campaign: Campaign,
    *,
    settings: Settings,
    clock: Callable[[], dt.datetime],
    most: int | None,
) -> PrintedBatch:
    """Commits the letters that are due to a new batch."""
    batch = f"{PREFIX}{uuid.uuid4().hex[:12]}"
    with database.as_org(org.org_id) as connection:
        profile = read_profile(connection, org)
    if not profile.postal_address:
        raise InvalidInput(
            "The org has no postal address: nobody could write back.",
            remedy="Set it: `leadflow profile set --postal-address …`.",
        )
    taken = blocked = postponed = 0
    while most is None or taken < most:
        now = clock()
        wanted = AT_ONCE if most is None else min(AT_ONCE, most - taken)
        with database.as_org(org.org_id) as connection:
            due = due_messages(connection, org.org_id, campaign.campaign_id, channel=MAIL, most=wanted, now=now)
            claimed = claim_these(connection, org.org_id, list(due), by=batch, now=now)
        decided = commit_claimed(
            database, org, campaign.campaign_id, claimed, channel=MAIL, by=batch, profile=profile, settings=settings,
            now=now, until=now + HOLD,
        )  # fmt: skip
        moved = len(decided.ready) + decided.blocked + decided.postponed
        if not moved:
            break
        taken, blocked, postponed = taken + len(decided.ready), blocked + decided.blocked, postponed + decided.postponed
    return PrintedBatch(batch if taken else None, None, blocked=blocked, postponed=postponed)


def _left_out(
    database: Database, org: Org, campaign: Campaign, batch: str, *, settings: Settings, now: dt.datetime
) -> int:
    """Takes out of an interrupted batch who may not be written to any more; returns how many.

    Their letters may lie in files already, so they are unknown, not cancelled.
    """
    table = messages.c
    count = 0
    with database.as_org(org.org_id) as connection:
        rows = connection.execute(_letters_of(org, batch)).all()
        for start in range(0, len(rows), AT_ONCE):
            some = rows[start : start + AT_ONCE]
            barred = _barred(connection, org, campaign, some, settings=settings, now=now)
            connection.execute(
                update(messages)
                .where(table.message_id.in_([row.message_id for row in barred]))
                .values(state="unknown", error_code="left_out", claimed_by=None, claimed_until=None)
            )
            append_proof(
                connection,
                org.org_id,
                [
                    ProofEntry(
                        uuid.uuid4(), "message", row.contact_hash, now,
                        {"message_id": str(row.message_id), "state": "unknown", "error_code": "left_out",
                         "batch": batch},
                    )
                    for row in barred
                ],
            )  # fmt: skip
            count += len(barred)
    return count


def _barred(
    connection: Connection, org: Org, campaign: Campaign, rows: Sequence[Row[Any]], *,
    settings: Settings, now: dt.datetime,
) -> list[Row[Any]]:  # fmt: skip
    points = evidence_frame([row.evidence for row in rows])
    evidence = gather_evidence(connection, org, points, now=now, settings=settings)
    decided = decide_contacts(evidence.points, now=now, purpose=campaign.purpose, **evidence.asked)
    cleared = set(
        decided.filter(channel=MAIL, verdict="cleared").select("contact_point_id").to_series().to_list()
    )  # fmt: skip
    return [row for row in rows if row.contact_point_id not in cleared]


def _printed(
    database: Database,
    org: Org,
    campaign: Campaign,
    batch: PrintedBatch,
    out: Path,
    *,
    settings: Settings,
    clock: Callable[[], dt.datetime],
    actor: str,
) -> PrintedBatch:
    """Writes the batch's files; then, and only then, its letters are accepted."""
    if batch.batch is None:
        return batch
    with database.as_org(org.org_id) as connection:
        letters = _read_letters(connection, org, campaign, batch.batch)
        first = next(letters, None)
        if first is None:
            return PrintedBatch(None, None, is_again=batch.is_again, left_out=batch.left_out)
        files = write_letters(
            _with_first(first, letters), out, batch.batch, day_of=settings.zone, font=settings.letter_font
        )
    with database.as_org(org.org_id) as connection:
        accept_batch(connection, org, batch.batch, files, actor=actor, now=clock())
    return PrintedBatch(batch.batch, files, batch.is_again, batch.left_out, batch.blocked, batch.postponed)


def _with_first(first: Letter, others: Iterator[Letter]) -> Iterator[Letter]:
    yield first
    yield from others


def _letters_of(org: Org, batch: str) -> Select[tuple[Any, ...]]:
    table, audience = messages.c, campaign_audience.c
    place = audience.evidence["evidence"]["mailing_zip5"].astext
    return (
        select(
            table.message_id, table.step, table.contact_hash, table.contact_point_id, table.body, table.sender,
            table.attempted_at, audience.evidence,
        )
        .join(
            campaign_audience,
            (audience.org_id == table.org_id)
            & (audience.campaign_id == table.campaign_id)
            & (audience.contact_point_id == table.contact_point_id),
        )
        .where(table.org_id == org.org_id, table.claimed_by == batch, table.state == "sending")
        .order_by(place, table.message_id)
    )  # fmt: skip


def _read_letters(connection: Connection, org: Org, campaign: Campaign, batch: str) -> Iterator[Letter]:
    """The letters of a batch as they were committed, by ZIP, read as they are needed."""
    has_heading = {
        step.step: bool(load_template(connection, org.org_id, step.template_name, step.template_version).subject)
        for step in campaign.steps
        if step.channel == MAIL
    }
    rows = connection.execution_options(yield_per=AT_ONCE).execute(_letters_of(org, batch))
    for row in rows:
        point, fields = row.evidence["evidence"], row.evidence["fields"]
        heading, text = None, row.body
        if has_heading[row.step]:
            heading, _, text = row.body.partition(AFTER_HEADING)
        yield Letter(
            reference=str(row.message_id),
            name=fields["full_name"] or point["person_name"],
            street=point["mailing_street"],
            city=point["mailing_city"],
            state=point["mailing_state"],
            zip5=point["mailing_zip5"],
            sender=row.sender,
            heading=heading,
            text=text,
            written_at=row.attempted_at,
            fields=fields,
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
