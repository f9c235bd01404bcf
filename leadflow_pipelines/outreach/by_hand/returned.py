"""What comes back: letters that the post returns, e-mails that bounce. Each good row counts, each other one is named.

An address that does not exist is suppressed, so that nobody writes there again. Not here: what people reply
(`replies`).
"""

import csv
import datetime as dt
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from sqlalchemy import Connection, RowMapping, select, update

from leadflow_pipelines.clearance.members import require_member
from leadflow_pipelines.clearance.proof import ProofEntry, append_proof
from leadflow_pipelines.clearance.suppressions import Suppression, suppress
from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.database.tables import messages
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.dispatch.claim import settle_unsent
from leadflow_pipelines.outreach.messengers.smtp import NO_SUCH_RECIPIENT

REFERENCE = "reference"
CAME_BACK = ("accepted", "delivered", "unknown", "sending")
"""States of a message that has, or may have, gone out."""
UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
AT_ONCE = 1_000
DELIVERY_STATUS = "message/delivery-status"
MOST_BYTES = 1_000_000
"""Read of a bounce: it is short, and the mail it brings back stands at its end."""


@dataclass(frozen=True)
class Return:
    """One thing that came back. `reference`: as the file has it; `code`: what the message notes."""

    file: str
    row: int
    reference: str
    code: str
    is_permanent: bool = True


@dataclass(frozen=True)
class Fault:
    """A row that was left out. `row`: lines of data from 1; 0 for a file as a whole."""

    file: str
    row: int
    message: str


@dataclass(frozen=True)
class Imported:
    """returned: messages that failed with it. known: those that had before. passing: delays, which change nothing."""

    returned: int
    known: int
    passing: int
    faults: tuple[Fault, ...]


def import_returned(
    connection: Connection, org: Org, path: Path, *, actor: str, now: dt.datetime, keys: HashKeys
) -> Imported:
    """Letters that came back: a CSV file with the column `reference`, as it stands on the letter.

    Raises InvalidInput where the file cannot be read as such.
    """
    require_member(connection, actor)
    rows = [Return(path.name, number, row[REFERENCE], "returned") for number, row in _csv_rows(path, (REFERENCE,))]
    return _import(connection, org, rows, [], channel="mail", origin="returned_mail", now=now, keys=keys)


def import_bounces(
    connection: Connection, org: Org, paths: Sequence[Path], *, actor: str, now: dt.datetime, keys: HashKeys
) -> Imported:
    """E-mails that bounced: CSV files with the columns `reference` and `status` (5.1.1, …), or bounces as files.

    A reference is the id of the message or its Message-ID. Status 4 is a delay and changes nothing; only an address
    that does not exist is suppressed. Raises InvalidInput where a CSV file cannot be read as such.
    """
    require_member(connection, actor)
    rows: list[Return] = []
    faults: list[Fault] = []
    for path in paths:
        if path.suffix.lower() == ".csv":
            for number, row in _csv_rows(path, (REFERENCE, "status")):
                found = STATUS.search(row["status"])
                if found is None:
                    faults.append(Fault(path.name, number, f"{row['status']!r} is no status like 5.1.1."))
                else:
                    rows.append(Return(path.name, number, row[REFERENCE], found[0], found[1] == "5"))
        else:
            try:
                report = message_from_bytes(path.read_bytes()[:MOST_BYTES])
            except OSError as error:
                raise InvalidInput(f"{path} cannot be read: {error}.") from error
            read = read_bounce(report, path.name, 0)
            (rows if isinstance(read, Return) else faults).append(read)  # type: ignore[arg-type]
    return _import(connection, org, rows, faults, channel="email", origin="bounce", now=now, keys=keys)


def take_bounces(
    connection: Connection, org: Org, bounced: Sequence[Return], *, now: dt.datetime, keys: HashKeys
) -> Imported:
    """What `import_bounces` does, with bounces that were read already."""
    return _import(connection, org, bounced, [], channel="email", origin="bounce", now=now, keys=keys)


def _import(
    connection: Connection, org: Org, rows: Sequence[Return], faults: list[Fault], *, channel: str, origin: str,
    now: dt.datetime, keys: HashKeys,
) -> Imported:  # fmt: skip
    named = {row: found[0].lower() for row in rows if (found := UUID_TEXT.search(row.reference))}
    known_messages = _messages(connection, org, sorted(set(named.values())), channel)
    returned: dict[str, tuple[RowMapping, str]] = {}
    known = passing = 0
    for row in rows:
        message_id = named.get(row)
        message = known_messages.get(message_id) if message_id else None
        if message is None:
            what = "letter" if channel == "mail" else "e-mail"
            faults.append(Fault(row.file, row.row, f"{row.reference!r} is the reference of no {what} of this org."))
        elif message_id in returned or message["state"] == "failed":
            known += 1
        elif message["state"] not in CAME_BACK:
            faults.append(Fault(row.file, row.row, f"{message_id} never went out: it is {message['state']}."))
        elif not row.is_permanent:
            passing += 1
        else:
            returned[str(message_id)] = (message, row.code)
    _settle(connection, org, list(returned.values()), origin=origin, now=now, keys=keys)
    ordered = sorted(faults, key=lambda fault: (fault.file, fault.row))
    return Imported(len(returned), known, passing, tuple(ordered))


