"""One process of the service: ``python -m fruits_kedro.serving.worker <socket>``."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fruits_kedro.serving.app import create_app
from fruits_kedro.serving.metrics import Metrics
from fruits_kedro.serving.service import Service
from fruits_kedro.serving.settings import CANNOT_START, SETTINGS, TOKEN, ServeSettings

_SECONDS_TO_FINISH = 7
_SECONDS_FOR_HEAD = 10
_SECONDS_FOR_FIRST = 2  # requests on their way when the process is told to end
_HEAD_BYTES = 64_000
_CONNECTIONS = 512
_LOOK_FOR_PARENT_S = 1.0


class _Protocol(HttpToolsProtocol):
    """HTTP that closes a connection whose next request's head is too long or comes too slowly.

    When the process ends, a new connection may still bring its first request.
    """

    def connection_made(self, transport: Any) -> None:
        """Wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        """Wait for the head that has begun."""
        super().on_message_begin()
        self._timer.cancel()
        self._await_head()

    def _await_head(self) -> None:
        self._head_bytes: int | None = 0
        self._timer = self.loop.call_later(_SECONDS_FOR_HEAD, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head that is not whole."""
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self.transport.close()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._head_bytes = None
        self._timer.cancel()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """No head will come."""
        self._timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection after its request: at once, or when the first had time to come."""
        wait = _SECONDS_FOR_FIRST if self.cycle is None else 0
        self.loop.call_later(wait, super().shutdown)


def main() -> None:
    """Answer at the socket that the parent has opened, until SIGTERM."""
    parent = os.getppid()
    settings = ServeSettings.model_validate_json(os.environ[SETTINGS])
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        service = Service(settings, Metrics())
    except Exception as error:  # of files that a run is replacing
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(CANNOT_START)
    logging.info("A process is ready: %s", service.store.best)
    config = uvicorn.Config(
        create_app(service, os.environ.get(TOKEN)),
        http=_Protocol,
        access_log=False,  # no names of photos
        log_level="warning",
        timeout_keep_alive=10,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
        limit_concurrency=_CONNECTIONS,
        server_header=False,
    )
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        server.should_exit = True

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)

    def answer() -> None:
        try:
            server.run([socket.socket(fileno=int(sys.argv[1]))])
        finally:
            service.stop()

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_FOR_PARENT_S)
        end()

    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Thread(target=service.watch, daemon=True).start()
    threading.Thread(target=answer).start()
    service.work()


if __name__ == "__main__":
    main()
