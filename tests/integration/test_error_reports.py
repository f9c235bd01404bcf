"""An error in a process of its own arrives at an envelope receiver, without the person or the key in it."""

import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PRIVATE = ("212-555-0123", "ann@mail.example", "k3y-of-attom-77", "Ann Example", "12 Example Street")
CHILD = """
import logging, sys
from leadflow_pipelines.observability import *
from leadflow_pipelines.settings import load_settings

settings = load_settings()
configure_logging(settings, process="run")
init_error_reports(settings, process="run")
log = logging.getLogger("leadflow_pipelines.child")

def pull(owner_name, street):
    log.warning("asking https://vendor.example/p?owner=%s with %s", owner_name, "k3y-of-attom-77")
    raise ValueError("212-555-0123 and ann@mail.example refused key k3y-of-attom-77")

with bind_correlation(correlation_id="c" * 32, run_id="run-7", org="default"):
    if sys.argv[1] == "unhandled":
        pull("Ann Example", "12 Example Street")
    try:
        pull("Ann Example", "12 Example Street")
    except ValueError as error:
        if sys.argv[1] == "logged":
            log.exception("the pull failed", extra={"owner_name": "Ann Example"})
        else:
            report_error(error, job="daily", note="call 212-555-0123")
    flush_error_reports()
"""


@pytest.fixture
def envelopes() -> Iterator[tuple[str, list[bytes]]]:
    """A DSN on loopback and the envelopes sent to it so far."""
    received: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://publickey@127.0.0.1:{server.server_port}/1", received
        server.shutdown()


def run_child(how: str, home: Path, dsn: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "LEADFLOW_HOME": str(home),
        "LEADFLOW_SENTRY_DSN": dsn,
        "LEADFLOW_ATTOM_API_KEY": "k3y-of-attom-77",
        "LEADFLOW_ENVIRONMENT": "test",
    }
    return subprocess.run(
        [sys.executable, "-c", CHILD, how],
        check=False,
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
    )


def event_of(envelope: bytes) -> dict[str, Any]:
    (event,) = [json.loads(line) for line in envelope.splitlines() if b'"exception"' in line]
    return dict(event)


@pytest.mark.parametrize("how", ["unhandled", "logged", "reported"])
def test_an_error_arrives_with_its_id_and_without_secrets_or_people(
    how: str, tmp_path: Path, envelopes: tuple[str, list[bytes]]
) -> None:
    dsn, received = envelopes
    run_child(how, tmp_path, dsn)
    assert len(received) == 1
    event = event_of(received[0])
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    assert event["tags"] == {
        "process": "run",
        "correlation_id": "c" * 32,
        "run_id": "run-7",
        "org": "default",
        **({"job": "daily", "note": "call [phone]"} if how == "reported" else {}),
    }
    assert event["environment"] == "test"
    functions = [frame["function"] for frame in event["exception"]["values"][-1]["stacktrace"]["frames"]]
    assert functions[-1] == "pull"
    assert not [private for private in PRIVATE if private in received[0].decode()]
    written = (tmp_path / "logs" / "leadflow.jsonl").read_text()
    assert not [private for private in PRIVATE if private in written]


def test_without_a_dsn_nothing_is_sent(tmp_path: Path, envelopes: tuple[str, list[bytes]]) -> None:
    run_child("reported", tmp_path, "")
    assert envelopes[1] == []
