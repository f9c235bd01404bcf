"""What a person wrote in an e-mail themselves: its plain text without what it quotes, in bounded time and memory.

Our own mails carry the word for stopping, so a quoted one read as the person's would end the talk with everybody who
answers. Where a quote is not recognised it counts as theirs: then somebody is left alone who need not be. Pure. Not
here: what the words mean (`compliance.read_reply`), whose mail it is (`import_mail`).
"""

import re
from email.header import decode_header, make_header
from email.message import Message
from html import unescape

MOST_LETTERS = 20_000
"""Of a text, after markup. Nobody writes so much by hand; the rest is not kept."""
MOST_MARKUP = 300_000
MOST_PARTS = 50
CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
"""Others are read as UTF-8 as far as they are: some of Python's take quadratic time."""
QUOTED = re.compile(r"^[ \t]*>")
ATTRIBUTION = re.compile(
    r"(?m)^[ \t>]*(?:On|El|Le|Am)\b[^\n]{0,200}(?:\n[^\n]{0,200})?"
    r"\b(?:wrote|escribi[oó]|a [eé]crit|schrieb)[^\n:]{0,60}:[ \t]*$"
)
BELOW_IS_QUOTED = re.compile(
    r"(?m)^[ \t]*(?:-{2,}[ \t]*(?:original message|mensaje original|forwarded message|reply message)\b|_{10,}[ \t]*$"
    r"|(?:from|de):[^\n]{1,200}\n(?:[^\n]{0,200}\n){0,3}?(?:sent|date|to|subject|enviado|fecha|para|asunto):)",
    re.IGNORECASE,
)
ANSWERING = re.compile(r"^\s*(?:(?:re|rv|aw|sv|fw|fwd)\s*(?:\[\d+\])?:\s*)+", re.IGNORECASE)
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})\b[^<>]{0,4000}>|<![^<>]{0,4000}>")
LEFT_OUT = frozenset({"head", "style", "script", "blockquote"})
BREAKS = frozenset({"br", "p", "div", "tr", "li", "hr", "blockquote"})


def own_words(mail: Message) -> str:
    """Subject, unless it only answers ours, and the text above, between and below what is quoted."""
    subject = header_text(mail, "Subject")
    text = without_quotes(_text(mail))[:MOST_LETTERS]
    is_theirs = subject and (not ANSWERING.match(subject) or not text)
    return f"{ANSWERING.sub('', subject)}\n{text}".strip() if is_theirs else text


def without_quotes(text: str) -> str:
    """A plain text without the lines it quotes and the line that says whose they were."""
    found = BELOW_IS_QUOTED.search(text)
    above = text[: found.start()] if found else text
    lines = above.splitlines()
    if any(QUOTED.match(line) for line in lines):
        above = ATTRIBUTION.sub("", above)
        return "\n".join(line for line in above.splitlines() if not QUOTED.match(line)).strip()
    found = ATTRIBUTION.search(above)
    return (above[: found.start()] if found else above).strip()


def header_text(mail: Message, name: str) -> str:
    """A header as one line of readable text; blank where it is not there."""
    raw = str(mail.get(name, ""))[:MOST_LETTERS]
    try:
        told = str(make_header(decode_header(raw)))
    except (LookupError, ValueError):
        told = raw
    return " ".join(told.split())


def _text(mail: Message) -> str:
    """The first plain part, or the first one of HTML without its markup."""
    markup = None
    for number, part in enumerate(mail.walk()):
        if number >= MOST_PARTS:
            break
        if part.get_filename() or part.is_multipart():
            continue
        kind = part.get_content_type()
        if kind == "text/plain" and (text := _decoded(part)).strip():
            return text
        markup = markup or (_decoded(part) if kind == "text/html" else None)
    return _without_markup(markup) if markup else ""


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    written = payload if isinstance(payload, bytes) else b""
    charset = (part.get_content_charset() or "utf-8").lower()
    text = written[:MOST_MARKUP].decode(charset if charset in CHARSETS else "utf-8", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _without_markup(markup: str) -> str:
    """What a reader sees of it, without what is quoted. In one pass: the standard parser takes minutes for some."""
    told: list[str] = []
    hidden = after = 0
    for tag in TAG.finditer(markup):
        told.append("" if hidden else re.sub(r"\s+", " ", markup[after : tag.start()]))
        after, name = tag.end(), (tag[2] or "").lower()
        hidden = max(0, hidden + (name in LEFT_OUT) * (-1 if tag[1] else 1))
        told.append("\n" if name in BREAKS else "")
    told.append("" if hidden else markup[after:])
    # What is quoted was left out with its tag, so below the line that introduces it may stand their own words again.
    return ATTRIBUTION.sub("", re.sub(r"\s*\n\s*", "\n", unescape("".join(told))))
