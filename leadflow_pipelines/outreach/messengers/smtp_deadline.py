"""SMTP connections that a deadline can cut at any time: while they connect, encrypt, log in, send or say goodbye.

smtplib bounds each wait for bytes, not their sum. Not here: the deadline itself (`deadline`), what a cut means
(`smtp`).
"""

import smtplib
import socket
import ssl
from dataclasses import dataclass

from leadflow_pipelines.outreach.messengers.deadline import running_deadline


@dataclass
class _Wire:
    """A second handle on a connection: encryption takes the first away from whoever opened it."""

    sock: socket.socket


class _Watched(smtplib.SMTP):
    _wire: _Wire | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        opened: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        ends = running_deadline()
        if ends is not None:
            self._wire = _Wire(opened.dup())
            ends.watch(self._wire)
            if ends.is_over:
                opened.close()
                raise TimeoutError("connecting took as long as the whole e-mail may take")
        return opened

    def close(self) -> None:
        """Closes both handles."""
        super().close()
        wire, self._wire = self._wire, None
        ends = running_deadline()
        if ends is not None:
            ends.watch(None)
        if wire is not None:
            wire.sock.close()


class _WatchedSecure(smtplib.SMTP_SSL, _Watched):
    """Encrypted from the first byte: what it opens is watched before it is encrypted."""


def watched_smtp(host: str, port: int, *, timeout: float, name: str, tls: ssl.SSLContext | None) -> smtplib.SMTP:
    """A connection to a mail server that has greeted, under the deadline that runs.

    tls: encrypted from the first byte with it; None: in the clear. timeout: seconds for each wait. name: how this
    machine presents itself. Raises OSError, smtplib's among them.
    """
    if tls is None:
        return _Watched(host, port, local_hostname=name, timeout=timeout)
    return _WatchedSecure(host, port, local_hostname=name, timeout=timeout, context=tls)
