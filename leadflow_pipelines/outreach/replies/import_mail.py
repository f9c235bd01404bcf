"""What came to the org's mailbox: replies, bounces and complaints from saved mails, each taken once.

A reply belongs to the message that it names (In-Reply-To, References), else to the newest e-mail that its writer got.
Mail of whoever got none is not looked at further: it is somebody's own. Not here: reading files (`mail_files`), what a
person wrote of it (`own_words`), what follows from a reply (`receive_reply`).
"""

import datetime as dt
import hashlib
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from sqlalchemy import RowMapping, select

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.profile import read_profile
from leadflow_pipelines.compliance.contact_hash import HashKeys, all_hashes
from leadflow_pipelines.compliance.instants import aware
from leadflow_pipelines.compliance.read_reply import read_reply
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import messages
from leadflow_pipelines.outreach.by_hand.returned import (
    UUID_TEXT,
    Fault,
    Imported,
    Return,
    is_bounce,
    original_id,
    read_bounce,
    take_bounces,
)
from leadflow_pipelines.outreach.messengers.messenger import Reply
from leadflow_pipelines.outreach.messengers.smtp import ADDRESS
from leadflow_pipelines.outreach.replies.mail_files import MailFile
from leadflow_pipelines.outreach.replies.own_words import header_text, own_words
from leadflow_pipelines.outreach.replies.receive_reply import Received, receive_reply
from leadflow_pipelines.outreach.replies.sequences import find_thread
from leadflow_pipelines.settings import Settings

CHANNEL = "email"
UTC_OF_NOWHERE = re.compile(r"\s-0000\b")
COMPLAINT = "message/feedback-report"
MOST_REFERENCES = 20


@dataclass
class MailTally:
    """What the mails were. `known`: replies taken before. `strangers`: mails of whoever got none of ours, `automatic`:
    answers of machines, `own`: what the org wrote itself; these three are not kept. `suppressed` and `needs_person`
    count among new replies and complaints.
    """

    mails: int = 0
    replies: int = 0
    known: int = 0
    suppressed: int = 0
    needs_person: int = 0
    complaints: int = 0
    automatic: int = 0
    strangers: int = 0
    own: int = 0
    bounces: Imported = field(default_factory=lambda: Imported(0, 0, 0, ()))
    faults: tuple[Fault, ...] = ()

    def plain(self) -> dict[str, object]:
        """As JSON; faults and bounces as lists and counts."""
        told = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("bounces", "faults")}
        bounces = {"returned": self.bounces.returned, "known": self.bounces.known, "passing": self.bounces.passing}
        return {**told, "bounces": bounces, "faults": [vars(one) for one in (*self.faults, *self.bounces.faults)]}


def import_mail(
    database: Database, org: Org, mails: Iterable[MailFile], *, actor: str, now: dt.datetime, keys: HashKeys,
    settings: Settings,
) -> MailTally:  # fmt: skip
    """Takes every reply, bounce and complaint among the mails, in a transaction each; again does no harm.

    Raises InvalidInput for an actor who is no member, and what `receive_reply` raises.
    """
    with database.as_org(org.org_id) as connection:
        require_member(connection, actor)
        own_address = (read_profile(connection, org).from_email or "").lower()
    reader = _MailReader(database, org, own_address, now, keys, settings)
    for one in mails:
        reader.take(one)
    if reader.bounced:
        with database.as_org(org.org_id) as connection:
            reader.tally.bounces = take_bounces(connection, org, reader.bounced, now=now, keys=keys)
    reader.tally.faults = tuple(reader.faults)
    return reader.tally


