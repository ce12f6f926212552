"""The arithmetic of executors, hours and money."""

from datetime import date

import pytest

from fruits_kedro.config.prices import InstancePrice, Prices
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.settings import Group
from fruits_kedro.emr.sizing import cost_per_hour, estimate, size_executors
from fruits_kedro.errors import FruitsError


@pytest.fixture
def settings(project):
    return EmrContext.load("emr").settings


PRICES = Prices(
    as_of=date(2026, 1, 1),
    region="eu-west-3",
    currency="USD",
    spot_share=0.5,
    gp3_gib_month=0.073,
    instances={
        "m6g.xlarge": InstancePrice(vcpu=4, memory_gib=16, arch="aarch64", ec2=0.2, emr=0.05),
        "c6g.2xlarge": InstancePrice(vcpu=8, memory_gib=16, arch="aarch64", ec2=0.3, emr=0.1),
        "tiny": InstancePrice(vcpu=2, memory_gib=4, arch="aarch64", ec2=0.1, emr=0.1),
    },
)


def test_executors_fit_cores_and_memory(settings):
    sizing = size_executors(settings, PRICES, driver_mb=4096)
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
    assert size_executors(with_task, PRICES, 4096).instances == 3 + 6


def test_nodes_that_are_too_small(settings):
    tiny = settings.model_copy(update={"core": Group(type="tiny", count=4)})
    with pytest.raises(FruitsError, match="No executor fits"):
        size_executors(tiny, PRICES, 1024)


def test_costs(settings):
    # disks: 64 GiB x 0.073 / 730 = 0.0064 each
    assert cost_per_hour(settings, PRICES) == pytest.approx(0.25 + 2 * 0.4 + 3 * 0.0064)
    with_task = settings.model_copy(update={"task": Group(type="c6g.2xlarge", count=1)})
    spot = cost_per_hour(with_task, PRICES) - cost_per_hour(settings, PRICES)
    assert spot == pytest.approx(0.15 + 0.1 + 0.0064)


def test_an_estimate(settings):
    found = estimate(1_008_000, size_executors(settings, PRICES, 4096), settings, PRICES)
    assert found["images_per_s"] == 840 and found["minutes"] == 8 + 20 + 2
    assert found["cost"] == round(cost_per_hour(settings, PRICES) / 2, 2)
