"""What AWS asks for, typed and closed: ``conf/base/prices.yml``."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import StrictModel


class InstancePrice(StrictModel):
    """One type of instance.

    Attributes:
        vcpu: cores.
        memory_gib: memory.
        arch: ``x86_64`` or ``aarch64``.
        ec2: price of an hour, on demand.
        emr: EMR's fee for an hour.
    """

    vcpu: PositiveInt
    memory_gib: PositiveFloat
    arch: str
    ec2: PositiveFloat
    emr: PositiveFloat


class Prices(StrictModel):
    """What AWS asks for.

    Attributes:
        as_of: the date of the prices.
        region: they are for.
        currency: they are in.
        spot_share: of the on-demand price that a Spot node is taken to cost.
        gp3_gib_month: price of a GiB of disk for a month.
        instances: price of each type.
    """

    as_of: date
    region: str
    currency: str
    spot_share: Annotated[float, Field(gt=0, le=1)]
    gp3_gib_month: PositiveFloat
    instances: dict[str, InstancePrice]

    @property
    def source(self) -> str:
        """Where and when they held, in words."""
        return f"{self.region}, {self.as_of}"

    def instance(self, kind: str) -> InstancePrice:
        """Cores, memory and price of a type of instance.

        Raises:
            FruitsError: the table does not have it.
        """
        if kind not in self.instances:
            raise FruitsError(
                f"The instance type {kind} is not in conf/base/prices.yml; there are: "
                f"{', '.join(sorted(self.instances))}.\nAdd it, with its cores, memory and prices."
            )
        return self.instances[kind]
