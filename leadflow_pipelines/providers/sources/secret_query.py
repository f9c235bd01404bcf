"""Requests whose key travels in the query, as some vendors want it: the key goes over the wire and nowhere else.

An HTTP client writes the URL of each request to its log and into what it reports of an error. The URL made here goes
out whole and shows itself without its query.
"""

from collections.abc import Mapping
from typing import Any

import httpx


class QuietUrl(httpx.URL):
    """A URL that, as text, ends before its query. What goes over the wire (`raw_path`) is whole."""

    def __str__(self) -> str:
        return super().__str__().partition("?")[0]

    def __repr__(self) -> str:
        return f"QuietUrl({str(self)!r})"


def get_quietly(url: str, parameters: Mapping[str, Any], secret: Mapping[str, str]) -> httpx.Request:
    """GET of JSON with these parameters and the secret ones among them."""
    request = httpx.Request("GET", url, headers={"accept": "application/json"})
    request.url = QuietUrl(url, params={**parameters, **secret})
    return request
