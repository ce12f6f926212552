"""Who may ask, what every answer has, and what is counted."""

from __future__ import annotations

import hmac
import time
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fruits_kedro.serving.metrics import Metrics

_OPEN = ("/", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
_LOCAL = ("127.0.0.1", "localhost", "::1")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_OTHER_SITES = (b"cross-site", b"same-site")
_CLOSE = {"Connection": "close"}
_ROUTES = ("/predict", "/similar", "/photos", "/health", "/metrics", "/v2")


class Guard:
    """Asks for the token, sets headers of security, and counts the requests.

    Args:
        token: None lets everyone in.
        is_local: answer to names of this machine alone, so that no page of another site gets in by
            a name of its own.
    """

    def __init__(self, app: ASGIApp, token: str | None, is_local: bool, metrics: Metrics) -> None:
        self._app = app
        self._token = token
        self._is_local = is_local
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *_HEADERS]
            await send(message)

        refusal = self._refusal(scope)
        try:
            await (refusal or self._app)(scope, receive, guarded)
        finally:
            path = next((r for r in _ROUTES if scope["path"].startswith(r)), "other")
            self._metrics.requests.labels(path, str(status)).inc()
            self._metrics.seconds.labels(path).observe(time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> Any:
        headers = dict(scope["headers"])
        if self._is_local and _name(headers.get(b"host", b"")) not in _LOCAL:
            return JSONResponse({"detail": "This service is for this machine."}, 421, _CLOSE)
        if scope["method"] != "GET" and headers.get(b"sec-fetch-site") in _OTHER_SITES:
            return JSONResponse({"detail": "A page of another site asks."}, 403, _CLOSE)
        if self._token is None or scope["path"] in _OPEN:
            return None
        given = headers.get(b"authorization", b"")
        if hmac.compare_digest(given, b"Bearer " + self._token.encode()):
            return None
        return JSONResponse(
            {"detail": "Give the token: Authorization: Bearer …"},
            401,
            {"WWW-Authenticate": "Bearer"} | _CLOSE,
        )


def _name(host: bytes) -> str | None:
    """The name in a ``Host`` header, without the port."""
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname
    except ValueError:
        return None
