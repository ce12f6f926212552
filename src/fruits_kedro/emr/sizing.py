"""Size of the executors, duration and cost of a run: arithmetic, no AWS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fruits_kedro.config.prices import Prices
from fruits_kedro.emr.settings import EmrSettings, Group
from fruits_kedro.errors import FruitsError

# EMR gives YARN about three quarters of a node's memory, and takes some minutes to start.
YARN_SHARE = 0.75
START_MINUTES = 8
_OVERHEAD = 0.10  # of the heap, for the JVM (Spark's defaults)
_MIN_OVERHEAD_MB = 384
_HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Sizing:
    """Executors that fit on the nodes.

    Attributes:
        cores: per executor.
        heap_mb: memory of its JVM.
        overhead_mb: memory beside the heap: the JVM's own and the Python workers'.
        instances: number of executors.
        lines: the arithmetic, in words.
    """

    cores: int
    heap_mb: int
    overhead_mb: int
    instances: int
    lines: tuple[str, ...]

    @property
    def total_cores(self) -> int:
        """Number of photos extracted at the same time."""
        return self.cores * self.instances

    @property
    def spark_settings(self) -> dict[str, str]:
        """The settings for ``spark-submit``."""
        return {
            "spark.dynamicAllocation.enabled": "false",
            "spark.executor.instances": str(self.instances),
            "spark.executor.cores": str(self.cores),
            "spark.executor.memory": f"{self.heap_mb}m",
            "spark.executor.memoryOverhead": f"{self.overhead_mb}m",
            "spark.default.parallelism": str(self.total_cores),
        }


def size_executors(settings: EmrSettings, prices: Prices, driver_mb: int) -> Sizing:
    """The executors that fit onto the core and task nodes.

    One core node keeps memory and a core for the driver, which has its own container in cluster
    mode.

    Args:
        driver_mb: memory of the driver's JVM.

    Raises:
        FruitsError: an unknown instance type, or nodes too small for one executor.
    """
    wanted = settings.executor
    heap = wanted.cores * wanted.heap_mb_per_core
    jvm_overhead = _jvm_overhead(heap)
    overhead = jvm_overhead + wanted.cores * wanted.worker_mb
    driver = driver_mb + _jvm_overhead(driver_mb)
    lines = [
        f"executor: {wanted.cores} cores; heap: {wanted.cores} x {wanted.heap_mb_per_core} MB = "
        f"{heap} MB",
        f"beside the heap: {jvm_overhead} MB for the JVM + {wanted.cores} workers x "
        f"{wanted.worker_mb} MB = {overhead} MB; together {heap + overhead} MB",
    ]
    executors = 0
    for name, group in settings.groups.items():
        if name != "primary":
            count, said = _fit(name, group, prices, (wanted.cores, heap + overhead), driver)
            executors += count
            lines += said
    if executors < 1:
        raise FruitsError(
            "No executor fits on these nodes:\n"
            + "\n".join(f"- {line}" for line in lines)
            + "\nTake larger or more nodes, or smaller executors, in conf/emr/emr.yml."
        )
    lines.append(f"{executors} executors, {executors * wanted.cores} photos at a time")
    return Sizing(wanted.cores, heap, overhead, executors, tuple(lines))


def _fit(
    name: str, group: Group, prices: Prices, executor: tuple[int, int], driver_mb: int
) -> tuple[int, list[str]]:
    """Number of executors (cores, MB) that fit on a group's nodes, and the arithmetic in words."""
    cores, memory_mb = executor
    node = prices.instance(group.type)
    yarn_mb = int(node.memory_gib * 1024 * YARN_SHARE)
    fit = min(node.vcpu // cores, yarn_mb // memory_mb)
    lines = [
        f"{name}: {group.count} x {group.type} ({node.vcpu} cores, {yarn_mb} MB for YARN): "
        f"{fit} executors each"
    ]
    has_room = yarn_mb - fit * memory_mb >= driver_mb and node.vcpu > fit * cores
    if name != "core" or not fit or has_room:
        return fit * group.count, lines
    lines.append(f"less 1 for the driver ({driver_mb} MB and a core, in cluster mode)")
    return fit * group.count - 1, lines


def _jvm_overhead(heap_mb: int) -> int:
    return max(math.ceil(heap_mb * _OVERHEAD), _MIN_OVERHEAD_MB)


def cost_per_hour(settings: EmrSettings, prices: Prices) -> float:
    """Cost of the running cluster per hour: EC2, EMR's fee and disks."""
    return sum(group_cost(name, g, settings, prices) for name, g in settings.groups.items())


def group_cost(name: str, group: Group, settings: EmrSettings, prices: Prices) -> float:
    """Cost of the nodes of one group per hour; ``task`` nodes are Spot."""
    node = prices.instance(group.type)
    ec2 = node.ec2 * (prices.spot_share if name == "task" else 1)
    disk = settings.volume_gib * prices.gp3_gib_month / _HOURS_A_MONTH
    return group.count * (ec2 + node.emr + disk)


def estimate(images: int, sizing: Sizing, settings: EmrSettings, prices: Prices) -> dict[str, Any]:
    """Minutes and cost of one whole cycle (start, run, end) for so many photos."""
    speed = settings.images_per_s_per_core * sizing.total_cores
    minutes = START_MINUTES + images / speed / 60 + 2
    hourly = cost_per_hour(settings, prices)
    return {
        "images": images,
        "images_per_s": round(speed, 1),
        "minutes": round(minutes, 1),
        "per_hour": round(hourly, 3),
        "cost": round(hourly * minutes / 60, 2),
        "images_per_unit": round(images / max(hourly * minutes / 60, 1e-9)),
        "currency": prices.currency,
        "prices_of": prices.source,
    }
