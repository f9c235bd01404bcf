"""One HTTP request and its answer, with every way of failing named: worth another try or not, billed or not.

A request that may have reached the vendor may have been billed. Messages hold no URL, header or body, because
keys and personal data travel in them.
"""

import datetime as dt
import time
from email.utils import parsedate_to_datetime

import httpx

from leadflow_pipelines.errors import ProviderError, Terminal, Transient
from leadflow_pipelines.providers.deadline import ends_at
from leadflow_pipelines.providers.source import HttpAnswer, Source

MOST_BYTES = 64 * 1024 * 1024
"""Unpacked; several may arrive at once."""
PEEK = 512
BLANK = b" \t\r\n\xef\xbb\xbf"
WEB_PAGE = (b"<!doctype html", b"<html")
REDIRECTS = (301, 302, 303, 307, 308)
NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def exchange(client: httpx.Client, request: httpx.Request, *, provider: str, seconds: float) -> HttpAnswer:
    """Sends the request and reads the whole answer within `seconds`. Raises Transient where that fails."""
    started = time.perf_counter()
    request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()
    try:
        with ends_at(started + seconds):
            response = client.send(request, stream=True)
            try:
                body = _read_body(response, provider, started + seconds)
            finally:
                response.close()
    except NEVER_ARRIVED as error:
        raise Transient(
            f"no connection ({type(error).__name__})",
            provider=provider,
            remedy="Check the network and the provider's base URL.",
            may_be_billed=False,
        ) from error
    except httpx.TimeoutException as error:
        raise Transient(f"no answer within {seconds:g} s ({type(error).__name__})", provider=provider) from error
    except httpx.RequestError as error:
        raise Transient(f"the connection broke ({type(error).__name__})", provider=provider) from error
    latency_ms = round((time.perf_counter() - started) * 1000)
    return HttpAnswer(response.status_code, response.headers, body, latency_ms)


def refusal(answer: HttpAnswer, source: Source, now: dt.datetime) -> ProviderError:
    """The error that a status means. 429 was not processed; a 5xx may have been, and may be billed."""
    message = f"HTTP {answer.status}"
    remedy = source.remedies.get(answer.status)
    wait = retry_after_seconds(answer.headers.get("retry-after"), now)
    if answer.status == httpx.codes.TOO_MANY_REQUESTS:
        return Transient(
            f"{message}, too many requests",
            provider=source.name,
            remedy=remedy,
            retry_after_seconds=wait,
            may_be_billed=False,
            is_throttled=True,
        )
    if answer.status >= 500 or answer.status == httpx.codes.REQUEST_TIMEOUT:
        return Transient(message, provider=source.name, remedy=remedy, retry_after_seconds=wait)
    if answer.status in REDIRECTS:
        message += ", a redirect, which is not followed: the key is for this address only"
        remedy = remedy or f"Check the base URL of {source.name}."
    return Terminal(message, provider=source.name, remedy=remedy)


def check_data(answer: HttpAnswer, provider: str) -> None:
    """Raises Transient for a 200 that is no data at all: nothing, or a page for people."""
    if answer.status != httpx.codes.OK:
        return
    opening = answer.body[:PEEK].lstrip(BLANK).lower()
    if not opening:
        raise Transient("the answer is empty", provider=provider)
    if opening.startswith(WEB_PAGE):
        raise Transient(
            "the answer is a web page instead of data",
            provider=provider,
            remedy="It may be a login or a maintenance page, or the base URL is wrong: open it in a browser.",
        )


def retry_after_seconds(value: str | None, now: dt.datetime) -> float | None:
    """Seconds that a Retry-After header asks for, written as a number or as an HTTP date; None where it does not."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (OverflowError, TypeError, ValueError):
        return None


def _read_body(response: httpx.Response, provider: str, deadline: float) -> bytes:
    """The body; httpx's own timeouts bound each read, not their sum, so a dripping server is stopped here."""
    chunks: list[bytes] = []
    told = response.headers.get("content-length", "")
    too_large = Terminal(f"an answer of more than {MOST_BYTES >> 20} MB", provider=provider)
    if told.isdecimal() and int(told) > MOST_BYTES:
        raise too_large
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if time.perf_counter() > deadline:
            raise Transient("the answer did not end in time", provider=provider)
        if size > MOST_BYTES:
            raise too_large
    return b"".join(chunks)
