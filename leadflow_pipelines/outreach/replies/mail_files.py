"""Mails from files: saved messages (.eml), mailboxes (mbox) and folders of these, whoever wrote them.

Only the beginning of a mail is read, and none with too many parts: a mail is made by strangers. Not here: what a mail
is (`import_mail`).
"""

import mailbox
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from leadflow_pipelines.errors import InvalidInput

MOST_BYTES = 1_000_000
"""Read of a mail: its text comes before what is attached."""
MOST_CONTENT_TYPES = 60
"""A mail nested deeper than any reader would go takes the parser quadratic time."""
MAILBOX_BEGINS = b"From "


@dataclass(frozen=True)
class MailFile:
    """One mail: the file and its place there, from 1. `mail` is None where it cannot be read, `fault` says why."""

    file: str
    number: int
    mail: Message | None
    fault: str | None = None


def read_mails(paths: Sequence[Path]) -> Iterator[MailFile]:
    """The mails of these files, in order. Raises InvalidInput for a file or folder that is not there."""
    for path in paths:
        if path.is_dir():
            for one in sorted(path.rglob("*")):
                if one.is_file() and not one.name.startswith("."):
                    yield from _of_file(one)
        elif path.is_file():
            yield from _of_file(path)
        else:
            raise InvalidInput(f"There is no file {path}.", remedy="Give .eml files, mbox files or a folder of them.")


def _of_file(path: Path) -> Iterator[MailFile]:
    try:
        with path.open("rb") as file:
            begins = file.read(MOST_BYTES)
        if not begins.startswith(MAILBOX_BEGINS):
            yield _parsed(path, 1, begins)
            return
        box = mailbox.mbox(path, create=False)
        try:
            for number, key in enumerate(box.iterkeys(), start=1):
                with box.get_file(key) as written:
                    yield _parsed(path, number, written.read(MOST_BYTES))
        finally:
            box.close()
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", remedy="Give .eml files or mbox files.") from error


def _parsed(path: Path, number: int, written: bytes) -> MailFile:
    if written.lower().count(b"content-type") > MOST_CONTENT_TYPES:
        return MailFile(path.name, number, None, f"It has more than {MOST_CONTENT_TYPES} parts.")
    try:
        mail = message_from_bytes(written)
    except (RecursionError, ValueError, LookupError) as error:
        return MailFile(path.name, number, None, f"It cannot be read: {type(error).__name__}.")
    if not mail.keys():
        return MailFile(path.name, number, None, "It is no e-mail: it has no header.")
    return MailFile(path.name, number, mail)
