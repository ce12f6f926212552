"""What clusters and runs have cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from fruits_kedro.config.prices import PriceList, Prices
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.costs import group_cost
from fruits_kedro.emr.service import TAG
from fruits_kedro.emr.settings import ClusterSettings, Group, ServerlessSettings
from fruits_kedro.errors import FruitsError

_DAYS = 14  # that Cost Explorer is asked for
_NAMES = {"MASTER": "primary", "CORE": "core", "TASK": "task"}


def cluster_bill(
    aws: Aws, settings: ClusterSettings, types: PriceList, cluster_id: str
) -> dict[str, Any]:
    """Hours of each node times its price.

    Each node counts from its own start to its own end: Spot nodes come and go.
    """
    prices = types.need(settings.region)
    with explained("describing the cluster"):
        cluster = aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        groups = aws.emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"]
        pages = aws.emr.get_paginator("list_instances").paginate(ClusterId=cluster_id)
        nodes = [node for page in pages for node in page["Instances"]]
    times = cluster["Status"]["Timeline"]
    start, now = times["CreationDateTime"], datetime.now(UTC)
    end = times.get("EndDateTime") or now
    parts = {}
    for entry in groups:
        name = _NAMES[entry["InstanceGroupType"]]
        hours = sum(_hours(n, start, end) for n in nodes if n["InstanceGroupId"] == entry["Id"])
        group = Group(type=entry["InstanceType"], count=1)
        parts[name] = group_cost(name, group, settings, prices) * hours
    return {
        "cluster": cluster_id,
        "state": cluster["Status"]["State"],
        "hours": round((end - start).total_seconds() / 3600, 2),
        **_total(parts, prices),
    }


def _hours(node: dict[str, Any], start: datetime, end: datetime) -> float:
    times = node["Status"].get("Timeline", {})
    since, until = times.get("CreationDateTime", start), times.get("EndDateTime", end)
    return float((until - since).total_seconds()) / 3600


def serverless_bill(
    runs: Sequence[dict[str, Any]], settings: ServerlessSettings, types: PriceList
) -> dict[str, Any]:
    """What AWS says that it bills for these job runs, times its prices."""
    prices = types.need(settings.region)
    own = prices.serverless[settings.arch]
    billed = [run.get("billedResourceUtilization") or {} for run in runs]
    if runs and not any(billed):
        raise FruitsError("AWS has not reported yet what it bills: ask again in some minutes.")
    rates = {
        "vCPUHour": own.vcpu_hour,
        "memoryGBHour": own.gb_hour,
        "storageGBHour": prices.serverless_storage_gb_hour,
    }
    hours = {name: sum(one.get(name, 0.0) for one in billed) for name in rates}
    parts = {name: hours[name] * rate for name, rate in rates.items()}
    shown = {f"{name}s": round(value, 3) for name, value in hours.items()}
    return {"runs": len(runs), **shown, **_total(parts, prices)}


def _total(parts: dict[str, float], prices: Prices) -> dict[str, Any]:
    return {
        **{name: round(value, 2) for name, value in parts.items()},
        "total": round(sum(parts.values()), 2),
        "currency": prices.currency,
        "prices_of": prices.source,
    }


def cost_explorer(aws: Aws, name: str) -> str:
    """What Cost Explorer says of all that bears this name's tag; AWS charges 0.01 USD for it."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=_DAYS)
    try:
        with explained("Cost Explorer"):
            found = aws.client("ce", "us-east-1").get_cost_and_usage(  # its only region
                TimePeriod={"Start": f"{first}", "End": f"{today + timedelta(days=1)}"},
                Granularity="DAILY",
                Metrics=["UnblendedCost"],
                Filter={"Tags": {"Key": TAG, "Values": [name]}},
            )
    except FruitsError as error:
        return f"not available ({error})"
    costs = [day["Total"]["UnblendedCost"] for day in found["ResultsByTime"] if day.get("Total")]
    if not costs:
        return "nothing yet: it takes a day, and the tag has to be activated for cost allocation"
    total = sum(float(cost["Amount"]) for cost in costs)
    return f"{total:.2f} {costs[0]['Unit']} in {_DAYS} days"
