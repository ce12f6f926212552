"""Asks AWS' Price List for what a run uses: free of charge, for who may ``pricing:GetProducts``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from fruits_kedro.config.prices import PriceList, Prices
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.errors import FruitsError
from fruits_kedro.reports.tables import flat

_HOME = "us-east-1"  # of the Price List
_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
_SERVERLESS = {"x86_64": "EMR-SERVERLESS-", "aarch64": "EMR-SERVERLESS-ARM-"}


def fetch_prices(aws: Aws, known: PriceList) -> Prices:
    """Today's prices of the region, of all instance types that are known and offered there.

    Raises:
        FruitsError: AWS refuses, or has no such price.
    """
    region, kinds = aws.region, sorted(known.instances)
    pricing = _PriceListQuery(aws)
    ec2, emr = {}, {}
    for kind in kinds:
        found = pricing.find("AmazonEC2", instanceType=kind, **_LINUX)
        fees = pricing.find("ElasticMapReduce", instanceType=kind, softwareType="EMR")
        if found and fees:
            ec2[kind], emr[kind] = found[0][1], fees[0][1]
    serverless = {}
    for arch, prefix in _SERVERLESS.items():
        names = {"vcpu_hour": "vCPUHours", "gb_hour": "MemoryGBHours"}
        serverless[arch] = {n: pricing.serverless(f"{prefix}{u}") for n, u in names.items()}
    s3 = {"productFamily": "API Request"}
    values: dict[str, Any] = {
        "as_of": datetime.now(UTC).date(),
        "region": region,
        "currency": "USD",
        "ec2": ec2,
        "spot": _spot(aws, kinds),
        "emr": emr,
        "gp3_gib_month": pricing.one("AmazonEC2", productFamily="Storage", volumeApiName="gp3"),
        "ipv4_hour": pricing.one(
            "AmazonVPC", ends="PublicIPv4:InUseAddress", group="VPCPublicIPv4Address"
        ),
        "s3_get_1000": 1000 * pricing.one("AmazonS3", group="S3-API-Tier2", **s3),
        "s3_put_1000": 1000 * pricing.one("AmazonS3", group="S3-API-Tier1", **s3),
        "serverless": serverless,
        "serverless_storage_gb_hour": pricing.serverless("EMR-SERVERLESS-StorageGBHours"),
    }
    return Prices(**values)


class _PriceListQuery:
    def __init__(self, aws: Aws) -> None:
        self._client = aws.client("pricing", _HOME)
        self._region = aws.region
        self._serverless: list[tuple[str, float]] | None = None

    def find(self, service: str, **attributes: str) -> list[tuple[str, float]]:
        """Usage types and prices on demand, above zero, in the region."""
        wanted = attributes | {"regionCode": self._region}
        filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in wanted.items()]
        with explained(f"asking for prices of {service}"):
            pages = self._client.get_paginator("get_products").paginate(
                ServiceCode=service, Filters=filters
            )
            products = [json.loads(text) for page in pages for text in page["PriceList"]]
        return [found for product in products for found in _on_demand(product)]

    def one(self, service: str, ends: str = "", **attributes: str) -> float:
        """The only price, or that of the usage type with this ending."""
        found = [f for f in self.find(service, **attributes) if f[0].endswith(ends)]
        if not found:
            raise FruitsError(f"AWS has no price of {service} {attributes} in {self._region}.")
        return found[0][1]

    def serverless(self, usage: str) -> float:
        """The price of a usage type of EMR Serverless."""
        if self._serverless is None:
            self._serverless = self.find("ElasticMapReduce")
        for name, price in self._serverless:
            if name == usage or name.endswith(f"-{usage}"):
                return price
        raise FruitsError(f"AWS has no price of {usage} in {self._region}.")


def _on_demand(product: dict[str, Any]) -> Iterable[tuple[str, float]]:
    """Usage type and the price of the first unit, above zero."""
    usage = product["product"]["attributes"].get("usagetype", "")
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            price = float(dimension["pricePerUnit"].get("USD", 0))
            if price > 0 and dimension.get("beginRange", "0") == "0":
                yield usage, price


def _spot(aws: Aws, kinds: list[str]) -> dict[str, float]:
    """The mean of the zones' Spot prices now, by type."""
    with explained("asking for Spot prices"):
        pages = (
            aws.client("ec2")
            .get_paginator("describe_spot_price_history")
            .paginate(
                InstanceTypes=kinds, ProductDescriptions=["Linux/UNIX"], StartTime=datetime.now(UTC)
            )
        )
        history = [one for page in pages for one in page["SpotPriceHistory"]]
    found: dict[str, list[float]] = {}
    for one in history:
        found.setdefault(one["InstanceType"], []).append(float(one["SpotPrice"]))
    return {kind: sum(values) / len(values) for kind, values in sorted(found.items())}


def write_prices(prices: Prices, path: Path) -> None:
    """Write them as ``prices.yml``."""
    text = OmegaConf.to_yaml(OmegaConf.create({"prices": prices.model_dump(mode="json")}))
    path.write_text(f"# Written by 'kedro emr prices', from AWS' Price List.\n{text}", "utf-8")


def changes(old: Prices | None, new: Prices) -> list[tuple[str, str, str]]:
    """Each price that differs: its name, the old and the new value."""
    before = flat("", old.model_dump()) if old else {}
    after = flat("", new.model_dump())
    return [
        (name, f"{before.get(name, '-')}", f"{value}")
        for name, value in after.items()
        if before.get(name) != value
    ]