class _MailReader:
    """Takes one mail after the other, and counts."""

    def __init__(
        self, database: Database, org: Org, own_address: str, now: dt.datetime, keys: HashKeys, settings: Settings
    ) -> None:
        self._database, self._org, self._own = database, org, own_address
        self._now, self._keys, self._settings = now, keys, settings
        self.tally, self.faults, self.bounced = MailTally(), list[Fault](), list[Return]()

    def take(self, one: MailFile) -> None:
        """Counts a mail and does what it asks for."""
        self.tally.mails += 1
        if one.mail is None:
            self.faults.append(Fault(one.file, one.number, one.fault or ""))
        elif is_bounce(one.mail):
            read = read_bounce(one.mail, one.file, one.number)
            (self.bounced if isinstance(read, Return) else self.faults).append(read)  # type: ignore[arg-type]
        elif any(part.get_content_type() == COMPLAINT for part in one.mail.walk()):
            self._complaint(one)
        else:
            self._reply(one.mail)

    def _complaint(self, one: MailFile) -> None:
        """Somebody pressed "this is spam" (RFC 5965): whoever got the mail is not written to again."""
        assert one.mail is not None
        answered = self._named(original_id(one.mail))
        if answered is None or answered["contact_value"] is None:
            self.faults.append(Fault(one.file, one.number, "It complains of no e-mail of this org's that is known."))
            return
        told = f"complaint:{answered['message_id']}"
        self.tally.complaints += 1
        self._receive(Reply(told, answered["contact_value"], self._own or CHANNEL, "", self._now, "STOP"), answered)

    def _reply(self, mail: Message) -> None:
        writer = parseaddr(header_text(mail, "From"))[1].lower()
        answered = self._named(header_text(mail, "In-Reply-To"), header_text(mail, "References"))
        if not ADDRESS.fullmatch(writer) or writer == self._own:
            self.tally.own += writer == self._own
            self.tally.strangers += writer != self._own
            return
        if answered is None and not self._got_one(writer):
            self.tally.strangers += 1
            return
        words = own_words(mail)
        reading = read_reply(words)
        if is_automatic(mail) and not reading.suppresses:
            self.tally.automatic += 1
            return
        to = parseaddr(header_text(mail, "To"))[1] or self._own or CHANNEL
        person = (answered["contact_value"] if answered else None) or writer
        reply = Reply(_identity(mail, writer), person, to, words, written_at(mail, self._now))
        self._receive(reply, answered)
        if reading.suppresses and person != writer:
            # They answered from another mailbox: neither is written to again.
            self._receive(Reply(f"{reply.provider_id}:from", writer, to, words, reply.received_at), answered)

    def _receive(self, reply: Reply, answered: RowMapping | None) -> None:
        received: Received = receive_reply(
            self._database, self._org, reply, channel=CHANNEL, now=self._now, keys=self._keys,
            settings=self._settings, answers=answered["message_id"] if answered else None,
        )  # fmt: skip
        if not received.is_new:
            self.tally.known += 1
            return
        self.tally.replies += reply.opt_out_type is None
        self.tally.suppressed += received.suppressed
        self.tally.needs_person += received.needs_person

    def _named(self, *headers: str) -> RowMapping | None:
        """The e-mail of this org that a header names; the last one named where there are several."""
        named = [uuid.UUID(found) for header in headers for found in reversed(UUID_TEXT.findall(header))]
        table = messages.c
        chosen = select(table.message_id, table.contact_value).where(
            table.org_id == self._org.org_id, table.channel == CHANNEL,
            table.message_id.in_(named[:MOST_REFERENCES]),
        )  # fmt: skip
        with self._database.as_org(self._org.org_id) as connection:
            rows = {row["message_id"]: row for row in connection.execute(chosen).mappings()} if named else {}
        return next((rows[one] for one in named if one in rows), None)

    def _got_one(self, writer: str) -> bool:
        with self._database.as_org(self._org.org_id) as connection:
            hashes: Sequence[str] = all_hashes("email", writer, self._keys)
            return find_thread(connection, self._org.org_id, hashes, CHANNEL) is not None


def is_automatic(mail: Message) -> bool:
    """Whether a machine answered for a person who may not have read anything (RFC 3834)."""
    told = header_text(mail, "Auto-Submitted").lower()
    return (told not in ("", "no")) or "X-Autoreply" in mail or header_text(mail, "Precedence").lower() == "auto_reply"


def _identity(mail: Message, writer: str) -> str:
    """The same for every copy of a mail: its Message-ID with who wrote it; without one, its words."""
    named = header_text(mail, "Message-ID") or f"{header_text(mail, 'Date')}\n{own_words(mail)}"
    digest = hashlib.sha256(f"{writer}\n{named}".encode(errors="replace")).hexdigest()
    return f"email:{digest[:40]}"


def written_at(mail: Message, now: dt.datetime) -> dt.datetime:
    """The Date it bears, as far as that can be: not later than now, and now where it names no moment.

    -0000 is UTC (RFC 5322 3.3); without an offset it could be half a day earlier than the withdrawal it bears.
    """
    told = header_text(mail, "Date")
    try:
        written = parsedate_to_datetime(told)
        if UTC_OF_NOWHERE.search(told):
            written = written.replace(tzinfo=dt.UTC)
        return min(aware(written), now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return now
