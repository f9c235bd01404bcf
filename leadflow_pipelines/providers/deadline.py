"""One deadline for all that an exchange with a vendor reads and writes, its headers included.

httpx bounds each read, not their sum: a vendor that sends its headers a line at a time would hold a run for days.
Not here: how long an exchange may take (`exchange`), nor the body, which the same deadline ends.
"""

import math
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore
import httpx

_UNTIL: ContextVar[float] = ContextVar("until", default=math.inf)
"""In seconds of time.perf_counter. An exchange reads and writes in the thread that asked for it."""


@contextmanager
def ends_at(instant: float) -> Iterator[None]:
    """Within the block, what clients with `bound_exchanges` read or write ends at that instant of perf_counter."""
    token = _UNTIL.set(instant)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def bound_exchanges(client: httpx.Client) -> httpx.Client:
    """The client, obeying `ends_at` from now on, through a proxy as well.

    httpx has no option for it, and a transport of our own would lose the proxies that the environment names.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _Backend(pool._network_backend)
    return client


def _left(timeout: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """The smaller of the timeout and what is left; None where nothing bounds."""
    left = _UNTIL.get() - time.perf_counter()
    if left <= 0:
        raise error("the deadline has passed")
    return timeout if math.isinf(left) else left if timeout is None else min(timeout, left)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, left, local_address, socket_options))
