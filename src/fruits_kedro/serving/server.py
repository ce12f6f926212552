"""The processes of the service: started, watched, ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from types import FrameType

from prometheus_client.multiprocess import mark_process_dead

from fruits_kedro.errors import FruitsError
from fruits_kedro.serving.metrics import FOLDER
from fruits_kedro.serving.settings import CANNOT_START, SETTINGS, TOKEN, ServeSettings

_SECONDS_TO_END = 10
_POLL_S = 0.1
_SECONDS_TO_LIVE = 30  # a first process that ends sooner cannot start
_SECONDS_UNTIL_NEXT = 1
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever is set
_WORKER = ["-m", "fruits_kedro.serving.worker"]


class Server:
    """Processes that share one socket; one that dies is started again.

    Args:
        token: that requests have to give; None for a service of this machine alone.

    Raises:
        FruitsError: the port is taken, or others may reach the service without a token.
    """

    def __init__(self, settings: ServeSettings, token: str | None) -> None:
        if not settings.is_loopback and not token:
            raise FruitsError(
                f"At {settings.host}, others can reach the service.\nGive --token-file with a "
                f"token that they have to send, or set {TOKEN}."
            )
        self._settings, self._token = settings, token
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((settings.host, settings.port))
        except OSError as error:
            raise FruitsError(
                f"The service cannot listen at {settings.host}:{settings.port}: {error.strerror}."
                "\nGive another --host or --port."
            ) from None
        self._socket.listen(1024)
        self._is_ending = False

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def run(self, say: Callable[[str], None]) -> int:
        """Serve until SIGTERM or Ctrl-C; returns the exit code."""
        before = {s: signal.signal(s, self._end) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            with tempfile.TemporaryDirectory(prefix="fruits-kedro-") as folder:
                return self._watch(folder, say)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._socket.close()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._is_ending = True

    def _watch(self, folder: str, say: Callable[[str], None]) -> int:
        started = time.monotonic()
        workers = {self._start(folder): started for _ in range(self._settings.processes)}
        is_ready, code = False, 0
        while not self._is_ending:
            time.sleep(_POLL_S)
            if not is_ready and self._answers():
                is_ready = True
                seconds = time.monotonic() - started
                say(f"{self.url} answers after {seconds:.1f} s. Ctrl-C ends it.")
            for worker in [w for w in workers if w.poll() is not None]:
                lived = time.monotonic() - workers.pop(worker)
                mark_process_dead(worker.pid, folder)
                if not is_ready and lived < _SECONDS_TO_LIVE:
                    self._is_ending, code = True, 1
                    break
                say(f"A process ended ({worker.returncode}): another takes its place.")
                if worker.returncode == CANNOT_START:  # a run is replacing the store
                    time.sleep(_SECONDS_UNTIL_NEXT)
                workers[self._start(folder)] = time.monotonic()
        _stop(list(workers))
        return code

    def _start(self, folder: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {FOLDER: folder, "OMP_NUM_THREADS": "1"}
        environment |= {"OPENBLAS_NUM_THREADS": "1"}
        environment[SETTINGS] = self._settings.model_dump_json()
        environment.pop(TOKEN, None)
        if self._token:
            environment[TOKEN] = self._token
        number = self._socket.fileno()
        command = [sys.executable, *_WORKER, str(number)]
        return subprocess.Popen(command, env=environment, pass_fds=[number], start_new_session=True)

    def _answers(self) -> bool:
        try:
            with _DIRECT.open(f"{self.url}/health/ready", timeout=1) as answer:
                return bool(json.load(answer))
        except (OSError, ValueError):
            return False


def _stop(workers: list[subprocess.Popen[bytes]]) -> None:
    """End processes: they finish what they have, within some seconds."""
    for worker in workers:
        worker.terminate()
    until = time.monotonic() + _SECONDS_TO_END - 2
    for worker in workers:
        try:
            worker.wait(max(until - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
