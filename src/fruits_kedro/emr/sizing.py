"""The size of the executors: arithmetic, no AWS."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fruits_kedro.config.prices import PriceList
from fruits_kedro.emr.settings import ClusterSettings, Group, ServerlessSettings
from fruits_kedro.errors import FruitsError

# EMR gives YARN about three quarters of a node's memory.
YARN_SHARE = 0.75
_OVERHEAD = 0.10  # of the heap, for the JVM (Spark's defaults)
_MIN_OVERHEAD_MB = 384
_BESIDE_DRIVER_MB = 1536  # of EMR Serverless: its JVM's own and Python
# The GB of memory that EMR Serverless allows for a worker of so many vCPUs: from, to, in steps of.
_WORKERS = {1: (2, 8, 1), 2: (4, 16, 1), 4: (8, 30, 1), 8: (16, 60, 4), 16: (32, 120, 8)}


@dataclass(frozen=True)
class Sizing:
    """Executors that fit on the nodes.

    Attributes:
        cores: per executor.
        heap_mb: memory of its JVM.
        overhead_mb: memory beside the heap: the JVM's own and the Python workers'.
        instances: number of executors.
        lines: the arithmetic, in words.
        driver: Spark's settings of the driver's size, where the environment does not give it.
    """

    cores: int
    heap_mb: int
    overhead_mb: int
    instances: int
    lines: tuple[str, ...]
    driver: tuple[tuple[str, str], ...] = ()

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
            **dict(self.driver),
        }


def size_executors(settings: ClusterSettings, types: PriceList, driver_mb: int) -> Sizing:
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
            count, said = _fit(name, group, types, (wanted.cores, heap + overhead), driver)
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
    name: str, group: Group, types: PriceList, executor: tuple[int, int], driver_mb: int
) -> tuple[int, list[str]]:
    """Number of executors (cores, MB) that fit on a group's nodes, and the arithmetic in words."""
    cores, memory_mb = executor
    node = types.instance(group.type)
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


def worker_gb(settings: ServerlessSettings) -> int:
    """The memory of a worker of EMR Serverless: the least size that an executor fits into.

    Raises:
        FruitsError: there are no workers of so many cores, or of so much memory.
    """
    wanted = settings.executor
    if wanted.cores not in _WORKERS:
        raise FruitsError(
            f"executor.cores: {wanted.cores}: EMR Serverless has workers of "
            f"{', '.join(map(str, _WORKERS))} vCPUs."
        )
    heap = wanted.cores * wanted.heap_mb_per_core
    needed = (heap + _jvm_overhead(heap) + wanted.cores * wanted.worker_mb) / 1024
    least, most, step = _WORKERS[wanted.cores]
    size = max(least, math.ceil(needed / step) * step)
    if size > most:
        raise FruitsError(
            f"An executor of {wanted.cores} cores needs {needed:.1f} GB, and a worker of EMR "
            f"Serverless has {most} at most. Take less memory, in conf/serverless/emr.yml."
        )
    return size


def size_workers(settings: ServerlessSettings) -> Sizing:
    """The executors of EMR Serverless; the heap gets what a worker has to spare.

    Raises:
        FruitsError: there are no such workers, or together they pass ``max_vcpu``.
    """
    cores, gb = settings.executor.cores, worker_gb(settings)
    least, most, _ = _WORKERS[settings.driver_vcpu]
    if not least <= settings.driver_gb <= most:
        raise FruitsError(
            f"driver_gb: {settings.driver_gb}: a worker of {settings.driver_vcpu} vCPUs has "
            f"{least} to {most} GB."
        )
    workers_mb = cores * settings.executor.worker_mb
    heap = int((gb * 1024 - workers_mb) / (1 + _OVERHEAD))
    heap = min(heap, gb * 1024 - workers_mb - _MIN_OVERHEAD_MB)
    overhead = gb * 1024 - heap
    total = settings.executors * cores
    if total + settings.driver_vcpu > settings.max_vcpu:
        raise FruitsError(
            f"{settings.executors} executors of {cores} vCPUs and a driver of "
            f"{settings.driver_vcpu} pass max_vcpu: {settings.max_vcpu}, in "
            "conf/serverless/emr.yml."
        )
    lines = (
        f"worker: {cores} vCPUs and {gb} GB: {heap} MB of heap, {overhead} MB for the JVM and "
        f"{cores} Python workers of {settings.executor.worker_mb} MB",
        f"driver: {settings.driver_vcpu} vCPUs and {settings.driver_gb} GB",
        f"{settings.executors} executors, {total} photos at a time; cap: {settings.max_vcpu} vCPUs",
    )
    driver = (
        ("spark.driver.cores", f"{settings.driver_vcpu}"),
        ("spark.driver.memory", f"{settings.driver_gb * 1024 - _BESIDE_DRIVER_MB}m"),
        ("spark.driver.memoryOverhead", f"{_BESIDE_DRIVER_MB}m"),
    )
    return Sizing(cores, heap, overhead, settings.executors, lines, driver)


def _jvm_overhead(heap_mb: int) -> int:
    return max(math.ceil(heap_mb * _OVERHEAD), _MIN_OVERHEAD_MB)
