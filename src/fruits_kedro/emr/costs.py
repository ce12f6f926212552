"""Duration and cost of a run: arithmetic, no AWS."""

from __future__ import annotations

from dataclasses import dataclass, field

from fruits_kedro.config.prices import PriceList, Prices
from fruits_kedro.emr.request import ROOT_DISK_GIB
from fruits_kedro.emr.settings import ClusterSettings, Group, Settings
from fruits_kedro.emr.sizing import Sizing, worker_gb

_LISTED_PER_S = 50_000  # photos of a bucket: docs/performance.md
_HOURS_A_MONTH = 730
_MEASURED_ARCH = "x86_64"  # where images_per_s_per_core was measured


@dataclass(frozen=True)
class Estimate:
    """A whole cycle for so many photos: create, run, end.

    Attributes:
        images_per_s: of all cores.
        minutes: of the whole cycle.
        per_hour: cost while it runs.
        parts: cost of the cycle by its parts; empty if no prices are known.
        notes: what the figures leave open.
    """

    images_per_s: float
    minutes: float
    per_hour: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """Cost of the cycle."""
        return sum(self.parts.values())


def group_cost(name: str, group: Group, settings: ClusterSettings, prices: Prices) -> float:
    """Cost of the nodes of one group for an hour; ``task`` nodes are Spot.

    EC2, EMR's fee, both disks of a node and its public address.
    """
    ec2 = prices.of_node("spot" if name == "task" else "ec2", group.type)
    disks = (settings.volume_gib + ROOT_DISK_GIB) * prices.gp3_gib_month / _HOURS_A_MONTH
    return group.count * (ec2 + prices.of_node("emr", group.type) + disks + prices.ipv4_hour)


def cost_per_hour(settings: Settings, prices: Prices) -> float:
    """Cost for an hour of the running cluster, or of the driver and all executors."""
    if isinstance(settings, ClusterSettings):
        return sum(group_cost(name, g, settings, prices) for name, g in settings.groups.items())
    own = prices.serverless[settings.arch]
    vcpus = settings.driver_vcpu + settings.executors * settings.executor.cores
    memory = settings.driver_gb + settings.executors * worker_gb(settings)
    return vcpus * own.vcpu_hour + memory * own.gb_hour


def request_cost(images: int, packed: bool, prices: Prices) -> float:
    """Cost of reading the photos from S3: a GET each, a LIST for 1,000; almost none if packed."""
    if packed:
        return 0.0
    return images / 1000 * prices.s3_get_1000 + images / 1e6 * prices.s3_put_1000


def estimate(
    images: int, packed: bool, sizing: Sizing, settings: Settings, types: PriceList
) -> Estimate:
    """The cycle of a run.

    A cluster also costs while it starts and while the driver lists; EMR Serverless bills workers
    only while they run.
    """
    if isinstance(settings, ClusterSettings):
        arch = types.instance(settings.core.type).arch
    else:
        arch = settings.arch
    speed = settings.images_per_s_per_core * sizing.total_cores
    listing = 0 if packed else images / _LISTED_PER_S / 60
    billed = listing + images / speed / 60
    minutes = settings.start_minutes + billed
    notes = [
        f"{settings.start_minutes:g} minutes to start are assumed (start_minutes); PCA and plots "
        "are left out"
    ]
    if arch != _MEASURED_ARCH:
        notes.append(f"images_per_s_per_core was measured on {_MEASURED_ARCH}, and on no {arch}")
    if types.prices is None:
        return Estimate(speed, minutes, notes=tuple(notes))
    prices = types.need(settings.region)
    hourly = cost_per_hour(settings, prices)
    if isinstance(settings, ClusterSettings):
        billed, idle = minutes, hourly * settings.idle_minutes / 60
        notes.append(f"a cluster that is left alone costs {idle:.2f} more before it ends by itself")
    parts = {"machines": hourly * billed / 60, "S3": request_cost(images, packed, prices)}
    return Estimate(speed, minutes, hourly, parts, tuple(notes))
