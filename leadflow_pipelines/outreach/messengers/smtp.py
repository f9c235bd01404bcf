"""E-mail over SMTP: one message, one connection, and an outcome that is never guessed.

Before the text nothing has happened yet, so a fault there is safe to repeat; once the text is under way a lost
connection means that nobody knows. Faults are told without their causes: servers repeat addresses. Not here: what a
message says (`dispatch/outgoing`), bounces (`by_hand/returned`).
"""

import datetime as dt
import re
import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, formataddr

from leadflow_pipelines.outreach.messengers.deadline import deadline
from leadflow_pipelines.outreach.messengers.messenger import (
    Behaviour,
    NotProcessed,
    OutcomeUnknown,
    Outgoing,
    Refused,
    Reply,
    Sent,
    Status,
)
from leadflow_pipelines.outreach.messengers.smtp_deadline import watched_smtp

IMPLICIT_TLS_PORT = 465
"""Encrypted from the first byte (RFC 8314); every other port begins in the clear and changes with STARTTLS."""
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
WHOLE_LINE = re.compile(r"[\x20-\x7e]{1,900}")
"""Headers that machines read are written in one line: folded or encoded, an address in them is another one."""
NO_SUCH_RECIPIENT = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""The mailbox or its domain does not exist, moved without a trace, takes no mail, or is disabled (RFC 3463)."""
ENHANCED = re.compile(rb"^\s*(5\.\d{1,3}\.\d{1,3})\b")
NOT_ALLOWED = frozenset({530, 534, 535, 538})
"""The server wants other credentials (RFC 4954)."""
TEXT_POLICY = SMTP_POLICY.clone(cte_type="7bit")
TESTING_DOMAIN = ".example"


class SmtpMessenger:
    """E-mail through one server. `return_path`: where bounces go; without one to the sender.

    timeout_seconds: for a whole e-mail, and so for each answer: cut before its text nothing was sent, cut in it nobody
    knows. requires_tls: nothing is said to a server that does not encrypt; its certificate must be good. only_example:
    refuses every recipient outside .example.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str | None = None,
        password: str | None = None,
        timeout_seconds: float,
        requires_tls: bool,
        return_path: str | None = None,
        only_example: bool = False,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._host, self._port, self._timeout = host, port, timeout_seconds
        self._user, self._password = user, password
        self._requires_tls, self._return_path, self._only_example = requires_tls, return_path, only_example
        self._tls = tls or ssl.create_default_context()
        self._clock = clock

    def send(self, message: Outgoing) -> Sent:
        """Hands the message to the server. Raises Refused, NotProcessed, or OutcomeUnknown."""
        if self._only_example and not message.to.lower().endswith(TESTING_DOMAIN):
            raise Refused(
                "A simulated org writes only to addresses under .example.", code="not_example", behaviour="failed"
            )
        mail = written_mail(message, self._clock())
        with deadline(self._timeout):
            connection = self._connected()
            try:
                self._address(connection, message)
                self._hand_over(connection, mail)
            finally:
                with suppress(OSError):
                    connection.quit()
                connection.close()
        return Sent(mail_id(message), "accepted", None)

    def find(self, message: Outgoing, *, since: dt.datetime) -> Sent | None:
        """Nothing: a mail server does not tell what it took."""
        del message, since
        return None

    def fetch(self, provider_id: str) -> Status:
        """Raises Refused: what becomes of an e-mail arrives as a bounce or not at all."""
        raise Refused(f"A mail server tells nothing of {provider_id}.", code="not_told", behaviour="unknown")

    def cancel(self, provider_id: str) -> bool:
        """False: a mail server gives nothing back."""
        del provider_id
        return False

    def replies(self, *, to: str, since: dt.datetime) -> list[Reply]:
        """None: replies go to the mailbox of the From address."""
        del to, since
        return []

    def _connected(self) -> smtplib.SMTP:
        """A connection that is encrypted where it must be, logged in. Nothing has been sent, whatever goes wrong."""
        connection: smtplib.SMTP | None = None
        try:
            connection = self._greeted()
            if self._requires_tls and not isinstance(connection, smtplib.SMTP_SSL):
                connection.starttls(context=self._tls)
                connection.ehlo_or_helo_if_needed()
            if self._user and self._password:
                connection.login(self._user, self._password)
            return connection
        except ssl.SSLCertVerificationError:
            _close(connection)
            raise self._unusable("shows a certificate that is not good", "bad_certificate") from None
        except smtplib.SMTPNotSupportedError:
            _close(connection)
            raise self._unusable("offers no encryption, or no login", "no_tls_or_login") from None
        except smtplib.SMTPResponseException as told:
            _close(connection)
            raise _answered(told.smtp_code, told.smtp_error, "log in", otherwise="pause_campaign") from None
        except OSError as fault:  # SMTPException is one; nothing has been sent
            _close(connection)
            raise NotProcessed(f"The mail server cannot be reached: {type(fault).__name__}.") from None

    def _greeted(self) -> smtplib.SMTP:
        tls = self._tls if self._port == IMPLICIT_TLS_PORT else None
        name = socket.gethostname() or "localhost"
        connection = watched_smtp(self._host, self._port, timeout=self._timeout, name=name, tls=tls)
        connection.ehlo_or_helo_if_needed()
        return connection

    def _address(self, connection: smtplib.SMTP, message: Outgoing) -> None:
        try:
            code, text = connection.mail(self._return_path or message.sender)
            if code != 250:
                raise _answered(code, text, "MAIL FROM", otherwise="pause_campaign")
            code, text = connection.rcpt(message.to)
            if code not in (250, 251):
                raise _answered(code, text, "RCPT TO")
        except OSError as fault:
            raise NotProcessed(f"The connection broke before the text: {type(fault).__name__}.") from None

    def _hand_over(self, connection: smtplib.SMTP, mail: bytes) -> None:
        """The text. Only the server's answer to its last line tells what became of it."""
        try:
            code, text = connection.docmd("DATA")
        except OSError as fault:
            raise NotProcessed(f"The connection broke before the text: {type(fault).__name__}.") from None
        if code != 354:
            raise _answered(code, text, "DATA")
        stuffed = re.sub(rb"(?m)^\.", b"..", mail)
        try:
            connection.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            code, text = connection.getreply()
        except OSError as fault:
            raise OutcomeUnknown(
                f"The connection broke while the text was under way: {type(fault).__name__}.", why="connection_lost"
            ) from None
        if code != 250:
            raise _answered(code, text, "the text")

    def _unusable(self, what: str, code: str) -> Refused:
        return Refused(
            f"The mail server {self._host} {what}.",
            code=code,
            behaviour="pause_campaign",
            remedy="Check LEADFLOW_SMTP_HOST, _PORT, _USER and _PASSWORD with whoever runs the server.",
        )


