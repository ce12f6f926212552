"""One process of the service: ``python -m fruits_kedro.serving.worker <socket>``."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time

import uvicorn

from fruits_kedro.errors import FruitsError
from fruits_kedro.serving.app import create_app
from fruits_kedro.serving.metrics import Metrics
from fruits_kedro.serving.service import Service
from fruits_kedro.serving.settings import CANNOT_START, SETTINGS, TOKEN, ServeSettings

_SECONDS_TO_FINISH = 8
_CONNECTIONS = 512
_LOOK_FOR_PARENT_S = 1.0


def main() -> None:
    """Answer at the socket that the parent has opened, until SIGTERM."""
    settings = ServeSettings.model_validate_json(os.environ[SETTINGS])
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        service = Service(settings, Metrics())
    except (FruitsError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(CANNOT_START)
    config = uvicorn.Config(
        create_app(service, os.environ.get(TOKEN)),
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
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(_LOOK_FOR_PARENT_S)
        end()

    threading.Thread(target=end_with_parent, daemon=True).start()
    threading.Thread(target=service.watch, daemon=True).start()
    threading.Thread(target=answer).start()
    service.work()


if __name__ == "__main__":
    main()
