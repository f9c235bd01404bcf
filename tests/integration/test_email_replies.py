"""Replies by e-mail: matched to the mail they answer, obeyed, once; bounces and complaints among them."""

import datetime as dt
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from leadflow_pipelines.clearance.suppressions import start_again
from leadflow_pipelines.cli.app import app
from leadflow_pipelines.database import tables
from leadflow_pipelines.database.connections import Database
from leadflow_pipelines.outreach.replies.import_mail import MailTally, import_mail
from leadflow_pipelines.outreach.replies.mail_files import read_mails
from leadflow_pipelines.settings import Settings
from tests.by_hand_people import NOON, fates
from tests.integration.test_bounces import Sender, notification
from tests.integration.test_smtp import Postmaster

LATER = NOON + dt.timedelta(hours=2)


class Mailbox:
    """An org that wrote to five people, and the mails that come back."""

    def __init__(self, database: Database, settings: Settings, folder: Path) -> None:
        self.sender = Sender(database, settings, Postmaster(), "ana", "ben", "cat", "dan", "eve")
        self.ids, self.folder, self.settings = self.sender.ids(), folder, settings

    def write(self, name: str, body: str, *, answers: UUID | None = None, **headers: str) -> Path:
        mail = EmailMessage()
        given = {"From": f"{name}@people.example", "To": "offers@homes.example", "Subject": "Re: About your house",
                 "Message-ID": f"<{name}-{len(list(self.folder.iterdir()))}@people.example>",
                 "Date": "Fri, 20 Nov 2026 19:00:00 +0000", **headers}  # fmt: skip
        for header, value in given.items():
            mail[header.replace("_", "-")] = value
        if answers:
            mail["In-Reply-To"] = f"<{answers}@homes.example>"
        mail.set_content(body)
        path = self.folder / f"{len(list(self.folder.iterdir()))}.eml"
        path.write_bytes(mail.as_bytes())
        return path

    def take(self, *paths: Path) -> MailTally:
        return import_mail(
            self.sender.database, self.sender.org, read_mails(paths or [self.folder]), actor="ada", now=LATER,
            keys=self.sender.keys, settings=self.settings,
        )  # fmt: skip

    def inbound(self) -> dict[str, tuple[str, str | None]]:
        table = tables.inbound_messages.c
        with self.sender.database.as_org(self.sender.org.org_id) as connection:
            rows = connection.execute(select(table.contact_value, table.reply_class, table.message_id)).all()
        names = {str(one): name for name, one in self.ids.items()}
        return {row.contact_value.partition("@")[0]: (row.reply_class, names.get(str(row.message_id))) for row in rows}


@pytest.fixture
def box(database: Database, settings: Settings, tmp_path: Path) -> Mailbox:
    folder = tmp_path / "mails"
    folder.mkdir()
    return Mailbox(database, settings, folder)


def test_replies_are_matched_to_the_mail_they_answer_and_obeyed(box: Mailbox) -> None:
    box.write("ana", "Please stop writing to me.\n\nOn Friday Example Homes wrote:\n> Hello", answers=box.ids["ana"])
    box.write("ben", "Yes, call me tomorrow\n\nOn Friday Example Homes wrote:\n> Stop: https://x.example/u/1")
    told = box.take()
    assert (told.replies, told.suppressed, told.needs_person, told.strangers) == (2, 1, 1, 0)
    assert box.inbound() == {"ana": ("revocation", "ana"), "ben": ("interested", "ben")}
    assert box.sender.suppressed() == [("ana@people.example", "revocation")]
    again = box.take()
    assert (again.replies, again.known) == (0, 2)


def test_an_answer_from_another_mailbox_ends_both(box: Mailbox) -> None:
    box.write("anas-office", "unsubscribe me", answers=box.ids["ana"])
    assert box.take().suppressed == 2
    assert box.inbound() == {"ana": ("revocation", "ana"), "anas-office": ("revocation", "ana")}
    assert [value for value, _ in box.sender.suppressed()] == ["ana@people.example", "anas-office@people.example"]


def test_other_mail_is_left_alone(box: Mailbox) -> None:
    box.write("stranger", "unsubscribe from our newsletter here")
    box.write("cat", "I am away until the end of the month.", **{"Auto-Submitted": "auto-replied"})
    box.write("x", "hello", From="not an address")
    told = box.take()
    assert (told.mails, told.replies, told.strangers, told.automatic) == (3, 0, 2, 1)
    assert box.inbound() == {}


def test_a_machine_that_says_stop_is_obeyed(box: Mailbox) -> None:
    box.write(
        "cat", "This mailbox does not take offers. Remove it from your list.", **{"Auto-Submitted": "auto-replied"}
    )
    assert box.take().suppressed == 1


def test_start_by_mail_lifts_nothing(box: Mailbox) -> None:
    box.take(box.write("ana", "STOP", answers=box.ids["ana"]))
    told = box.take(box.write("ana", "START", answers=box.ids["ana"]))
    assert (told.suppressed, told.needs_person) == (0, 1)
    assert box.sender.suppressed() == [("ana@people.example", "stop")]
    table = tables.suppressions.c
    with box.sender.database.as_org(box.sender.org.org_id) as connection:
        assert connection.execute(select(table.lifted_at)).scalars().all() == [None]


def test_a_withdrawal_ends_the_consent_with_its_cause(box: Mailbox) -> None:
    box.take(box.write("ana", "STOP", answers=box.ids["ana"]))
    table, org = tables.consents.c, box.sender.org
    with box.sender.database.as_org(org.org_id) as connection:
        rows = connection.execute(select(table.contact_value, table.revoked_at, table.revoked_by)).all()
        ended = {row.contact_value: (row.revoked_at, row.revoked_by) for row in rows if row.revoked_at}
        assert list(ended) == ["ana@people.example"]
        (at, cause) = ended["ana@people.example"]
        assert at == LATER
        assert cause.startswith("reply email:")
        assert start_again(connection, org.org_id, "email", "ana@people.example", box.sender.keys, now=LATER)
        still = select(table.revoked_at).where(table.contact_value == "ana@people.example")
        assert connection.execute(still).scalar_one() == LATER, "START brings no consent back"


def test_bounces_and_complaints_among_the_mails(box: Mailbox) -> None:
    notification(box.ids["dan"], "5.1.1", box.folder / "dan.eml", whole=True)
    (box.folder / "eve.eml").write_text(
        'From: fbl@people.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <{box.ids['eve']}@homes.example>\r\n\r\nx\r\n"
        "--b--\r\n",
        newline="",
    )
    (box.folder / "bad.eml").write_text("")
    told = box.take()
    assert (told.bounces.returned, told.complaints, told.suppressed, len(told.faults)) == (1, 1, 1, 1)
    assert fates(box.sender.database, box.sender.org)["dan"] == ("failed", "5.1.1")
    assert box.sender.suppressed() == [("dan@people.example", "bounce"), ("eve@people.example", "stop")]
    assert (box.take().complaints, box.take().bounces.known) == (1, 1)


def test_the_command_tells_what_it_took(box: Mailbox) -> None:
    box.write("ana", "no more mails please", answers=box.ids["ana"])
    found = CliRunner().invoke(
        app, ["replies", "import", str(box.folder), "--as", "ada", "--org", box.sender.org.slug, "--json"]
    )
    told = orjson.loads(found.stdout)
    assert (found.exit_code, told["replies"], told["suppressed"], told["faults"]) == (0, 1, 1, [])
