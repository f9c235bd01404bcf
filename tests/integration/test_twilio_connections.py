"""Texts through Twilio's library on lines that break or drip, each at a server of the test's own."""

import socket
import threading
import time
import uuid
from contextlib import contextmanager

import pytest

from leadflow_pipelines.outreach.messengers.messenger import NotProcessed, OutcomeUnknown, Outgoing
from leadflow_pipelines.outreach.messengers.twilio import TwilioMessenger

TIMEOUT = 3.0
DRIPPED = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" * 20
PAUSE_SECONDS = 0.1


def _messenger(base_url, timeout_seconds=TIMEOUT):
    return TwilioMessenger("AC" + "0" * 32, "x", base_url=base_url, timeout_seconds=timeout_seconds)


def _text():
    return Outgoing(uuid.uuid4(), "+12155550101", "+15005550106", "Hello")


@contextmanager
def _server(answer):
    """The address of a server that hands each connection to `answer`, on a thread of its own."""

    def serve(line):
        with line:
            answer(line)

    def listen(server):
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(line,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=listen, args=(server,), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_without_a_connection_nothing_was_sent():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid"):
        with pytest.raises(NotProcessed):
            _messenger(url).send(_text())


def test_headers_that_drip_past_the_deadline_are_cut_too():
    """Sent byte by byte, each within the time limit of a read; and the next request has a connection of its own."""
    asked = []

    def drip(line):
        asked.append(line.recv(65_536))
        for byte in DRIPPED:
            try:
                line.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(PAUSE_SECONDS)

    with _server(drip) as url:
        messenger = _messenger(url, timeout_seconds=1.0)
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(OutcomeUnknown) as caught:
                messenger.send(_text())
            assert caught.value.why == "no_answer"
            assert time.monotonic() - began < len(DRIPPED) * PAUSE_SECONDS / 4, "a quarter of all drops, 19 s"
    assert len(asked) == 2


def test_a_connection_that_closes_after_the_request_is_unknown():
    """A server that reads the request and hangs up without a word, which no library may answer with a second one."""
    heard = []
    with _server(lambda line: heard.append(line.recv(65_536))) as url, pytest.raises(OutcomeUnknown):
        _messenger(url).send(_text())
    assert len(heard) == 1
