"""The arithmetic of executors, hours and money."""

from datetime import UTC, datetime, timedelta

import pytest

from fruits_kedro.config.prices import Instance, PriceList
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.costs import cost_per_hour, estimate
from fruits_kedro.emr.settings import Executor, Group
from fruits_kedro.emr.sizing import size_executors, size_workers
from fruits_kedro.errors import FruitsError

from .conftest import PRICES

TYPES = PriceList(
    instances={
        "m6g.xlarge": Instance(vcpu=4, memory_gib=16, arch="aarch64"),
        "c6g.2xlarge": Instance(vcpu=8, memory_gib=16, arch="aarch64"),
        "tiny": Instance(vcpu=2, memory_gib=4, arch="aarch64"),
    },
    prices=PRICES,
)


@pytest.fixture
def settings(project):
    return EmrContext.load().settings


@pytest.fixture
def workers(project):
    return EmrContext.load(on="serverless").settings


def test_executors_fit_cores_and_memory(settings):
    sizing = size_executors(settings, TYPES, driver_mb=4096)
    # heap 4 x 768 = 3072; beside it 384 + 4 x 300 = 1584; 12288 MB of a node hold two of 4656,
    # and the 2976 that are left are less than the driver's 4096 + 410.
    assert (sizing.cores, sizing.heap_mb, sizing.overhead_mb) == (4, 3072, 1584)
    assert sizing.instances == 2 * 2 - 1 and sizing.total_cores == 12
    settings_ = sizing.spark_settings
    assert settings_["spark.executor.memoryOverhead"] == "1584m"
    assert settings_["spark.executor.instances"] == "3"
    text = "\n".join(sizing.lines)
    assert "4 x 768 MB = 3072 MB" in text and "less 1 for the driver (4506 MB" in text


def test_task_nodes_need_no_room_for_the_driver(settings):
    with_task = settings.model_copy(update={"task": Group(type="c6g.2xlarge", count=3)})
    assert size_executors(with_task, TYPES, 4096).instances == 3 + 6


def test_nodes_that_are_too_small(settings):
    tiny = settings.model_copy(update={"core": Group(type="tiny", count=4)})
    with pytest.raises(FruitsError, match="No executor fits"):
        size_executors(tiny, TYPES, 1024)


def test_a_worker_of_serverless_has_a_size_that_exists(workers):
    # 3072 + 384 + 1200 MB are 4.5 GB, and the least worker of 4 vCPUs has 8: 8192 - 1200 MB for
    # the JVM, a tenth of the heap beside it.
    found = size_workers(workers).spark_settings
    assert (found["spark.executor.memory"], found["spark.executor.memoryOverhead"]) == (
        "6356m",
        "1836m",
    )
    assert (found["spark.driver.memory"], found["spark.driver.memoryOverhead"]) == (
        "4608m",
        "1536m",
    )
    large = workers.model_copy(update={"executor": Executor(cores=8, heap_mb_per_core=2048)})
    large = large.model_copy(update={"executors": 2})
    # 16384 + 1639 + 2400 MB are 19.9 GB: the next step of 4 is 20
    sizing = size_workers(large)
    assert sizing.heap_mb + sizing.overhead_mb == 20 * 1024


@pytest.mark.parametrize(
    "update, message",
    [
        ({"executor": Executor(cores=3)}, "workers of 1, 2, 4, 8, 16 vCPUs"),
        ({"executor": Executor(heap_mb_per_core=8192)}, "has 30 at most"),
        ({"driver_gb": 32}, "a worker of 2 vCPUs has 4 to 16 GB"),
        ({"executors": 8}, "8 executors of 4 vCPUs and a driver of 2 pass max_vcpu: 32"),
    ],
)
def test_workers_that_serverless_does_not_have(workers, update, message):
    with pytest.raises(FruitsError, match=message):
        size_workers(workers.model_copy(update=update))


def test_costs_of_a_cluster(settings):
    # disks: (64 + 30) GiB x 0.073 / 730 = 0.0094 each; an address each
    node = 0.0094 + 0.005
    assert cost_per_hour(settings, PRICES) == pytest.approx(0.25 + 2 * 0.4 + 3 * node)
    with_task = settings.model_copy(update={"task": Group(type="c6g.2xlarge", count=1)})
    spot = cost_per_hour(with_task, PRICES) - cost_per_hour(settings, PRICES)
    assert spot == pytest.approx(0.15 + 0.1 + node)


def test_an_estimate_for_a_cluster(settings):
    sizing = size_executors(settings, TYPES, 4096)
    found = estimate(1_008_000, False, sizing, settings, TYPES)
    # 8 min to start, 1,008,000 listed at 50,000/s and extracted at 12 x 70/s
    assert found.images_per_s == 840
    assert found.minutes == pytest.approx(8 + 0.336 + 20)
    hourly = cost_per_hour(settings, PRICES)
    assert found.parts["machines"] == pytest.approx(hourly * found.minutes / 60)
    assert found.parts["S3"] == pytest.approx(1008 * 0.0004 + 1.008 * 0.005)
    assert any(f"{hourly / 3:.2f} more before it ends by itself" in note for note in found.notes)
    assert any("measured on x86_64, and on no aarch64" in note for note in found.notes)
    packed = estimate(1_008_000, True, sizing, settings, TYPES)
    assert packed.parts["S3"] == 0 and packed.minutes == 28


def test_an_estimate_for_serverless(workers):
    found = estimate(1_008_000, True, size_workers(workers), workers, TYPES)
    # 24 cores x 70/s = 1,680/s: 10 min; the start is not billed
    assert found.minutes == 2 + 10 and len(found.notes) == 1
    hourly = (2 + 24) * 0.06 + (6 + 6 * 8) * 0.007
    assert cost_per_hour(workers, PRICES) == pytest.approx(hourly)
    assert found.total == pytest.approx(hourly * 10 / 60)


def test_prices_that_are_missing_old_or_of_another_region(settings):
    unknown = TYPES.model_copy(update={"prices": None})
    found = estimate(1000, False, size_executors(settings, TYPES, 4096), settings, unknown)
    assert found.parts == {} and found.minutes > 8
    with pytest.raises(FruitsError, match="kedro emr prices"):
        unknown.need("eu-west-3")
    with pytest.raises(FruitsError, match="of eu-west-3, not eu-west-1"):
        TYPES.need("eu-west-1")
    long_ago = datetime.now(UTC).date() - timedelta(days=366)
    assert "366 days old" in PRICES.model_copy(update={"as_of": long_ago}).source
    recent = datetime.now(UTC).date() - timedelta(days=364)
    assert "old" not in PRICES.model_copy(update={"as_of": recent}).source
