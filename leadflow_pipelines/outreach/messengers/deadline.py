"""A time limit for a whole exchange: connection, request and answer together.

The libraries' own timeouts are for each wait for bytes, so an answer that drips may take for ever. Here: the limit, and
HTTP connections that obey it. Not here: those of SMTP (`smtp_deadline`), what a cut means (`twilio`, `smtp`).
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError

_running = threading.local()


class Connection(Protocol):
    """What a deadline can cut."""

    @property
    def sock(self) -> socket.socket | None:
        """Its end on this machine; None while there is none."""


class Deadline:
    """The end of one exchange. Its connection is cut there, whatever it is waiting for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self.is_over = False

    def watch(self, connection: Connection | None) -> None:
        """What is to be cut: nothing any more once the answer is whole, as the next request may use the connection."""
        with self._lock:
            self._connection = connection

    def cut(self) -> None:
        with self._lock:
            self.is_over = True
            if self._connection is not None and self._connection.sock is not None:
                with suppress(OSError):
                    self._connection.sock.shutdown(socket.SHUT_RDWR)


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """Exchanges of this thread end within so many seconds; `is_over` tells afterwards whether one was cut."""
    ends = Deadline()
    timer = threading.Timer(seconds, ends.cut)
    timer.daemon = True
    _running.deadline = ends
    timer.start()
    try:
        yield ends
    finally:
        _running.deadline = None
        ends.watch(None)
        timer.cancel()


def running_deadline() -> Deadline | None:
    """The one that bounds this thread now."""
    ends: Deadline | None = getattr(_running, "deadline", None)
    return ends


class DeadlineAdapter(HTTPAdapter):
    """A transport whose connections a deadline can cut, also through a proxy."""

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Watched(HTTPConnection):
    """Before the first byte a request that is too late is not made: nothing was sent then."""

    def connect(self) -> None:
        super().connect()
        ends = running_deadline()
        if ends is not None and ends.is_over:
            self.close()
            raise ConnectTimeoutError(self, "The connection took as long as the whole request may take.")

    def request(self, *given: Any, **named: Any) -> None:
        ends = running_deadline()
        if ends is not None:
            ends.watch(self)
        super().request(*given, **named)


class _Plain(HTTPConnectionPool):
    ConnectionCls = _Watched


class _WatchedSecure(_Watched, HTTPSConnection):
    pass


class _Secure(HTTPSConnectionPool):
    ConnectionCls = _WatchedSecure


_POOLS = {"http": _Plain, "https": _Secure}
