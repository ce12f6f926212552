"""One run at a time writes to a store."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import S3Settings, is_s3, quick_config, split_url

_NAME = ".lock"
_RENEW_S = 30.0
_EXPIRES_S = 90.0  # without renewal
_WAIT_S = 5.0  # between looks at the lease of an earlier attempt
_CONTAINER = re.compile(r"container_(?:e\d+_)?(\d+_\d+)_\d+_\d+")

# The locks that this process holds.
_held: set[StoreLock] = set()


class StoreLock:
    """The lock of the run that writes to a store.

    On a disk the operating system holds it, and releases it when the process ends in any way. In a
    bucket it is a lease: an object that its holder renews by conditional writes.
    """

    def __init__(self, store: str, s3: S3Settings | None = None) -> None:
        """Name a store: a folder or a URL, and the settings of its bucket."""
        self._store = store
        self._s3 = s3
        self._lock: FileLock | _Lease | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            FruitsError: another run has it.
        """
        if is_s3(self._store):
            lease = _Lease(self._store, self._s3 or S3Settings.find())
            lease.acquire()
            self._lock = lease
        else:
            self._lock = self._lock_file()
        _held.add(self)

    def _lock_file(self) -> FileLock:
        path = Path(self._store) / _NAME
        lock = FileLock(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise FruitsError(_refusal(self._store, _read_holder(path))) from None
        path.with_name(f"{_NAME}.json").write_text(json.dumps(_holder()))
        return lock

    def check(self) -> None:
        """Raise FruitsError where the lock was lost, as the bucket itself says now."""
        if isinstance(self._lock, _Lease):
            self._lock.check()

    def release(self) -> None:
        """Give the lock back; nothing happens where there is none."""
        _held.discard(self)
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def check_locks() -> None:
    """Raise FruitsError where this process has lost a lock: call it before replacing an output."""
    for lock in list(_held):
        lock.check()


class _Lease:
    """An object in a bucket. Each write names the version that it replaces, or that there is none.

    A server that ignores such conditions still tells its holder within half a minute that another
    run has replaced the object.
    """

    def __init__(self, store: str, s3: S3Settings) -> None:
        bucket, key = split_url(f"{store}/{_NAME}")
        self._object = {"Bucket": bucket, "Key": key}
        self._client = s3.client(quick_config())
        self._store = store
        self._own = _holder() | {"id": uuid.uuid4().hex}
        self._etag = ""
        self._renewed = time.time()
        self._lost = False
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def acquire(self) -> None:
        while not self._write(IfNoneMatch="*"):
            holder, version = self._read()
            if holder is None:
                continue  # released at this moment
            if self._is_over(holder, version):
                if self._write(IfMatch=version):
                    break
            elif self._is_of_this_run(holder):
                time.sleep(_WAIT_S)
            else:
                raise FruitsError(_refusal(self._store, holder))
        self._thread.start()

    def check(self) -> None:
        if self._age() > _EXPIRES_S / 2:  # before, nobody can have taken it
            with suppress(Exception):  # a bucket that does not answer says nothing about the lock
                self._renew()
        if self._lost or self._age() > _EXPIRES_S:
            raise FruitsError(
                f"The lock on the store {self._store} was lost: this run was cut off from the "
                f"bucket for more than {_EXPIRES_S:.0f} s, and another may be at work there.\n"
                "Nothing more is written. Run the same command again."
            )

    def release(self) -> None:
        self._stop.set()
        self._thread.join(timeout=_RENEW_S)
        with suppress(Exception):  # a bucket that has gone: the lease expires
            self._renew()
            if not self._lost:
                self._client.delete_object(**self._object)

    def _age(self) -> float:
        """Seconds since the last renewal, those that the machine slept included."""
        return abs(time.time() - self._renewed)

    def _keep(self) -> None:
        while not self._lost and not self._stop.wait(_RENEW_S):
            try:
                self._renew()
            except Exception:  # perhaps for a moment only
                self._lost = self._lost or self._age() > _EXPIRES_S

    def _renew(self) -> None:
        with self._guard:
            holder, _ = self._read()
            is_own = holder is not None and holder["id"] == self._own["id"]
            self._lost = self._lost or not is_own or not self._write(IfMatch=self._etag)

    def _is_of_this_run(self, holder: dict[str, Any]) -> bool:
        """Whether the holder is an earlier attempt of YARN's, whose node was lost."""
        own = self._own["application"]
        return own is not None and holder.get("application") == own

    def _is_over(self, holder: dict[str, Any], version: str) -> bool:
        """Whether the holder is dead: of this machine and gone, or not renewed for a while."""
        if holder.get("machine") == self._own["machine"] and not _is_alive(holder):
            return True
        age = datetime.now(UTC) - datetime.fromisoformat(holder["renewed"])
        if age.total_seconds() < _EXPIRES_S:
            return False
        time.sleep(1.2 * _RENEW_S)  # two clocks may differ: a lease that is alive is renewed now
        return self._read()[1] == version

    def _read(self) -> tuple[dict[str, Any] | None, str]:
        try:
            found = self._client.get_object(**self._object)
        except self._client.exceptions.NoSuchKey:
            return None, ""
        return json.loads(found["Body"].read()), found["ETag"]

    def _write(self, **condition: str) -> bool:
        """Write the lease; False where the condition does not hold."""
        holder = self._own | {"renewed": datetime.now(UTC).isoformat()}
        body = json.dumps(holder).encode()
        try:
            version = self._client.put_object(**self._object, Body=body, **condition)["ETag"]
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] not in (404, 409, 412):
                raise
            found, version = self._read()
            if found != holder:  # else it was written, and the answer got lost
                return False
        self._etag, self._renewed = version, time.time()
        return True


def _holder() -> dict[str, Any]:
    started = datetime.now(UTC).isoformat(timespec="seconds")
    who = {"host": socket.gethostname(), "process": os.getpid(), "machine": _machine()}
    return who | {"started": started, "application": _application()}


def _application() -> str | None:
    """YARN's number of the run that this process is the driver of, in whichever attempt."""
    found = _CONTAINER.fullmatch(os.environ.get("CONTAINER_ID", ""))
    return found[1] if found else None


def _machine() -> str:
    """What shares its process ids with this process; unique where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return uuid.uuid4().hex


def _read_holder(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.with_name(f"{_NAME}.json").read_text()))
    except (OSError, ValueError):
        return {}


def _is_alive(holder: dict[str, Any]) -> bool:
    if holder["process"] == os.getpid():  # of a run in this process that has died, or not
        return any(
            isinstance(lock._lock, _Lease) and lock._lock._own["id"] == holder["id"]
            for lock in _held
        )
    try:
        os.kill(holder["process"], 0)
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
        f"another store: --params store=…{expires if is_s3(store) else ''}"
    )