def mail_id(message: Outgoing) -> str:
    """The Message-ID: it names the message, so that a bounce does."""
    return f"<{message.message_id}@{message.sender.rpartition('@')[2]}>"


def written_mail(message: Outgoing, now: dt.datetime) -> bytes:
    """The e-mail as it goes over the wire. Raises Refused for an address or header that cannot be written safely.

    Whatever came from records into subject or name is one line there: no field can add a header.
    """
    for address in (message.to, message.sender):
        if not ADDRESS.fullmatch(address):
            raise Refused("An address cannot be written to.", code="bad_address", behaviour="failed")
    if "List-Unsubscribe" not in message.headers:
        raise Refused("An e-mail without a way to unsubscribe is not sent.", code="no_unsubscribe", behaviour="failed")
    mail = EmailMessage(policy=TEXT_POLICY)
    mail["From"] = formataddr((_line(message.sender_name), message.sender))
    mail["To"] = message.to
    mail["Subject"] = _line(message.subject)
    mail["Date"] = format_datetime(now)
    mail.set_content(message.body, charset="utf-8")
    whole = {"Message-ID": mail_id(message), **message.headers}
    for name, value in whole.items():
        if not HEADER_NAME.fullmatch(name) or name in mail or not WHOLE_LINE.fullmatch(value):
            raise Refused("A header cannot be written.", code="bad_header", behaviour="failed")
    return "".join(f"{name}: {value}\r\n" for name, value in whole.items()).encode() + mail.as_bytes()


def _line(text: str | None) -> str:
    """The text as one line: every kind of line end and control character is a space."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text or "").split())


def _answered(code: int, text: bytes | str, stage: str, *, otherwise: Behaviour = "failed") -> Refused | NotProcessed:
    """What an answer other than yes means. The server's words are left out: they repeat the address."""
    if code < 500:
        return NotProcessed(f"The mail server answered {code} to {stage}: not now.")
    found = ENHANCED.match(text.encode() if isinstance(text, str) else text)
    enhanced = found[1].decode() if found else None
    behaviour = otherwise
    if code in NOT_ALLOWED:
        behaviour = "pause_campaign"
    elif enhanced in NO_SUCH_RECIPIENT and stage != "MAIL FROM":
        behaviour = "do_not_retry_number"
    return Refused(f"The mail server answered {code} to {stage}.", code=enhanced or str(code), behaviour=behaviour)


def _close(connection: smtplib.SMTP | None) -> None:
    if connection is not None:
        connection.close()
