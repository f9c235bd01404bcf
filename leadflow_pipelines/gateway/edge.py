"""Around every request: its correlation id, security headers, one log line, and errors that tell nothing of us.

No line holds an address, a form, a token, a number or a text.
"""

import logging
import time
import traceback
from collections.abc import Mapping
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadflow_pipelines.errors import DatabaseUnavailable
from leadflow_pipelines.observability import bind_correlation, new_correlation_id

logger = logging.getLogger(__name__)
CORRELATION_HEADER = "X-Correlation-Id"
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
HSTS = "max-age=31536000"
RETRY_SECONDS = "5"


class Edge:
    """ASGI middleware; the outermost one. `is_https`: whether the internet reaches us with encryption."""

    def __init__(self, app: ASGIApp, *, org: str, is_https: bool) -> None:
        self._app, self._org = app, org
        self._headers = {**SECURITY_HEADERS, **({"Strict-Transport-Security": HSTS} if is_https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; what is no request passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 0
        correlation_id = new_correlation_id()  # never the caller's own: it ends up in our logs

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in {**self._headers, CORRELATION_HEADER: correlation_id}.items():
                    headers.setdefault(name, value)
            await send(message)

        with bind_correlation(correlation_id=correlation_id, org=self._org):
            try:
                await self._app(scope, receive, send_dressed)
            except Exception as error:
                _log_fault(error)
                if status:  # the answer has begun: all that is left is to break it off
                    raise RuntimeError("the answer broke off") from None
                await _failure(error, correlation_id)(scope, receive, send_dressed)
            route = getattr(scope.get("route"), "path", "none")
            facts = {"method": scope["method"], "route": route, "status": status}
            logger.info("request", extra={**facts, "milliseconds": round((time.monotonic() - began) * 1000)})


def _failure(error: Exception, correlation_id: str) -> JSONResponse:
    """What a caller learns of our troubles: that there are some, and under which id we find them."""
    is_away = isinstance(error, DatabaseUnavailable)
    told = {"error": "unavailable" if is_away else "internal", "correlation_id": correlation_id}
    return JSONResponse(told, 503 if is_away else 500, {"Retry-After": RETRY_SECONDS} if is_away else None)


def _log_fault(error: Exception) -> None:
    """The kind of an error and where it came from; its text may quote what people wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
    logger.error("a request failed", extra={"fault": type(error).__name__, "at": places})
