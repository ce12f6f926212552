"""Runs that are killed, or have no room: nothing is lost, nothing half-written loads."""

import os
import shutil
import subprocess

import pytest
from tests.faults.harness import Bench, read_all
from tests.faults.kills import kill_driver, kill_jvm, kill_worker


@pytest.fixture(scope="module")
def bench(kedro_run, random_weights, tmp_path_factory):
    def run(**params):
        result = kedro_run(**params)
        assert result.exit_code == 0, result.output

    made = Bench(tmp_path_factory.mktemp("bench"), weights=str(random_weights), run=run)
    made.prepare()
    return made


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        ("Saving data to extraction_checkpoint ", 3.0),
        ("Saving data to extracted_features ", 0.3),
        ("Saving data to pca_features ", 0.2),
    ],
)
def test_a_driver_that_is_killed(bench, line, seconds):
    store = bench.store(line.split()[-1])
    _, ended = kill_driver(bench, store, line, seconds)
    assert ended == "killed"
    states = bench.check_between(store)
    assert states["image_index"] == "after" and states["model_info"] == "before"
    bench.check_after(store)


def test_a_worker_that_is_killed(bench):
    store = bench.store("worker")
    assert kill_worker(bench, store, 0.5)
    assert read_all(store) == bench.after


def test_a_jvm_that_is_killed(bench):
    store = bench.store("jvm")
    said = kill_jvm(bench, store, "Saving data to extraction_checkpoint ")
    message = said[said.index("Error: ") :]
    assert message.startswith("Error: Spark's JVM ended in the middle of the run (exit status -9")
    assert "Traceback" not in said and len(message.splitlines()) == 2
    assert bench.check_between(store)["model_info"] == "before"
    bench.check_after(store)


def test_two_runs_on_one_store(bench):
    store = bench.store("two")
    first = bench.start(store)
    for line in first.stdout:
        if "Saving data to" in line:  # it is at work
            break
    second = bench.start(store)
    refused, _ = second.communicate(timeout=120)
    assert second.returncode == 1
    message = " ".join(refused[refused.rindex("Error: ") :].split())
    assert f"Another run (process {first.pid} on" in message and "Traceback" not in refused
    output, _ = first.communicate(timeout=600)
    assert first.returncode == 0, output[-3000:]
    assert read_all(store) == bench.after


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 32 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full(bench, small_disk):
    store = small_disk / "store"
    shutil.copytree(bench.folder / "first", store)
    filler = small_disk / "filler"
    for room in (300_000, 1_000_000):  # no room for the checkpoint, or for the features
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(bytes(free - room))
        process = bench.start(store)
        output, _ = process.communicate(timeout=600)
        message = output[output.rindex("Error: ") :]
        assert process.returncode == 1 and "No space left on device" in message
        assert "\tat " not in output and len(message.splitlines()) < 10
        bench.check_between(store)
        filler.unlink()
    bench.check_after(store)
