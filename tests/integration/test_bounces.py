"""E-mail from the outbox to a mail server, and what bounces: suppressed where nobody lives, else named."""

import datetime as dt
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import polars as pl
import pytest
from sqlalchemy import Connection, insert, select

from leadflow_pipelines.clearance.hash_keys import load_hash_keys
from leadflow_pipelines.compliance.contact_hash import HashKeys, with_contact_hash
from leadflow_pipelines.compliance.evidence import EVIDENCE_REQUIRED
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.database.orgs import Org, create_org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.by_hand.returned import Imported, import_bounces
from leadflow_pipelines.outreach.campaigns.audience import FIELD_COLUMNS
from leadflow_pipelines.outreach.dispatch.dispatcher import Dispatcher
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.settings import Settings
from tests.by_hand_people import NOON, fates, run
from tests.integration.test_smtp import Postmaster, serving

BODY = "{sender_name}, {postal_address}. About {street}. Stop: {unsubscribe_link}"


class Sender:
    """A simulated org that wrote an e-mail to each of some people."""

    def __init__(self, database: Database, settings: Settings, postmaster: Postmaster, *people: str) -> None:
        self.database, self.postmaster = database, postmaster
        self.org: Org = create_org(database, f"t{uuid4().hex[:12]}", is_simulated=True)
        self.keys = load_hash_keys(settings)
        with serving(postmaster) as port:
            known = settings.model_copy(
                update={"smtp_host": "127.0.0.1", "smtp_port": port, "public_url": "https://go.homes.example"}
            )
            with database.as_org(self.org.org_id) as connection:
                agree(connection, self.org, people, self.keys)
                run(
                    connection, self.org, mailboxes(*people), self.keys, channel="email", subject="About {street}",
                    body=BODY, from_email="offers@homes.example",
                )  # fmt: skip
            messengers = {"email": open_messenger("email", self.org, known)}
            with Dispatcher(database, self.org, messengers, known, lambda: NOON) as dispatcher:
                dispatcher.round()

    def ids(self) -> dict[str, UUID]:
        table = tables.messages.c
        with self.database.as_org(self.org.org_id) as connection:
            rows = connection.execute(select(table.contact_point_id, table.message_id)).all()
            return {row.contact_point_id: row.message_id for row in rows}

    def bounce(self, *files: Path) -> Imported:
        with self.database.as_org(self.org.org_id) as connection:
            return import_bounces(connection, self.org, files, actor="ada", now=NOON, keys=self.keys)

    def suppressed(self) -> list[tuple[str, str]]:
        table = tables.suppressions.c
        with self.database.as_org(self.org.org_id) as connection:
            rows = connection.execute(select(table.contact_value, table.origin).order_by(table.contact_value)).all()
            return [(row.contact_value, row.origin) for row in rows]


def agree(connection: Connection, org: Org, people: Sequence[str], keys: HashKeys) -> None:
    frame = pl.DataFrame({"contact_value": [f"{one}@people.example" for one in people]})
    hashed = with_contact_hash(frame.with_columns(kind=pl.lit("email")), keys)
    given = {
        "channel": "email", "purpose": "marketing", "kind": "express_written", "given_to": "Example Homes",
        "wording": "I agree to e-mails from Example Homes.", "source": "form", "recorded_by": "ada",
        "org_id": org.org_id, "captured_at": NOON - dt.timedelta(days=5), "recorded_at": NOON - dt.timedelta(days=5),
    }  # fmt: skip
    rows = [{"consent_id": uuid4(), **row, **given} for row in hashed.iter_rows(named=True)]
    connection.execute(insert(tables.consents), rows)


def mailboxes(*people: str) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"contact_value": [f"{one}@people.example" for one in people], "contact_point_id": list(people)}
    )
    known = frame.with_columns(
        kind=pl.lit("email"), email="contact_value", property_id="contact_point_id", street=pl.lit("1 Example St")
    )
    wanted = {**dict.fromkeys(FIELD_COLUMNS, pl.String), **EVIDENCE_REQUIRED}
    return known.with_columns(pl.lit(None, kind).alias(name) for name, kind in wanted.items() if name not in known)


