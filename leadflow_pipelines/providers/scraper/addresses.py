"""Addresses of a site's pages: whole, comparable, and inside or outside of what a recipe allows.

Not here: what robots.txt says of them (`robots`).
"""

import hashlib
import ipaddress
import posixpath
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

LOGIN_PATH = re.compile(r"(^|[/_-])(log[-_]?in|log[-_]?on|sign[-_]?in|sign[-_]?on|sso|oauth2?|authenticate)([/._-]|$)")


def absolute_url(page: str, link: str) -> str:
    """The whole address of a link on a page, without its fragment."""
    parts = urlsplit(urljoin(page, link.strip()))
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._{}")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), path, parts.query, ""))


def site_of(url: str) -> str:
    """Scheme, host and port of an http(s) address; "" for anything else."""
    parts = urlsplit(url)
    is_web = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return f"{parts.scheme}://{parts.netloc.lower()}" if is_web else ""


def lies_below(url: str, site: str, paths: Iterable[str]) -> bool:
    """Whether an address is on the site and its path begins with one of `paths`, as written and with `..`, `%2e` and
    `//` taken out.
    """
    if site_of(url) != site:
        return False
    path = urlsplit(url).path or "/"
    plain = posixpath.normpath(unquote(path))
    plain = f"{plain.rstrip('/')}/" if path.endswith("/") else plain
    plain = f"/{plain.lstrip('/')}"
    prefixes = tuple(paths)
    return path.startswith(prefixes) and plain.startswith(prefixes)


def is_login(url: str) -> bool:
    """Whether an address is that of a login page, by its path."""
    return LOGIN_PATH.search(urlsplit(url).path.lower()) is not None


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def filled(template: str, values: Mapping[str, str], *, is_url: bool) -> str:
    """The template with its placeholders filled in, escaped where it is an address."""
    safe = {name: quote(value, safe="") if is_url else value for name, value in values.items()}
    return template.format_map(safe)


def hash_of(url: str, form_values: Mapping[str, str]) -> str:
    """SHA-256 of what is asked for: a page, or a form with these values."""
    asked = "\n".join([url, *(f"{name}={form_values[name]}" for name in sorted(form_values))])
    return hashlib.sha256(asked.encode()).hexdigest()
