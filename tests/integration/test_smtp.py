"""E-mails handed to a real mail server on loopback: what goes over the wire, and every way in which it may not."""

import asyncio
import datetime as dt
import ipaddress
import ssl
import threading
from asyncio import Transport
from asyncio.base_events import Server
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from leadflow_pipelines.database.orgs import Org
from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.outreach.messengers.messenger import NotProcessed, OutcomeUnknown, Outgoing, Refused
from leadflow_pipelines.outreach.messengers.open_messenger import open_messenger
from leadflow_pipelines.outreach.messengers.smtp import SmtpMessenger
from leadflow_pipelines.settings import load_settings

NOW = dt.datetime(2026, 11, 23, 16, tzinfo=dt.UTC)
STOPS_IT = {
    "List-Unsubscribe": f"<https://go.homes.example/u/{'a-1_' * 20}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


class Postmaster:
    """A mail server's behaviour. `answers`: what it says to a verb; `hangs_up_at`: the verb at which it goes away."""

    def __init__(self, answers: dict[str, str] | None = None, hangs_up_at: str | None = None) -> None:
        self.answers, self.hangs_up_at = answers or {}, hangs_up_at
        self.taken: list[Envelope] = []

    def _say(self, server: SMTP, verb: str) -> str:
        if verb == self.hangs_up_at:
            assert isinstance(server.transport, Transport)
            server.transport.abort()
        return self.answers.get(verb, "250 OK")

    async def handle_MAIL(self, server: SMTP, _: Session, envelope: Envelope, address: str, options: Any) -> str:
        envelope.mail_from = address
        del options
        return self._say(server, "MAIL")

    async def handle_RCPT(self, server: SMTP, _: Session, envelope: Envelope, address: str, options: Any) -> str:
        del options
        envelope.rcpt_tos.append(address)
        return self._say(server, "RCPT")

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return self._say(server, "DATA")

    def mails(self) -> list[EmailMessage]:
        contents = [envelope.content for envelope in self.taken]
        parsed = [message_from_bytes(one, policy=policy.default) for one in contents if isinstance(one, bytes)]
        return [one for one in parsed if isinstance(one, EmailMessage)]


class AnyPort(Controller):
    """A controller that takes a free port and knows which."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def serving(postmaster: Postmaster, **options: Any) -> Iterator[int]:
    controller = AnyPort(postmaster, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def messenger(port: int, **options: Any) -> SmtpMessenger:
    asked: dict[str, Any] = {"timeout_seconds": 5.0, "requires_tls": False, "clock": lambda: NOW, **options}
    return SmtpMessenger("127.0.0.1", port, **asked)


def outgoing(**changes: Any) -> Outgoing:
    given: dict[str, Any] = {
        "message_id": uuid4(), "to": "ana@people.example", "sender": "offers@homes.example",
        "sender_name": "Exämple Homes", "subject": "Your house at 1 Example St",
        "body": "Hello,\r\n.\r\nA line: naïve.\r\n", "headers": STOPS_IT,
    }  # fmt: skip
    return Outgoing(**{**given, **changes})


def test_a_mail_arrives_with_truthful_headers_and_one_click_to_stop_it() -> None:
    postmaster, message = Postmaster(), outgoing()
    with serving(postmaster) as port:
        sent = messenger(port, return_path="bounces@homes.example").send(message)
    (mail,) = postmaster.mails()
    assert sent.provider_id == mail["Message-ID"] == f"<{message.message_id}@homes.example>"
    assert (mail["From"].addresses[0].display_name, mail["From"].addresses[0].addr_spec) == (
        "Exämple Homes", "offers@homes.example",
    )  # fmt: skip
    assert (mail["To"], mail["Subject"]) == ("ana@people.example", message.subject)
    assert mail["Date"].datetime == NOW
    assert (mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]) == tuple(STOPS_IT.values())
    assert mail.get_content().splitlines() == ["Hello,", ".", "A line: naïve."]
    assert (postmaster.taken[0].mail_from, postmaster.taken[0].rcpt_tos) == (
        "bounces@homes.example", ["ana@people.example"],
    )  # fmt: skip


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
def test_no_name_or_subject_adds_a_header_or_a_recipient(end: str) -> None:
    postmaster, evil = Postmaster(), f"Ana{end}Bcc: all@people.example{end}{end}Buy"
    with serving(postmaster) as port:
        messenger(port).send(outgoing(subject=evil, sender_name=evil))
        for bad in ({"to": f"ana@people.example{end}Bcc: b@people.example"}, {"sender": f"a@b.example{end}x"}):
            with pytest.raises(Refused, match="address"):
                messenger(port).send(outgoing(**bad))
        for name, value in ((f"X-A{end}Bcc", "x"), ("X-A", evil), ("Subject", "another"), ("bcc ", "x")):
            with pytest.raises(Refused, match="header"):
                messenger(port).send(outgoing(headers={**STOPS_IT, name: value}))
    (mail,) = postmaster.mails()
    assert mail["Bcc"] is None
    assert "Bcc: all" in mail["Subject"]
    assert postmaster.taken[0].rcpt_tos == ["ana@people.example"]


def test_long_addresses_and_subjects_arrive_whole() -> None:
    long, postmaster = "a.b-c" * 12 + "@" + "long-" * 9 + "x.people.example", Postmaster()
    with serving(postmaster) as port:
        messenger(port).send(
            outgoing(to=long, sender=long, sender_name="Ä" * 90, subject="Straße, Häuser und mehr " * 20)
        )
    (mail,) = postmaster.mails()
    assert (mail["To"].addresses[0].addr_spec, mail["From"].addresses[0].addr_spec) == (long, long)
    assert mail["Subject"].split() == ("Straße, Häuser und mehr " * 20).split()
    assert mail["Message-ID"].strip("<>").endswith("@" + long.partition("@")[2])


def test_a_mail_that_cannot_be_stopped_is_not_sent() -> None:
    with serving(postmaster := Postmaster()) as port, pytest.raises(Refused) as told:
        messenger(port).send(outgoing(headers={}))
    assert (told.value.code, postmaster.taken) == ("no_unsubscribe", [])


@pytest.mark.parametrize(
    ("verb", "answer", "code", "behaviour"),
    [
        ("RCPT", "550 5.1.1 no such user", "5.1.1", "do_not_retry_number"),
        ("RCPT", "550 5.7.1 policy", "5.7.1", "failed"),
        ("RCPT", "550 not here, or not for you", "550", "failed"),
        ("MAIL", "553 5.7.1 not your address", "5.7.1", "pause_campaign"),
        ("DATA", "554 5.6.0 looks like spam", "5.6.0", "failed"),
        ("DATA", "550 5.1.1 no such user after all", "5.1.1", "do_not_retry_number"),
    ],
)
def test_a_no_is_read_as_what_it_means(verb: str, answer: str, code: str, behaviour: str) -> None:
    with serving(Postmaster({verb: answer})) as port, pytest.raises(Refused) as told:
        messenger(port).send(outgoing())
    assert (told.value.code, told.value.behaviour) == (code, behaviour)
    assert "people.example" not in str(told.value)


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("MAIL", "451 4.3.0 later"),
        ("RCPT", "450 4.2.0 greylisted"),
        ("RCPT", "452 4.2.2 mailbox full"),
        ("DATA", "421 busy"),
    ],
)
def test_a_not_now_may_be_tried_again(verb: str, answer: str) -> None:
    with serving(Postmaster({verb: answer})) as port, pytest.raises(NotProcessed):
        messenger(port).send(outgoing())


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
def test_a_connection_lost_before_the_text_sent_nothing(verb: str) -> None:
    with serving(postmaster := Postmaster(hangs_up_at=verb)) as port, pytest.raises(NotProcessed):
        messenger(port).send(outgoing())
    assert postmaster.taken == []


def test_a_connection_lost_after_the_text_leaves_the_fate_unknown() -> None:
    with serving(postmaster := Postmaster(hangs_up_at="DATA")) as port, pytest.raises(OutcomeUnknown) as told:
        messenger(port).send(outgoing())
    assert (told.value.why, len(postmaster.taken)) == ("connection_lost", 1)


def test_nobody_there_means_not_now() -> None:
    with serving(Postmaster()) as port:
        pass
    with pytest.raises(NotProcessed, match="cannot be reached"):
        messenger(port).send(outgoing())


def test_without_encryption_nothing_is_said() -> None:
    with serving(postmaster := Postmaster()) as port, pytest.raises(Refused) as told:
        messenger(port, requires_tls=True).send(outgoing())
    assert (told.value.code, told.value.behaviour, postmaster.taken) == ("no_tls_or_login", "pause_campaign", [])


def test_only_a_server_whose_certificate_is_good_gets_mail(tmp_path: Path) -> None:
    ours, theirs = certificate(tmp_path / "ours.pem"), certificate(tmp_path / "theirs.pem")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(ours)
    with serving(postmaster := Postmaster(), tls_context=server, require_starttls=True) as port:
        trusting = ssl.create_default_context(cafile=str(theirs))
        with pytest.raises(Refused) as told:
            messenger(port, requires_tls=True, tls=trusting).send(outgoing())
        assert (told.value.code, postmaster.taken) == ("bad_certificate", [])
        messenger(port, requires_tls=True, tls=ssl.create_default_context(cafile=str(ours))).send(outgoing())
    assert len(postmaster.taken) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_a_wrong_login_pauses_the_campaign_and_a_right_one_sends() -> None:
    def knows(_: Any, __: Any, ___: Any, ____: str, data: Any) -> AuthResult:
        is_right = isinstance(data, LoginPassword) and data.password == b"right"
        return AuthResult(success=is_right, handled=is_right)

    asked = {"authenticator": knows, "auth_require_tls": False, "auth_required": True}
    with serving(postmaster := Postmaster(), **asked) as port:
        with pytest.raises(Refused) as told:
            messenger(port, user="u", password="wrong").send(outgoing())
        messenger(port, user="u", password="right").send(outgoing())
    assert (told.value.behaviour, len(postmaster.taken)) == ("pause_campaign", 1)


def test_a_simulated_org_writes_only_to_example_and_only_through_loopback() -> None:
    simulated = Org(uuid4(), "sim", "Sim", is_simulated=True)
    with serving(postmaster := Postmaster()) as port:
        settings = load_settings(smtp_host="127.0.0.1", smtp_port=port)
        opened = open_messenger("email", simulated, settings)
        opened.send(outgoing())
        with pytest.raises(Refused) as told:
            opened.send(outgoing(to="ana@people.test"))
    assert (told.value.code, len(postmaster.taken)) == ("not_example", 1)
    with pytest.raises(InvalidInput, match="is simulated"):
        open_messenger("email", simulated, load_settings(smtp_host="smtp.homes.example"))
    with pytest.raises(InvalidInput, match="no mail server"):
        open_messenger("email", simulated, load_settings())


def certificate(path: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


GREETING, HELLO = b"220 ready\r\n", b"250 hello\r\n"
ACCEPTED = (GREETING, HELLO, b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n", b"250 OK\r\n")
"""What a server says from greeting to taking a text."""


@contextmanager
def dripping(answer: int) -> Iterator[int]:
    """A server that says the `answer`th of ACCEPTED a byte at a time, each well within any wait, and never ends it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for number, line in enumerate(ACCEPTED):
                if number > 0:
                    await reader.readuntil(b"\r\n.\r\n" if number == len(ACCEPTED) - 1 else b"\r\n")
                if number == answer:
                    writer.write(line[:3])
                    while not reader.at_eof():
                        writer.write(b"-")
                        await writer.drain()
                        await asyncio.sleep(0.02)
                    break
                writer.write(line)
        writer.close()

    loop, ready = asyncio.new_event_loop(), threading.Event()
    servers: list[asyncio.Server] = []

    async def serve() -> None:
        servers.append(await asyncio.start_server(talk, "127.0.0.1", 0))
        ready.set()

    thread = threading.Thread(target=lambda: (loop.create_task(serve()), loop.run_forever()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield servers[0].sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(servers[0].close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.mark.parametrize(
    ("answer", "told"),
    [(0, NotProcessed), (1, NotProcessed), (2, NotProcessed), (3, NotProcessed), (4, NotProcessed),
     (5, OutcomeUnknown)],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_a_server_that_drips_its_answer_is_cut(answer: int, told: type[Exception]) -> None:
    """Every byte comes in time, the answer never: nothing was sent, or once the text is under way nobody knows.

    Uncut, it drips until the test's own time is up.
    """
    with dripping(answer) as port, pytest.raises(told):
        messenger(port, timeout_seconds=0.5).send(outgoing())


@pytest.mark.timeout(60)
def test_a_goodbye_that_drips_takes_nothing_back() -> None:
    """Uncut, it drips until the test's own time is up."""

    class SlowGoodbye(Postmaster):
        async def handle_QUIT(self, server: SMTP, _: Session, __: Envelope) -> str:
            while server.transport is not None and not server.transport.is_closing():
                await server.push("221-wait")
                await asyncio.sleep(0.02)
            return "221 bye"

    with serving(postmaster := SlowGoodbye()) as port:
        assert messenger(port, timeout_seconds=1.0).send(outgoing()).status == "accepted"
    assert len(postmaster.taken) == 1
