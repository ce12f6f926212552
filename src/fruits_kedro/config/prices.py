"""Instance types of EC2 (``instances.yml``) and AWS' prices (``prices.yml``), typed and closed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import StrictModel

_OLD_DAYS = 365


class Instance(StrictModel):
    """One instance type, as EC2 describes it."""

    vcpu: PositiveInt
    memory_gib: PositiveFloat
    arch: Literal["x86_64", "aarch64"]


class ServerlessPrices(StrictModel):
    """Prices of EMR Serverless for one architecture.

    Attributes:
        vcpu_hour: of a vCPU for an hour.
        gb_hour: of a GB of memory for an hour.
    """

    vcpu_hour: PositiveFloat
    gb_hour: PositiveFloat


class Prices(StrictModel):
    """AWS' prices in one region on one day.

    Attributes:
        as_of: the day.
        ec2: of a node for an hour, on demand, by its type.
        spot: the same, Spot, on that day.
        emr: EMR's fee for an hour, by the node's type.
        gp3_gib_month: of a GiB of disk for a month.
        ipv4_hour: of a node's public address for an hour.
        s3_get_1000: of 1,000 requests that read.
        s3_put_1000: of 1,000 requests that write or list.
        serverless: by architecture.
        serverless_storage_gb_hour: of a GB of disk beyond the free 20 of a worker.
    """

    as_of: date
    region: str
    currency: str
    ec2: dict[str, PositiveFloat]
    spot: dict[str, PositiveFloat]
    emr: dict[str, PositiveFloat]
    gp3_gib_month: PositiveFloat
    ipv4_hour: NonNegativeFloat
    s3_get_1000: PositiveFloat
    s3_put_1000: PositiveFloat
    serverless: dict[str, ServerlessPrices]
    serverless_storage_gb_hour: PositiveFloat

    @property
    def source(self) -> str:
        """Region and day, and whether that is long ago."""
        age = datetime.now(UTC).date() - self.as_of
        old = f", {age.days} days old: refresh them by 'kedro emr prices'"
        return f"{self.region}, {self.as_of}{old if age.days > _OLD_DAYS else ''}"

    def of_node(self, table: Literal["ec2", "spot", "emr"], kind: str) -> float:
        """A price for an hour; FruitsError if the table lacks the type."""
        found = getattr(self, table)
        if kind not in found:
            raise FruitsError(f"There is no {table} price of {kind}: kedro emr prices")
        return float(found[kind])


class PriceList(StrictModel):
    """Instance types, and prices if somebody has asked AWS for them."""

    instances: dict[str, Instance]
    prices: Prices | None = None

    def instance(self, kind: str) -> Instance:
        """An instance type; FruitsError if the table lacks it."""
        if kind not in self.instances:
            raise FruitsError(
                f"The instance type {kind} is not in conf/base/instances.yml; there are: "
                f"{', '.join(sorted(self.instances))}.\nAdd it, with its cores and memory."
            )
        return self.instances[kind]

    def need(self, region: str) -> Prices:
        """The prices of a region; FruitsError if there are none."""
        if self.prices is None:
            raise FruitsError("No prices are known. Ask AWS for them: kedro emr prices")
        if self.prices.region != region:
            raise FruitsError(
                f"The prices are of {self.prices.region}, not {region}: kedro emr prices"
            )
        return self.prices
