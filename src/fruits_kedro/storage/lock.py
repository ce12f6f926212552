"""The lock of a store: one run at a time writes to it."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import file_system

_NAME = ".lock"
_RENEW_S = 10.0
_EXPIRES_S = 45.0  # without renewal
_SETTLE_S = 2.0

# Ids of this process' leases. Another lease with its process id is of a run in it that has failed.
_held: set[str] = set()


class StoreLock:
    """The lock of a run that writes to a store.

    On a disk the operating system holds it and releases it when the process ends. In a bucket it is
    a lease: an object that its holder renews. A lease expires without renewal, or at once if its
    process was on this machine and is gone.

    Args:
        store: a folder or a URL.
        storage_options: for fsspec.
    """

    def __init__(self, store: str, storage_options: dict[str, Any] | None = None) -> None:
        self._store = store
        self._storage_options = storage_options or {}
        self._lock: FileLock | _Lease | None = None

    def acquire(self) -> None:
        """Take the lock; FruitsError if another run has it."""
        if "://" in self._store:
            lease = _Lease(f"{self._store}/{_NAME}", self._store, self._storage_options)
            lease.acquire()
            self._lock = lease
            return
        path = Path(self._store) / _NAME
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise FruitsError(_refusal(self._store, _read_holder(path))) from None
        self._lock = lock
        path.with_name(f"{_NAME}.json").write_text(json.dumps(_holder()))

    def check(self) -> None:
        """Raise FruitsError if the lock was lost."""
        if isinstance(self._lock, _Lease):
            self._lock.check()

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


class _Lease:
    def __init__(self, url: str, store: str, storage_options: dict[str, Any]) -> None:
        self._fs, self._path = file_system(url, storage_options)
        self._store = store
        self._own = _holder() | {"id": uuid.uuid4().hex}
        self._stop = threading.Event()
        self._lost = False
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def acquire(self) -> None:
        holder = self._read()
        if holder is not None and not self._is_over(holder):
            raise FruitsError(_refusal(self._store, holder))
        self._write()
        time.sleep(_SETTLE_S)  # if two write at the same moment, the later one wins
        if not self._is_own(holder := self._read()):
            raise FruitsError(_refusal(self._store, holder or {}))
        _held.add(self._own["id"])
        self._thread.start()

    def check(self) -> None:
        if self._lost:
            raise FruitsError(
                f"The lock on the store {self._store} was lost: this run was cut off from the "
                f"bucket for more than {_EXPIRES_S:.0f} s, and another may be at work there.\n"
                "Nothing more is written. Run the same command again."
            )

    def release(self) -> None:
        self._stop.set()
        self._thread.join(timeout=_RENEW_S)
        _held.discard(self._own["id"])
        try:
            if self._is_own(self._read()):
                self._fs.rm_file(self._path)
        except Exception:  # the bucket is gone: the lease expires
            return

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self._stop.wait(_RENEW_S):
            try:
                self._lost = not self._is_own(self._read())
                if not self._lost:
                    self._write()
                    renewed = time.monotonic()
            except Exception:  # the bucket is gone, perhaps only for a moment
                self._lost = time.monotonic() - renewed > _EXPIRES_S
            if self._lost:
                return

    def _is_over(self, holder: dict[str, Any]) -> bool:
        if holder["host"] == socket.gethostname():
            if holder["process"] == os.getpid():
                return holder["id"] not in _held
            if not _is_alive(holder["process"]):
                return True
        age = datetime.now(UTC) - datetime.fromisoformat(holder["renewed"])
        if age.total_seconds() < _EXPIRES_S:
            return False
        time.sleep(1.2 * _RENEW_S)  # clocks may differ: wait for a renewal
        return self._read() == holder

    def _is_own(self, holder: dict[str, Any] | None) -> bool:
        return holder is not None and holder["id"] == self._own["id"]

    def _read(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._fs.cat_file(self._path)))
        except (FileNotFoundError, ValueError):
            return None

    def _write(self) -> None:
        renewed = {"renewed": datetime.now(UTC).isoformat()}
        self._fs.pipe_file(self._path, json.dumps(self._own | renewed).encode())


def _holder() -> dict[str, Any]:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "process": os.getpid(), "started": started}


def _read_holder(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.with_name(f"{_NAME}.json").read_text()))
    except (OSError, ValueError):
        return {}


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return True


def _refusal(store: str, holder: dict[str, Any]) -> str:
    who = (
        f"process {holder['process']} on {holder['host']}, since {holder['started']}"
        if holder
        else "of another process"
    )
    expires = f" If that run is dead, its lock expires within {_EXPIRES_S:.0f} s."
    return (
        f"Another run ({who}) is writing to the store {store}.\nWait for it to end, or give "
        f"another store: --params store=…{expires if '://' in store else ''}"
    )
