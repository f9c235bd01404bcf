"""A web server for tests that takes webhooks, keeps them and answers as it is told."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl

WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Webhook:
    """One request as it came; names of headers in lower case."""

    path: str
    form: dict[str, str]
    headers: dict[str, str]


class WebhookReceiver(ThreadingHTTPServer):
    """`with WebhookReceiver() as receiver: … receiver.wait_for(3)`. `status`: what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.came: list[Webhook] = []
        self.bell = threading.Condition()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def wait_for(self, count: int, **fields: str) -> list[Webhook]:
        """The webhooks with these fields, once there are so many; fewer where they do not come in time."""
        deadline = time.monotonic() + WAIT_SECONDS
        with self.bell:
            while len(found := self.having(**fields)) < count and time.monotonic() < deadline:
                self.bell.wait(0.2)
        return found

    def having(self, **fields: str) -> list[Webhook]:
        """The webhooks with these fields that came so far."""
        return [one for one in self.came if fields.items() <= one.form.items()]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebhookReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.bell:
            self.server.came.append(Webhook(self.path, dict(parse_qsl(body, keep_blank_values=True)), headers))
            self.server.bell.notify_all()
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""
