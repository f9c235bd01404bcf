"""Links of messages on the org's own domain: signed tokens that name a message, never a target.

The target is read from the template's text, so that no link sends anybody where the org did not write. Not here:
serving them (`gateway`).
"""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass
from typing import Literal

from leadflow_pipelines.compliance.contact_hash import HashKeys
from leadflow_pipelines.outreach.campaigns.merge_fields import LINK

Use = Literal["link", "unsubscribe"]
USES: dict[Use, bytes] = {"link": b"l", "unsubscribe": b"u"}
PATHS: dict[Use, str] = {"link": "/l/", "unsubscribe": "/u/"}
SIGNED_BYTES = 12
MOST_LINKS = 255


@dataclass(frozen=True)
class Tracked:
    """What a token names: the link's number in the text, from 1; 0 where there is none."""

    use: Use
    message_id: uuid.UUID
    number: int


def make_token(tracked: Tracked, keys: HashKeys) -> str:
    """The token, safe in an address: 40 characters. Signed with the current key, whose version it names."""
    content = bytes([keys.current % 256, tracked.number]) + tracked.message_id.bytes
    signed = _signature(USES[tracked.use] + content, keys.keys[keys.current])
    return base64.urlsafe_b64encode(content + signed).decode().rstrip("=")


def read_token(use: Use, token: str, keys: HashKeys) -> Tracked | None:
    """What a token names, None where we did not sign it for this use."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    content, signed = raw[:-SIGNED_BYTES], raw[-SIGNED_BYTES:]
    key = next((key for version, key in keys.keys.items() if content and version % 256 == content[0]), None)
    if key is None or len(content) != 2 + 16 or not hmac.compare_digest(signed, _signature(USES[use] + content, key)):
        return None
    return Tracked(use, uuid.UUID(bytes=content[2:]), content[1])


def with_tracked_links(body: str, message_id: uuid.UUID, link_domain: str | None, keys: HashKeys) -> str:
    """The text with its links as the reader sees them; without a domain of the org's own, as they were written."""
    numbers = iter(range(1, MOST_LINKS + 1))

    def address(number: int) -> str:
        return f"https://{link_domain}{PATHS['link']}{make_token(Tracked('link', message_id, number), keys)}"

    return LINK.sub(lambda found: address(next(numbers)) if link_domain else found.group(1), body)


def unsubscribe_address(base_url: str, message_id: uuid.UUID, keys: HashKeys) -> str:
    """Where one click stops the messages to whoever got this one (RFC 8058)."""
    return f"{base_url.rstrip('/')}{PATHS['unsubscribe']}{make_token(Tracked('unsubscribe', message_id, 0), keys)}"


def _signature(content: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"tracked link\0" + content, hashlib.sha256)[:SIGNED_BYTES]
