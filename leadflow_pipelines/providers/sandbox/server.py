"""The sandbox's HTTP server: routes, faults and sockets.

The standard library's threading server: it starts in a tenth of a second, needs no framework, and gives the
bare socket that a faithful connection reset needs. A page of 250 properties takes 9 ms, nearly all of it
drawing them.
"""

import contextlib
import os
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.sandbox.faults import Fault, FaultSwitch
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.vendors import (
    ATTOM_PATH,
    BATCHDATA_PATH,
    BATCHDATA_V3_PATH,
    Books,
    Reply,
    World,
    answer_attom,
    answer_batchdata,
)

LEDGER_PATH = "/_sandbox/ledger"
FAULTS_PATH = "/_sandbox/faults"
PARENT_CHECK_SECONDS = 0.5


class SandboxServer(ThreadingHTTPServer):
    """The simulated vendors on one loopback port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, world: World) -> None:
        super().__init__((host, port), _Handler)
        self.world = world
        self.books = Books()
        self.faults = FaultSwitch()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of ours; anything else is shown."""
        with contextlib.suppress(ConnectionError):
            super().handle_error(request, client_address)


def run_sandbox(
    host: str = "127.0.0.1", port: int = 8900, *, world: World | None = None, parent: int | None = None
) -> None:
    """Serves until interrupted; prints one JSON line with its URL when ready. Dies with process `parent`."""
    with SandboxServer(host, port, world or World()) as server:
        if parent is not None:
            threading.Thread(target=_follow, args=(parent,), daemon=True).start()
        print(orjson.dumps({"url": server.url}).decode(), flush=True)
        threading.Thread(target=find_place, args=("00501",), daemon=True).start()  # reads the ZIP table: 0.5 s
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os._exit(0)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SandboxServer

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == LEDGER_PATH:
            self._send(200, self.server.books.as_json())
        elif url.path == f"{ATTOM_PATH}/property/expandedprofile":
            self._serve(answer_attom(self.server.world, self._headers(), dict(parse_qsl(url.query))))
        else:
            self._send(404, {"error": "no such path"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == FAULTS_PATH:
            self._arm(body)
        elif self.path in (f"{BATCHDATA_PATH}/property/skip-trace", f"{BATCHDATA_V3_PATH}/property/skip-trace"):
            is_v3 = self.path.startswith(BATCHDATA_V3_PATH)
            self._serve(answer_batchdata(self.server.world, self._headers(), orjson.loads(body), is_v3=is_v3))
        else:
            self._send(404, {"error": "no such path"})

    def do_DELETE(self) -> None:
        if self.path == FAULTS_PATH:
            self.server.faults.disarm()
        elif self.path == LEDGER_PATH:
            self.server.books.clear()
        else:
            self._send(404, {"error": "no such path"})
            return
        self._send(200, {})

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the books at /_sandbox/ledger say what was asked."""

    def _arm(self, body: bytes) -> None:
        try:
            self.server.faults.arm(orjson.loads(body))
        except InvalidInput as error:
            self._send(400, {"error": str(error)})
        else:
            self._send(200, {})

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _serve(self, reply: Reply) -> None:
        fault = self.server.faults.next_for(reply.provider, reply.zip)
        is_refused = reply.status in (401, 403) or (fault is not None and fault.kind == "status")
        billed = 0 if is_refused else reply.billed
        self.server.books.enter(reply.provider, reply.zip, billed=billed, is_refused=is_refused)
        if fault is None:
            self._send(reply.status, reply.body)
        else:
            self._suffer(fault, reply)

    def _suffer(self, fault: Fault, reply: Reply) -> None:
        body = orjson.dumps(reply.body)
        match fault.kind:
            case "status":
                after = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
                self._send(fault.status, {"error": "simulated"}, after)
            case "slow":
                time.sleep(fault.seconds)
                self._send(reply.status, reply.body)
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self._hang_up()
            case "timeout":
                time.sleep(fault.seconds)
                self._hang_up()
            case "cut_off":
                self._write(200, body[: len(body) // 2], len(body), {})
                self._hang_up()
            case "truncated_json":
                self._write(200, body[: len(body) // 2], len(body) // 2, {})
            case "wrong_shape":
                self._send(200, {"unexpected": True})

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = orjson.dumps(body)
        self._write(status, content, len(content), headers or {})

    def _write(self, status: int, content: bytes, length: int, headers: dict[str, str]) -> None:
        """Head and body in one write: two small ones would wait for each other's acknowledgement."""
        head = {"Content-Type": "application/json", "Content-Length": str(length), **headers}
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}", *(f"{k}: {v}" for k, v in head.items())]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + content)
