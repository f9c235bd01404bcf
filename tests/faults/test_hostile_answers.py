"""Answers no vendor should give, over a real socket: bounded, counted, told apart; the key stays where it belongs."""

import contextlib
import gzip
import logging
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson
import pytest

from leadflow_pipelines.providers.exchange import MOST_BYTES
from tests.shop import POLICY, RECORDS_PER_ZIP

ZIP_CENTS = 10 * RECORDS_PER_ZIP
HTML = b"<!DOCTYPE html><html><title>Down for maintenance</title></html>"
Write = Callable[[bytes], None]


@dataclass
class Vendor:
    """Answers each request with what `answer` writes to the socket, and remembers the requests."""

    answer: Callable[["Vendor", Write], None]
    url: str = ""
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def listening(answer: Callable[[Vendor, Write], None], *, host: str = "127.0.0.1") -> Iterator[Vendor]:
    vendor = Vendor(answer)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            vendor.requests.append(head)
            with contextlib.suppress(OSError):  # the client has had enough
                vendor.answer(vendor, self.wfile.write)

    kind = type("Server", (socketserver.ThreadingTCPServer,), {"daemon_threads": True})
    if ":" in host:
        kind.address_family = socketserver.socket.AF_INET6
    with kind((host, 0), Handler) as server:
        named = f"[{host}]" if ":" in host else host
        vendor.url = f"http://{named}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield vendor
        server.shutdown()


def says(body: bytes, *, status: str = "200 OK", headers: str = "") -> Callable[[Vendor, Write], None]:
    """A vendor that always answers this."""
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n".encode()
    return lambda _, write: write(head + body)


def page(*ids: int, size: int = RECORDS_PER_ZIP) -> bytes:
    """A page of properties in the vendor's shape."""
    properties = [{"identifier": {"attomId": number}} for number in ids]
    return orjson.dumps({"status": {"msg": "SuccessWithResult", "pagesize": size}, "property": properties})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (says(HTML, headers="content-type: text/html\r\n"), "a web page instead of data"),
        (says(b"\n  <html>", headers="content-type: application/json\r\n"), "a web page instead of data"),
        (says(b""), "the answer is empty"),
        (says(b"not gzip", headers="content-encoding: gzip\r\n"), "DecodingError"),
    ],
    ids=["web page", "web page said to be JSON", "empty", "not gzip"],
)
def test_an_answer_without_data_is_named_bounded_and_counted(shop, answer, message):
    shop.allow(100_000)
    with listening(answer) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        partial = shop.buy("19103", guard=guard)
    assert [one.reason for one in partial.unmade] == ["transient"]
    assert message in partial.unmade[0].message
    assert len(vendor.requests) == POLICY["attempts"]
    assert shop.budget().spent_cents == POLICY["attempts"] * ZIP_CENTS, "each may have been billed"
    assert shop.outcomes() == ["unknown"] * POLICY["attempts"]


def test_data_under_another_content_type_is_data(shop):
    shop.allow(100_000)
    answer = says(page(1, 2), headers="content-type: text/html; charset=utf-7\r\n")
    with listening(answer) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        bought = shop.buy("19103", guard=guard)
    assert (bought.is_partial, bought.items) == (False, 2)


def _bomb(_: Vendor, write: Write) -> None:
    body = gzip.compress(bytes(2 * MOST_BYTES), 1)
    write(f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)


def _said_to_be_large(_: Vendor, write: Write) -> None:
    write(f"HTTP/1.1 200 OK\r\ncontent-length: {MOST_BYTES + 1}\r\n\r\n".encode())


@pytest.mark.parametrize("answer", [_bomb, _said_to_be_large])
def test_an_answer_that_is_too_large_is_not_read_and_yet_counted(shop, answer):
    shop.allow(100_000)
    with listening(answer) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        partial = shop.buy("19103", guard=guard)
    assert [one.reason for one in partial.unmade] == ["terminal"]
    assert f"more than {MOST_BYTES >> 20} MB" in partial.unmade[0].message
    assert len(vendor.requests) == 1
    assert shop.budget().spent_cents == ZIP_CENTS
    assert shop.outcomes() == ["unknown"]


@pytest.mark.parametrize(("status", "cents"), [("202 Accepted", ZIP_CENTS), ("302 Found", 0), ("404 Not Found", 0)])
def test_a_success_we_do_not_know_may_have_been_billed(shop, status, cents):
    shop.allow(100_000)
    with listening(says(b"", status=status)) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        partial = shop.buy("19103", guard=guard)
    assert [one.reason for one in partial.unmade] == ["terminal"]
    assert f"HTTP {status[:3]}" in partial.unmade[0].message
    assert shop.budget().spent_cents == cents