def notification(message_id: UUID, status: str, path: Path, *, whole: bool) -> Path:
    """A delivery status notification as mail servers write them (RFC 3464)."""
    original = f"From: offers@homes.example\r\nMessage-ID: <{message_id}@homes.example>\r\nSubject: x\r\n\r\n"
    kind = "message/rfc822" if whole else "text/rfc822-headers"
    path.write_text(
        "From: MAILER-DAEMON@people.example\r\nSubject: Undelivered\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.people.example\r\n\r\n"
        f"Final-Recipient: rfc822; x@people.example\r\nAction: failed\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: {kind}\r\n\r\n{original}\r\n--b--\r\n",
        newline="",
    )
    return path


def test_an_email_goes_from_the_outbox_with_its_way_out(database: Database, settings: Settings) -> None:
    postmaster = Postmaster()
    sender = Sender(database, settings, postmaster, "ana")
    (mail,) = postmaster.mails()
    assert isinstance(mail, EmailMessage)
    link = str(mail["List-Unsubscribe"]).strip("<>")
    assert link.startswith("https://go.homes.example/u/")
    assert link in mail.get_content()
    assert mail["From"] == "Example Homes <offers@homes.example>"
    assert str(sender.ids()["ana"]) in str(mail["Message-ID"])
    assert fates(database, sender.org) == {"ana": ("accepted", None)}


def test_nobody_writes_again_to_a_mailbox_that_does_not_exist(database: Database, settings: Settings) -> None:
    sender = Sender(database, settings, Postmaster({"RCPT": "550 5.1.1 no such user"}), "ana")
    assert fates(database, sender.org) == {"ana": ("failed", "5.1.1")}
    assert sender.suppressed() == [("ana@people.example", "bounce")]


def test_a_lost_answer_is_unknown_and_never_sent_again(database: Database, settings: Settings) -> None:
    sender = Sender(database, settings, postmaster := Postmaster(hangs_up_at="DATA"), "ana")
    assert (fates(database, sender.org), len(postmaster.taken)) == ({"ana": ("unknown", "connection_lost")}, 1)


def test_bounces_are_read_from_tables_and_from_messages(database: Database, settings: Settings, tmp_path: Path) -> None:
    sender = Sender(database, settings, Postmaster(), "ana", "ben", "cat", "dan", "eve")
    ids = sender.ids()
    table = tmp_path / "bounces.csv"
    table.write_text(
        f"reference,status\n{ids['ana']},5.1.1\n<{ids['ben']}@homes.example>,550 5.7.1 policy\n{ids['cat']},4.2.2\n"
        f"{uuid4()},5.1.1\n{ids['cat']},gone\n"
    )
    dan = notification(ids["dan"], "5.1.1", tmp_path / "dan.eml", whole=True)
    eve = notification(ids["eve"], "5.2.1", tmp_path / "eve.eml", whole=False)
    other = tmp_path / "other.eml"
    other.write_text("Subject: hello\n\nno bounce")
    told = sender.bounce(table, dan, eve, other)
    assert (told.returned, told.passing, told.known) == (4, 1, 0)
    assert [(fault.file, fault.row) for fault in told.faults] == [
        ("bounces.csv", 4), ("bounces.csv", 5), ("other.eml", 0),
    ]  # fmt: skip
    assert fates(database, sender.org) == {
        "ana": ("failed", "5.1.1"), "ben": ("failed", "5.7.1"), "cat": ("accepted", None), "dan": ("failed", "5.1.1"),
        "eve": ("failed", "5.2.1"),
    }  # fmt: skip
    assert [value for value, _ in sender.suppressed()] == [f"{one}@people.example" for one in ("ana", "dan", "eve")]
    assert sender.bounce(table, dan).known == 3


def test_a_table_without_its_columns_is_refused(
    database: Database, org: Org, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "bounces.csv"
    file.write_text("id\n1\n")
    with database.as_org(org.org_id) as connection, pytest.raises(InvalidInput, match="lacks the column reference"):
        import_bounces(connection, org, [file], actor="ada", now=dt.datetime.now(dt.UTC), keys=load_hash_keys(settings))
