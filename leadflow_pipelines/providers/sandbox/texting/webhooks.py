"""Webhooks of the simulated Twilio: signed, delivered over kept connections, only on this machine.

Here: one request and who signed it. Not here: when, how often and what is told (`carrier`).
"""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import threading
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from leadflow_pipelines.providers.sandbox.twilio_account import AUTH_TOKEN

TIMEOUT_SECONDS = 15.0
"""As Twilio's: twilio.com/docs/usage/webhooks/webhooks-connection-overrides."""
FORGED = "Zm9yZ2VkIGJ5IG5vYm9keSB3aG8ga25vd3M="


def signature(url: str, form: Mapping[str, str]) -> str:
    """Twilio's signature of a form: HMAC-SHA1 of the address and, sorted, of each field's name and value."""
    told = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(AUTH_TOKEN.encode(), told.encode(), hashlib.sha1).digest()).decode()


class Postman:
    """Brings webhooks to their addresses. `deliver_to`: brings them there, whatever host they are signed for."""

    def __init__(self) -> None:
        self.deliver_to: str | None = None
        self._kept = threading.local()

    def post(self, url: str, form: Mapping[str, str], *, token: str, signed: str | None = None) -> int | None:
        """The answer's status; None where nobody answered, or where the address is not on this machine.

        `token`: the same for each attempt at one webhook; `signed`: another signature than the right one.
        """
        parts = urlsplit(url)
        target = urlsplit(self.deliver_to or url)
        if target.hostname is None or not _is_here(target.hostname):
            return None
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": signed or signature(url, form),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
        }
        body = urlencode(form).encode()
        for is_second in (False, True):
            line, is_fresh = self._line(target.hostname, target.port or 80, fresh=is_second)
            try:
                line.request("POST", path, body, headers)
                answer = line.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                line.close()
                if is_fresh:
                    return None  # a kept connection may have been closed while it idled: that alone is tried again
            else:
                return answer.status
        return None

    def _line(self, host: str, port: int, *, fresh: bool) -> tuple[http.client.HTTPConnection, bool]:
        kept: dict[tuple[str, int], http.client.HTTPConnection] = self._kept.__dict__.setdefault("lines", {})
        line = kept.get((host, port))
        if line is None or fresh or line.sock is None:
            line = kept[host, port] = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
            return line, True
        return line, False


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
