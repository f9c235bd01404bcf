"""Of an e-mail only what its writer wrote is read: our own quoted words for stopping are not theirs."""

import time
from email import message_from_bytes, message_from_string
from email.message import EmailMessage
from pathlib import Path

import pytest

from leadflow_pipelines.compliance.read_reply import read_reply
from leadflow_pipelines.outreach.replies.mail_files import MOST_BYTES, read_mails
from leadflow_pipelines.outreach.replies.own_words import own_words, without_quotes

OURS = "We would like to buy 1 Example St.\nStop: https://go.homes.example/u/abc\nUnsubscribe at any time."
QUOTED = "\n".join(f"> {line}" for line in OURS.splitlines())
OUTLOOK = f"From: Example Homes <offers@homes.example>\nSent: Friday\nTo: Pat\nSubject: Your house\n\n{OURS}"


def mail(text: str, *, subject: str = "Re: Your house", html: str | None = None) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"] = "Pat <pat@people.example>", subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


@pytest.mark.parametrize(
    "text",
    [
        f"Call me tomorrow\n\nOn Fri, Nov 20, 2026 at 9:00 AM Example Homes <offers@homes.example> wrote:\n{QUOTED}",
        f"Call me tomorrow\n\nOn Fri, Nov 20, 2026 at 9:00 AM Example Homes\n<offers@homes.example> wrote:\n\n{QUOTED}",
        f"Call me tomorrow\n\nEl vie, 20 nov 2026 a las 9:00, Example Homes escribió:\n{QUOTED}",
        f"Call me tomorrow\n-----Original Message-----\n{OUTLOOK}",
        f"Call me tomorrow\n________________________________\n{OUTLOOK}",
        f"Call me tomorrow\n\n{OUTLOOK}",
        f"On Friday Example Homes wrote:\n{QUOTED}\n\nCall me tomorrow\n",
        f"{QUOTED}\nCall me tomorrow",
        "Call me tomorrow",
    ],
)
def test_what_is_quoted_is_not_theirs(text: str) -> None:
    assert without_quotes(text) == "Call me tomorrow"
    assert read_reply(own_words(message_from_bytes(mail(text).as_bytes()))).reply_class == "interested"


@pytest.mark.parametrize(
    "text",
    [
        "Stop\n\nOn Friday Example Homes wrote:\n> Hello",
        "> Hello\nstop writing to me",
        f"please unsubscribe\n\n{OUTLOOK}",
    ],
)
def test_their_own_words_count_wherever_they_stand(text: str) -> None:
    assert read_reply(own_words(mail(text))).suppresses


def test_an_unknown_way_of_quoting_suppresses_rather_than_not() -> None:
    assert read_reply(own_words(mail(f"Call me\n\n=== {OURS}"))).suppresses


def test_markup_is_read_without_its_quote() -> None:
    html = (
        "<html><head><style>p{}</style></head><body><p>I don&#39;t want<br>these mails</p>"
        "<div>On Friday Example Homes wrote:</div><blockquote>Unsubscribe<blockquote>x</blockquote></blockquote>"
        "<p>Regards</p></body></html>"
    )
    alone = EmailMessage()
    alone["Subject"] = "Re: x"
    alone.set_content(html, subtype="html")
    words = own_words(alone)
    assert words.split() == ["I", "don't", "want", "these", "mails", "Regards"]


@pytest.mark.parametrize(
    ("subject", "text", "told"),
    [("Unsubscribe", "", "Unsubscribe"), ("Re: Your house", "hello", "hello"), ("Remove me", "hi", "Remove me\nhi"),
     ("=?utf-8?q?No_m=C3=A1s?=", "", "No más"), ("RE: stop", "", "stop")],
)  # fmt: skip
def test_the_subject_counts_where_it_is_theirs(subject: str, text: str, told: str) -> None:
    made = message_from_string(f"Subject: {subject}\n\n{text}")
    assert own_words(made) == told


@pytest.mark.parametrize("charset", ["rot13", "punycode", "no-such-charset", "unicode_escape", "utf-8"])
def test_a_strange_charset_is_read_as_far_as_it_goes(charset: str) -> None:
    made = message_from_bytes(f"Subject: Re: x\nContent-Type: text/plain; charset={charset}\n\nstop".encode() + b"\xff")
    assert read_reply(own_words(made)).suppresses


def nested(depth: int) -> bytes:
    opened = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth)
    )  # fmt: skip
    return b"From: x@y.example\r\n" + opened + b"\r\nstop" + b"\r\n" * 100_000


def test_hostile_mails_take_neither_time_nor_memory(tmp_path: Path) -> None:
    hostile = {
        "deep.eml": nested(5_000),
        "fifty.eml": nested(50),
        "long.eml": b"Subject: x\r\n\r\n" + b"a" * (5 * MOST_BYTES),
        "lines.eml": b"Subject: x\r\n\r\n" + b"On \n" * 400_000 + b"wrote",
        "open.eml": b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b"<a <!--<" * 200_000,
        "space.eml": b"Subject: x\r\nContent-Type: text/html\r\n\r\n" + b"<a" + b" \n" * 200_000,
        "header.eml": b"Subject: " + b"=?utf-8?q?" * 100_000 + b"\r\n\r\nx",
        "none.eml": b"\x00" * 1_000,
        "box.mbox": b"From x\r\nSubject: a\r\n\r\none\r\n\r\nFrom y\r\nSubject: b\r\n\r\ntwo\r\n",
    }
    for name, content in hostile.items():
        (tmp_path / name).write_bytes(content)
    began = time.process_time()
    read = {(one.file, one.number): one for one in read_mails([tmp_path])}
    for one in read.values():
        if one.mail is not None:
            assert len(own_words(one.mail)) < 50_000
    assert time.process_time() - began < 20
    assert {name for (name, _), one in read.items() if one.mail is None} == {"deep.eml", "none.eml"}
    assert ("box.mbox", 2) in read