def test_a_redirect_takes_the_key_nowhere(shop, caplog):
    shop.allow(100_000)
    secret = shop.settings.attom_api_key.get_secret_value()
    with listening(says(page(1))) as thief:
        sends_away = says(b"", status="307 Temporary Redirect", headers=f"location: {thief.url}/?k={secret}\r\n")
        with (
            caplog.at_level(logging.DEBUG, "leadflow_pipelines"),
            listening(sends_away) as vendor,
            shop.guard(attom_base_url=vendor.url) as guard,
        ):
            partial = shop.buy("19103", guard=guard)
        assert thief.requests == []
    assert secret.encode() in vendor.requests[0]
    assert "redirect, which is not followed" in partial.unmade[0].message
    assert secret not in f"{partial.unmade} {shop.ledger()} {[vars(one) for one in caplog.records]}"
    assert shop.budget().spent_cents == 0


@pytest.mark.parametrize("retry_after", ["Fri, 31 Dec 9999 23:59:59 GMT", "99999999999", "inf"])
def test_an_absurd_wait_is_not_begun(shop, retry_after):
    shop.allow(100_000)
    answer = says(b"", status="429 Too Many Requests", headers=f"retry-after: {retry_after}\r\n")
    with listening(answer) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        partial = shop.buy("19103", guard=guard)
    assert [one.reason for one in partial.unmade] == ["transient"]
    assert (len(vendor.requests), shop.waits.seconds) == (1, [])


@pytest.mark.parametrize("retry_after", ["-7", "nan", "soon", f"Fri, 31 Dec {'9' * 30} 23:59:59 GMT"])
def test_a_wait_that_says_nothing_is_no_wait(shop, retry_after):
    shop.allow(100_000)
    answer = says(b"", status="503 Service Unavailable", headers=f"retry-after: {retry_after}\r\n")
    with listening(answer) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        partial = shop.buy("19103", guard=guard)
    assert [one.message for one in partial.unmade] == ["attom: HTTP 503"]
    assert len(vendor.requests) == POLICY["attempts"]
    assert all(0 <= seconds < 60 for seconds in shop.waits.seconds)


def _never_ends(_: Vendor, write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        write(b"1\r\n \r\n")
        time.sleep(0.02)


def _headers_never_end(_: Vendor, write: Write) -> None:
    write(b"HTTP/1.1 200 OK\r\n")
    while True:
        write(b"x: y\r\n")
        time.sleep(0.02)


@pytest.mark.parametrize("answer", [_never_ends, _headers_never_end])
def test_an_answer_without_an_end_ends_with_the_attempts_time(shop, answer):
    shop.allow(100_000)
    began = time.monotonic()
    with listening(answer) as vendor, shop.guard(attom_base_url=vendor.url, http_timeout_seconds=0.3) as guard:
        partial = shop.buy("19103", guard=guard)
    assert time.monotonic() - began < 20
    assert [one.reason for one in partial.unmade] == ["transient"]
    assert len(vendor.requests) == POLICY["attempts"]
    assert shop.budget().spent_cents == POLICY["attempts"] * ZIP_CENTS


def test_a_key_that_expires_between_pages_keeps_what_was_paid(shop):
    """Two pages of five; the second is refused. Later, with a good key, only it is asked for."""
    shop.allow(100_000)

    def expires(vendor: Vendor, write: Write) -> None:
        first = len(vendor.requests) == 1
        says(page(*range(5)) if first else b"", status="200 OK" if first else "401 Unauthorized")(vendor, write)

    with listening(expires) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        partial = shop.buy("19103", guard=guard, most_records=10)
    assert ([pull.items for pull in partial.pulls], [one.reason for one in partial.unmade]) == ([5], ["terminal"])
    assert "LEADFLOW_ATTOM_API_KEY" in partial.unmade[0].message
    assert shop.budget().spent_cents == 50
    with listening(says(page(5, 6))) as vendor, shop.guard(attom_base_url=vendor.url) as guard:
        whole = shop.buy("19103", guard=guard, most_records=10)
    assert (whole.is_partial, whole.provider_calls, whole.items, len(vendor.requests)) == (False, 1, 7, 1)
    assert shop.budget().spent_cents == 70


def test_a_vendor_at_an_address_of_six_parts_is_asked_like_others(shop):
    shop.allow(100_000)
    try:
        with listening(says(page(1)), host="::1") as vendor, shop.guard(attom_base_url=vendor.url) as guard:
            assert shop.buy("19103", guard=guard).items == 1
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback ({error})")


def test_a_name_that_nobody_knows_costs_nothing_and_says_so(shop):
    shop.allow(100_000)
    with shop.guard(attom_base_url="http://vendor.invalid/v1") as guard:
        partial = shop.buy("19103", guard=guard)
    assert "no connection" in partial.unmade[0].message
    assert "base URL" in partial.unmade[0].message
    assert shop.budget().spent_cents == shop.budget().reserved_cents == 0
