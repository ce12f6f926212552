"""AWS prices, typed and closed: ``conf/base/prices.yml``."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import StrictModel


class InstancePrice(StrictModel):
    """One instance type: its cores, memory, architecture and prices per hour.

    Attributes:
        arch: ``x86_64`` or ``aarch64``.
        ec2: price per hour, on demand.
        emr: EMR's fee per hour.
    """

    vcpu: PositiveInt
    memory_gib: PositiveFloat
    arch: str
    ec2: PositiveFloat
    emr: PositiveFloat


class Prices(StrictModel):
    """AWS prices of one region and date.

    Attributes:
        as_of: the date of the prices.
        spot_share: of the on-demand price that a Spot node is taken to cost.
        gp3_gib_month: price of a GiB of disk for a month.
    """

    as_of: date
    region: str
    currency: str
    spot_share: Annotated[float, Field(gt=0, le=1)]
    gp3_gib_month: PositiveFloat
    instances: dict[str, InstancePrice]

    @property
    def source(self) -> str:
        """Region and date of the prices."""
        return f"{self.region}, {self.as_of}"

    def instance(self, kind: str) -> InstancePrice:
        """Cores, memory and prices of an instance type; FruitsError if the table lacks it."""
        if kind not in self.instances:
            raise FruitsError(
                f"The instance type {kind} is not in conf/base/prices.yml; there are: "
                f"{', '.join(sorted(self.instances))}.\nAdd it, with its cores, memory and prices."
            )
        return self.instances[kind]
