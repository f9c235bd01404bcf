"""Merge fields: what a template may name, what it must, and putting the values in.

`{first_name}` is a field, `{first_name|neighbour}` has a word for those whose name is unknown, `{link:https://…}` is a
link that is tracked. Not here: keeping templates (`templates`), where the values come from (`audience`).
"""

import re
from collections.abc import Mapping
from typing import Literal

from leadflow_pipelines.errors import InvalidInput

Channel = Literal["sms", "voice", "mail", "email"]
FIELDS = {
    "first_name": "first name of the person",
    "full_name": "name of the person, as the records have it",
    "street": "street line of the property",
    "city": "city of the property",
    "state": "state of the property",
    "zip": "ZIP of the property",
    "sender_name": "name under which the org writes",
    "sender_phone": "number that the org gives",
    "postal_address": "postal address of the org",
    "opt_out": "how to stop the messages",
    "unsubscribe_link": "link that stops the messages",
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "sms": ("sender_name", "opt_out"),
    "voice": ("sender_name", "sender_phone"),
    "mail": ("sender_name", "postal_address"),
    "email": ("sender_name", "postal_address", "unsubscribe_link"),
}
"""Who writes and how to stop it: CTIA messaging principles 5.1; 47 CFR 64.1200(d)(4); 15 USC 7704(a)(5)."""
OPT_OUT_TEXT = "Reply STOP to opt out."
MOST_CHARACTERS = {"sms": 1600}
"""Twilio takes no longer body."""
FIELD = re.compile(r"\{([a-z_]+)(?:\|([^{}]*))?\}")
LINK = re.compile(r"\{link:(https?://[^{}\s]+)\}")


class MissingFields(InvalidInput):
    """Merge fields without a value and without a word instead. `fields` names them."""

    def __init__(self, fields: list[str]) -> None:
        super().__init__(
            f"No value for {', '.join(fields)}.", remedy="Write a word to use instead: {first_name|neighbour}."
        )
        self.fields = fields


def faults_in(channel: str, subject: str | None, body: str) -> list[str]:
    """What keeps a text from being a template of its channel, one line each; empty where nothing does."""
    if channel not in REQUIRED:
        return [f"There is no channel {channel!r}; use {', '.join(REQUIRED)}."]
    text = f"{subject or ''}\n{body}"
    named = [found.group(1) for found in FIELD.finditer(text)]
    faults = [f"There is no merge field {{{name}}}; use {_listed(FIELDS)}." for name in named if name not in FIELDS]
    faults += [
        f"The text of {channel} must name {{{name}}}: {FIELDS[name]}."
        for name in REQUIRED[channel]
        if name not in named
    ]
    left = LINK.sub("", FIELD.sub("", text))
    if "{" in left or "}" in left:
        faults.append("There is a brace that belongs to no merge field. Fields look like {first_name|neighbour}.")
    if channel == "email" and not (subject or "").strip():
        faults.append("An e-mail needs a subject.")
    if len(body) > MOST_CHARACTERS.get(channel, len(body)):
        faults.append(f"The text has {len(body)} characters; {channel} takes {MOST_CHARACTERS[channel]}.")
    return faults


def render(text: str, values: Mapping[str, str | None]) -> str:
    """The text with its fields filled in; links stay as they are written. Raises MissingFields naming every gap."""
    missing: list[str] = []

    def fill(found: re.Match[str]) -> str:
        name, instead = found.group(1), found.group(2)
        value = values.get(name) or instead
        if value is None:
            missing.append(name)
        return value or ""

    filled = FIELD.sub(fill, text)
    if missing:
        raise MissingFields(list(dict.fromkeys(missing)))
    return filled


def links_of(body: str) -> list[str]:
    """The targets of the tracked links, in order; a link's number is its place, from 1."""
    return LINK.findall(body)


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
