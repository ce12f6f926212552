"""Runs that are killed, or have no room: nothing is lost, nothing half-written loads."""

import os
import shutil
import signal
import subprocess

import pytest
from tests.faults.harness import Bench, extracts, read_all, writes
from tests.faults.kills import kill, kill_jvm, kill_worker, paused

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def bench(kedro_run, tmp_path_factory):
    def run(**params):
        result = kedro_run(**params)
        assert result.exit_code == 0, result.output

    made = Bench(tmp_path_factory.mktemp("bench"), run=run)
    made.prepare()
    return made


def test_a_driver_that_is_killed_again_and_again(bench):
    store = bench.store("driver")
    for event in (extracts, writes("extracted_features"), writes("pca_features")):
        assert kill(bench.start(store, event)) == "killed"
        assert read_all(store) == bench.before
    bench.check_after(store)


def test_a_second_run_and_a_worker_that_is_killed(bench, kedro_run):
    store = bench.store("busy")
    first = bench.start(store, extracts)
    with paused(first):  # in the middle of its work
        second = kedro_run(**bench.params(store))
        assert second.exit_code == 1
        refused = second.output
        message = " ".join(refused[refused.rindex("Error: ") :].split())
        assert f"Another run (process {first.pid} on" in message and "Traceback" not in refused
        assert kill_worker(first)
    assert first.wait(timeout=600) == 0, bench.output("busy")[-3000:]
    assert read_all(store) == bench.after


def test_ctrl_c_is_one_line(bench):
    store = bench.store("interrupted")
    process = bench.start(store, extracts)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to the JVM and workers, too
    assert process.wait(timeout=120) == 130
    said = bench.output("interrupted")
    assert said[said.index("Error: ") :].splitlines() == [
        "Error: Interrupted. What is done stays: the same command goes on from there."
    ]
    assert "Traceback" not in said and "--from-nodes" not in said
    assert read_all(store) == bench.before
    bench.check_after(store)


def test_a_jvm_that_is_killed(bench):
    store = bench.store("jvm")
    process = bench.start(store, extracts)
    kill_jvm(process)
    assert process.wait(timeout=120) == 1
    said = bench.output("jvm")
    message = said[said.index("Error: ") :]
    assert message.startswith("Error: Spark's JVM ended in the middle of the run (exit status -9")
    assert "Traceback" not in said and len(message.splitlines()) == 2
    assert read_all(store) == bench.before
    bench.check_after(store)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.name != "posix" or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full(bench, kedro_run, small_disk):
    store = small_disk / "store"
    shutil.copytree(bench.folder / "first", store)
    filler = small_disk / "filler"
    extracted = sum(p.stat().st_size for p in (store / "04_feature/extracted_features").iterdir())
    for room in (extracted // 10, extracted):  # no room for the checkpoint, or for the features
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(bytes(free - room))
        result = kedro_run(**bench.params(store))
        assert result.exit_code == 1
        output = result.output
        message = output[output.rindex("Error: ") :]
        assert "No space left on device" in message
        assert "\tat " not in output and len(message.splitlines()) < 10
        assert read_all(store) == bench.before
        filler.unlink()
    bench.check_after(store)
