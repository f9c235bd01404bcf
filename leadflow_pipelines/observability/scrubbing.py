"""Takes secrets and personal data out of text and values on their way to a log or an error report.

It errs towards removing: a ten-digit parcel number that could be a phone goes too. What is kept for the
business (tables, evidence) never passes here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from leadflow_pipelines.settings import Settings

REMOVED = "[removed]"
SHORTEST_SECRET = 6  # a shorter one would blank out ordinary words

_NAMES_OF_SECRETS = (
    r"(?:[\w-]*(?:api[-_]?key|secret|token|passw(?:or)?d|credential)[\w-]*|authorization|(?:set-)?cookie)"
)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@"), rf"\1{REMOVED}@"),
    (re.compile(r"(?i)\bbearer\s+[\w.~+/=-]{8,}"), REMOVED),
    (re.compile(r"(?i)(\bauthorization[\"']?\s*[:=]\s*)[\"']?\w+\s+[\w.~+/=-]+[\"']?"), rf"\1{REMOVED}"),
    # api_key=…, "token": "…", X-Api-Key: …, password '…'
    (
        re.compile(rf"(?i)(?<![\w-])({_NAMES_OF_SECRETS}[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s\"',;&}})\]]+)"),
        rf"\1{REMOVED}",
    ),
    # A query string says what was asked about whom.
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s?#\"'<>]+)\?[^\s\"'<>]+"), rf"\1?{REMOVED}"),
    (re.compile(r"[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
    # Social security numbers, then North American phones: +1 (212) 555-0123, 212.555.0123, 2125550123.
    (re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"), REMOVED),
    (
        re.compile(r"(?<![\w.])(?:\+?1[\s.-]?)?(?:\([2-9]\d\d\)\s?|[2-9]\d\d[\s.-]?)[2-9]\d\d[\s.-]?\d{4}(?!\w)"),
        "[phone]",
    ),
    # Any other number in international form.
    (re.compile(r"(?<!\w)\+\d{8,15}(?!\w)"), "[phone]"),
)
# A value under such a name goes whole, whatever it looks like.
_PRIVATE_NAME = re.compile(
    rf"(?i){_NAMES_OF_SECRETS}|phone|e_?mail|owner|(?:first|last|full)_?name|address|street|query|dsn|ssn|birth"
)
# Counts and flags under such a name (phones_found=3) tell nothing about a person.
_HARMLESS_NUMBER = 10**6


class Scrubber:
    """Removes the secrets of these settings by value, and whatever looks like a secret or a person."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
        known = sorted((form for form in forms if len(form) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Scrubber":
        """A scrubber that knows every secret setting, and the password inside each secret URL."""
        secrets: list[str] = []
        for name in Settings.model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr):
                text = value.get_secret_value()
                secrets += [text, urlsplit(text).password or "" if "://" in text else ""]
        return cls(secrets)

    def text(self, text: str) -> str:
        """The text with every secret, e-mail, phone and query string replaced."""
        if self._known:
            text = self._known.sub(REMOVED, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """The value with all texts in it scrubbed; what stands under a private name is removed whole."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            is_private = _PRIVATE_NAME.search(name) and abs(value) >= _HARMLESS_NUMBER
            return REMOVED if is_private else self._number(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(inner, name) for inner in value]
        if _PRIVATE_NAME.search(name):
            return REMOVED
        return self.text(value if isinstance(value, str) else str(value))

    def _number(self, value: float) -> Any:
        return value if self.text(str(value)) == str(value) else REMOVED