def _messages(
    connection: Connection, org: Org, message_ids: Sequence[str], channel: str
) -> dict[str, RowMapping]:  # fmt: skip
    table = messages.c
    found: dict[str, RowMapping] = {}
    for start in range(0, len(message_ids), AT_ONCE):
        chosen = select(table.message_id, table.state, table.contact_hash, table.contact_value).where(
            table.org_id == org.org_id,
            table.channel == channel,
            table.message_id.in_([uuid.UUID(one) for one in message_ids[start : start + AT_ONCE]]),
        )
        rows = connection.execute(chosen.with_for_update()).mappings()
        found |= {str(row["message_id"]): row for row in rows}
    return found


def _settle(
    connection: Connection, org: Org, came_back: Sequence[tuple[RowMapping, str]], *, origin: str, now: dt.datetime,
    keys: HashKeys,
) -> None:  # fmt: skip
    """Fails the messages, suppresses addresses that do not exist, and cancels what would still go there."""
    table = messages.c
    for code in sorted({code for _, code in came_back}):
        connection.execute(
            update(messages)
            .where(table.message_id.in_([row["message_id"] for row, one in came_back if one == code]))
            .values(state="failed", settled_at=now, error_code=code, claimed_by=None, claimed_until=None)
        )
    kind, reason = ("mailing", "The letter came back.") if origin == "returned_mail" else ("email", "Mail bounced.")
    wishes = [
        Suppression(kind, row["contact_value"], origin, reason, f"message {row['message_id']}")
        for row, code in came_back
        if row["contact_value"] and (origin == "returned_mail" or code in NO_SUCH_RECIPIENT)
    ]
    suppress(connection, org.org_id, wishes, keys, now=now)
    append_proof(
        connection,
        org.org_id,
        [
            ProofEntry(
                uuid.uuid4(), "message", row["contact_hash"], now,
                {"message_id": str(row["message_id"]), "state": "failed", "error_code": code},
            )
            for row, code in came_back
        ],
    )  # fmt: skip
    settle_unsent(connection, org.org_id, now=now)


def _csv_rows(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            missing = [name for name in columns if name not in reader.fieldnames]
            if missing:
                raise InvalidInput(
                    f"{path.name} lacks the column {', '.join(missing)}.",
                    remedy=f"Give a CSV file whose first line names {', '.join(columns)}.",
                )
            rows = enumerate(reader, start=1)
            return [(number, {name: (row[name] or "").strip().lstrip("'") for name in columns}) for number, row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy="Give a CSV file in UTF-8.") from error


def is_bounce(mail: Message) -> bool:
    """Whether it is a delivery status notification (RFC 3464)."""
    return any(part.get_content_type() == DELIVERY_STATUS for part in mail.walk())


def read_bounce(report: Message, file: str, row: int) -> Return | Fault:
    """What a delivery status notification says: the status, and the Message-ID of what came back."""
    parts = {part.get_content_type(): part for part in report.walk()}
    if DELIVERY_STATUS not in parts:
        return Fault(file, row, "It is no bounce message: it has no delivery status.")
    told = parts[DELIVERY_STATUS].get_payload()
    fields = [part for part in told if isinstance(part, Message)] if isinstance(told, list) else []
    status = next((found[0] for part in fields if (found := STATUS.search(str(part.get("Status", ""))))), None)
    reference = UUID_TEXT.search(original_id(report))
    if status is None or reference is None:
        return Fault(file, row, "It names no status, or no message of LeadFlow's.")
    return Return(file, row, reference[0], status, is_permanent=status.startswith("5"))


def original_id(report: Message) -> str:
    """The Message-ID of the mail that a report is about, from the mail itself or from its headers as text; or blank."""
    parts = {part.get_content_type(): part for part in report.walk()}
    original = parts.get("message/rfc822") or parts.get("text/rfc822-headers")
    if original is None:
        return ""
    inner = original.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return str(inner[0].get("Message-ID", ""))
    found = re.search(r"^Message-ID:\s*(<[^>]*>)", str(inner), re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""
