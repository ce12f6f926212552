"""One run at a time: the second says so, and one that died is in nobody's way."""

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from fsspec.implementations.local import LocalFileSystem
from tests.s3.server import BUCKET

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage import lock as store_lock
from fruits_kedro.storage.atomic import new_version
from fruits_kedro.storage.lock import StoreLock
from fruits_kedro.storage.manifest import NewFiles

HOLD = """
import sys, time
from fruits_kedro.storage.lock import StoreLock
lock = StoreLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["disk", pytest.param("bucket", marks=pytest.mark.servers)])
def store(request, tmp_path):
    if request.param == "disk":
        return str(tmp_path)
    request.getfixturevalue("s3_environment")
    return f"s3://{BUCKET}/{tmp_path.name}"


@pytest.fixture
def other(store):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, store], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_another_process_has_it_until_it_is_killed(store, other):
    with pytest.raises(FruitsError, match=rf"Another run \(process {other.pid} on .*, since 20"):
        StoreLock(store).acquire()
    other.kill()
    other.wait()
    lock = StoreLock(store)
    lock.acquire()
    lock.release()


def test_one_of_this_process_has_it(store):
    first, second = StoreLock(store), StoreLock(store)
    first.acquire()
    with pytest.raises(FruitsError, match="is writing to the store"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
    second.release()


@pytest.fixture
def lease(s3_environment):
    """The lock of a run in another container of this host, renewed some seconds ago."""

    def put(name, seconds, **more):
        holder = {"id": "x", "host": socket.gethostname(), "machine": "another", "process": 2**30}
        holder |= more
        renewed = datetime.now(UTC) - timedelta(seconds=seconds)
        times = {"started": "2026-01-01T00:00:00", "renewed": renewed.isoformat()}
        body = json.dumps(holder | times)
        s3_environment.client.put_object(Bucket=BUCKET, Key=f"{name}/.lock", Body=body)
        return f"s3://{BUCKET}/{name}"

    return put


def test_a_lease_of_another_container_expires(lease, monkeypatch):
    monkeypatch.setattr(store_lock, "_RENEW_S", 0.1)
    with pytest.raises(FruitsError, match="(?s)process 1073741824.*expires within 90 s"):
        StoreLock(lease("renewed", 80)).acquire()
    lock = StoreLock(lease("expired", 100))
    lock.acquire()
    lock.release()


def test_the_second_attempt_of_a_driver_waits_for_the_lock_of_the_first(lease, monkeypatch):
    container = "container_e17_1410901177871_0001_02_000001"
    monkeypatch.setenv("CONTAINER_ID", container)  # YARN gives it to each of its processes
    monkeypatch.setattr(store_lock, "_RENEW_S", 0.1)
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        lease("attempt", 80 + 5 * len(waits), application="1410901177871_0001")

    url = lease("attempt", 80, application="1410901177871_0001")
    monkeypatch.setattr(store_lock, "time", SimpleNamespace(sleep=sleep, time=time.time))
    with pytest.raises(FruitsError, match="process 1073741824"):  # another application's
        StoreLock(lease("other", 80, application="1410901177871_0002")).acquire()
    assert waits == []
    monkeypatch.setattr(store_lock.time, "sleep", lambda s: sleep(s) if s == 5 else None)
    lock = StoreLock(url)
    lock.acquire()
    lock.release()
    assert waits == [5, 5]


def test_a_refused_lock_is_none(lease, s3_environment):
    lock = StoreLock(lease("refused", 0))
    with pytest.raises(FruitsError, match="process 1073741824"):
        lock.acquire()
    lock.release()
    lock.check()


def test_a_lease_by_a_slow_clock_is_seen_to_be_renewed(lease, monkeypatch):
    url = lease("slow", 3600)
    waits = SimpleNamespace(sleep=lambda _: lease("slow", 3590), time=time.time)
    monkeypatch.setattr(store_lock, "time", waits)  # it is renewed while we wait
    with pytest.raises(FruitsError, match="process 1073741824"):
        StoreLock(url).acquire()


def test_of_two_at_the_same_moment_one_has_it(s3_environment):
    barrier, taken = threading.Barrier(4), []

    def acquire():
        lock = StoreLock(f"s3://{BUCKET}/moment")
        barrier.wait()
        with suppress(FruitsError):
            lock.acquire()
            taken.append(lock)

    threads = [threading.Thread(target=acquire) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 1
    taken[0].check()
    taken[0].release()


@pytest.fixture
def holder(s3_environment):
    """Who holds the lock of a store in the bucket, by its id."""

    def find(name):
        found = s3_environment.client.get_object(Bucket=BUCKET, Key=f"{name}/.lock")
        return json.loads(found["Body"].read())

    return find


def until(happens):
    """Wait for an event; a minute at most, where it does not happen at all."""
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_lease_is_renewed(holder, s3_environment, monkeypatch):
    monkeypatch.setattr(store_lock, "_RENEW_S", 0.2)
    lock = StoreLock(f"s3://{BUCKET}/renewing")
    lock.acquire()
    first = holder("renewing")["renewed"]
    until(lambda: holder("renewing")["renewed"] > first)
    lock.check()
    lock.release()
    with pytest.raises(s3_environment.client.exceptions.NoSuchKey):
        holder("renewing")


def test_a_run_that_slept_replaces_nothing(lease, holder, monkeypatch, tmp_path):
    lock = StoreLock(f"s3://{BUCKET}/taken")
    lock.acquire()
    lease("taken", 0)  # another run has taken over while this machine slept
    awake = time.time() + 120
    monkeypatch.setattr(store_lock.time, "time", lambda: awake)
    (tmp_path / "old.parquet").touch()
    fs = LocalFileSystem()
    for version in (NewFiles(fs, str(tmp_path), ["new"]), new_version(fs, f"{tmp_path}/old")):
        with pytest.raises(FruitsError, match="was lost"):
            version.replace()
    assert [path.name for path in tmp_path.iterdir()] == ["old.parquet"]
    lock.release()
    assert holder("taken")["id"] == "x"
