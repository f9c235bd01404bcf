"""The sandbox's HTTP server: vendors by their prefixes, faults and sockets.

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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from leadflow_pipelines.errors import InvalidInput
from leadflow_pipelines.providers.sandbox.books import Books
from leadflow_pipelines.providers.sandbox.distortions import distorted, miscounted_head
from leadflow_pipelines.providers.sandbox.faults import Fault, FaultSwitch
from leadflow_pipelines.providers.sandbox.places import find_place
from leadflow_pipelines.providers.sandbox.turnover import Turnover
from leadflow_pipelines.providers.sandbox.vendor import NO_SUCH_PATH, Desk, Reply, Request, Vendor
from leadflow_pipelines.providers.sandbox.vendors import VENDOR_NAMES, load_vendors
from leadflow_pipelines.providers.sandbox.world import World

LEDGER_PATH = "/_sandbox/ledger"
FAULTS_PATH = "/_sandbox/faults"
PARENT_CHECK_SECONDS = 0.5
DRIPS = 20


class SandboxServer(ThreadingHTTPServer):
    """The simulated vendors on one loopback port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, world: World, vendors: Collection[str]) -> None:
        super().__init__((host, port), _Handler)
        self.world = world
        self.books = Books()
        self.faults = FaultSwitch(world.seed)
        self.vendors = {prefix: vendor for vendor in load_vendors(vendors) for prefix in vendor.prefixes}
        self.turnover = Turnover(world.calls_per_second)
        opening = {one.name: one.open_desk for one in self.vendors.values() if one.open_desk is not None}
        self.desks = {name: open_desk(world, self.faults) for name, open_desk in opening.items()}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def vendor_at(self, path: str) -> tuple[Vendor, str] | None:
        """The vendor that serves a path, and the prefix under which it does."""
        for prefix, vendor in self.vendors.items():
            if path.startswith(f"{prefix}/") or path == prefix:
                return vendor, prefix
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no fault of ours; anything else is shown."""
        with contextlib.suppress(ConnectionError):
            super().handle_error(request, client_address)


def run_sandbox(
    host: str = "127.0.0.1",
    port: int = 8900,
    *,
    world: World | None = None,
    presets: Sequence[str] = (),
    shares: Sequence[str] = (),
    vendors: Collection[str] = VENDOR_NAMES,
    parent: int | None = None,
) -> None:
    """Serves until interrupted; prints one JSON line with its URL when ready. Dies with process `parent`.

    `presets`: names of fault presets, set from the start; `shares`: faults like twilio.filtered=0.1. `vendors`: who is
    simulated. Raises InvalidInput where there is no preset or fault of a name.
    """
    with SandboxServer(host, port, world or World(), vendors) as server:
        server.faults.preset(presets)
        for told in shares:
            server.faults.arm_share(told)
        if parent is not None:
            threading.Thread(target=_follow, args=(parent,), daemon=True).start()
        print(orjson.dumps({"url": server.url}).decode(), flush=True)
        if any(one.open_desk is None for one in server.vendors.values()):
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
        if self.path == LEDGER_PATH:
            self._send(Reply(200, self.server.books.as_json()))
        else:
            self._serve(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == FAULTS_PATH:
            self._arm(body)
        else:
            self._serve(body)

    def do_DELETE(self) -> None:
        if self.path == FAULTS_PATH:
            self.server.faults.disarm()
        elif self.path == LEDGER_PATH:
            self.server.books.clear()
        else:
            self._serve(b"")
            return
        self._send(Reply(200, {}))

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the books at /_sandbox/ledger say what was asked."""

    def _arm(self, body: bytes) -> None:
        try:
            self.server.faults.arm(orjson.loads(body))
        except InvalidInput as error:
            self._send(Reply(400, {"error": str(error)}))
        else:
            self._send(Reply(200, {}))

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        found = self.server.vendor_at(url.path)
        if found is None:
            self._send(NO_SUCH_PATH)
            return
        vendor, prefix = found
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        request = Request(self.command, url.path[len(prefix) :], query, headers, body, prefix)
        desk = self.server.desks.get(vendor.name)
        if desk is not None:
            self._ask_desk(desk, vendor, request)
            return
        reply = (
            vendor.too_many
            if self.server.turnover.is_too_fast(vendor.name)
            else vendor.answer(self.server.world, request)
        )
        fault = self.server.faults.next_for(
            vendor.name, reply.zip, self.path.encode() + _without_boundary(body, headers)
        )
        if fault is not None and not vendor.can_suffer(fault.kind):
            fault = None
        refusal = _refusal(vendor, fault)
        is_refused = refusal is not None or reply is vendor.too_many or reply.status in (401, 403, 429)
        billed = 0 if is_refused else reply.billed
        path = self.path if vendor.books_paths else None
        is_struck = fault is not None and (fault.kind != "duplicate_page" or _page_before(vendor, request) is not None)
        self.server.books.enter(
            vendor.name, reply.zip, billed=billed, is_refused=is_refused, is_struck=is_struck, path=path
        )
        if refusal is not None or fault is None:
            self._send(refusal or reply)
        else:
            self._suffer(fault, vendor, request, reply)

    def _ask_desk(self, desk: Desk, vendor: Vendor, request: Request) -> None:
        is_too_fast = self.server.turnover.is_too_fast(vendor.name)
        reply, fault = (vendor.too_many, None) if is_too_fast else desk.answer(request)
        is_refused = reply.status in (401, 403, 429)
        if request.prefix == vendor.prefixes[0]:
            self.server.books.enter(
                vendor.name, None, billed=reply.billed, is_refused=is_refused, is_struck=fault is not None
            )
        if fault is None:
            self._send(reply)
        else:
            self._suffer(fault, vendor, request, reply)

    def _suffer(self, fault: Fault, vendor: Vendor, request: Request, reply: Reply) -> None:
        content = reply.content
        match fault.kind:
            case "slow":
                time.sleep(fault.seconds)
                self._send(reply)
            case "slow_drip":
                self._drip(reply, fault.seconds)
            case "reset":
                self._reset()
            case "reset_midway":
                self._write(reply, content[: len(content) // 2], len(content))
                self._reset()
            case "timeout":
                time.sleep(fault.seconds)
                self._hang_up()
            case "cut_off":
                self._write(reply, content[: len(content) // 2], len(content))
                self._hang_up()
            case "duplicate_page":
                before = _page_before(vendor, request)
                self._send(vendor.answer(self.server.world, request.asking(before)) if before else reply)
            case _:
                spoiled = distorted(reply, fault.kind, vendor.shape)
                self._write(miscounted_head(reply, fault.kind, vendor.shape), spoiled, len(spoiled))

    def _drip(self, reply: Reply, seconds: float) -> None:
        content = reply.content
        step = max(1, -(-len(content) // DRIPS))
        self._write(reply, content[:step], len(content))
        for start in range(step, len(content), step):
            time.sleep(seconds / DRIPS)
            self.wfile.write(content[start : start + step])

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, reply: Reply) -> None:
        content = reply.content
        self._write(reply, content, len(content))

    def _write(self, reply: Reply, content: bytes, length: int) -> None:
        """Head and body in one write: two small ones would wait for each other's acknowledgement."""
        head: Mapping[str, str] = {"Content-Type": reply.content_type, "Content-Length": str(length), **reply.headers}
        told = self.responses.get(reply.status, ("",))[0]
        lines = [f"HTTP/1.1 {reply.status} {told}", *(f"{name}: {value}" for name, value in head.items())]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + content)


def _page_before(vendor: Vendor, request: Request) -> Mapping[str, str] | None:
    return vendor.shape.page_before(request.query) if vendor.shape.page_before else None


def _without_boundary(body: bytes, headers: Mapping[str, str]) -> bytes:
    """The body without what a client draws by lot between the parts of a form."""
    _, _, boundary = headers.get("content-type", "").partition("boundary=")
    return body.replace(boundary.encode(), b"") if boundary else body


def _refusal(vendor: Vendor, fault: Fault | None) -> Reply | None:
    """The refusal that a fault means, or None where the vendor does its work."""
    after = {"Retry-After": fault.retry_after} if fault is not None and fault.retry_after is not None else {}
    match fault:
        case Fault(kind="status"):
            return Reply(fault.status, {"error": "simulated"}, headers=after)
        case Fault(kind="too_many"):
            return replace(vendor.too_many, headers={**vendor.too_many.headers, **after})
        case Fault(kind="expired_key"):
            return vendor.expired
        case Fault(kind="empty_wallet"):
            return vendor.empty
    return None
