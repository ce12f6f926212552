"""The cost of a cluster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from fruits_kedro.config.prices import Prices
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.cluster import TAG
from fruits_kedro.emr.settings import EmrSettings, Group
from fruits_kedro.emr.sizing import group_cost
from fruits_kedro.errors import FruitsError

_NAMES = {"MASTER": "primary", "CORE": "core", "TASK": "task"}


def bill(aws: Aws, settings: EmrSettings, prices: Prices, cluster_id: str) -> dict[str, Any]:
    """Hours of each group times its price, and the figure of Cost Explorer where access allows."""
    with explained("describing the cluster"):
        cluster = aws.emr.describe_cluster(ClusterId=cluster_id)["Cluster"]
        groups = aws.emr.list_instance_groups(ClusterId=cluster_id)["InstanceGroups"]
    times = cluster["Status"]["Timeline"]
    start, now = times["CreationDateTime"], datetime.now(UTC)
    end = times.get("EndDateTime") or now
    hours = (end - start).total_seconds() / 3600
    parts = {}
    for entry in groups:
        name = _NAMES[entry["InstanceGroupType"]]
        group = Group(type=entry["InstanceType"], count=entry["RequestedInstanceCount"])
        parts[name] = group_cost(name, group, settings, prices) * hours
    return {
        "cluster": cluster_id,
        "state": cluster["Status"]["State"],
        "hours": round(hours, 2),
        **{name: round(value, 2) for name, value in parts.items()},
        "total": round(sum(parts.values()), 2),
        "currency": prices.currency,
        "prices_of": prices.source,
        "cost_explorer": _cost_explorer(aws, settings, start, end),
    }


def _cost_explorer(aws: Aws, settings: EmrSettings, start: datetime, end: datetime) -> str:
    period = {
        "Start": start.date().isoformat(),
        "End": (end + timedelta(days=1)).date().isoformat(),
    }
    try:
        with explained("Cost Explorer"):
            found = aws.client("ce", "us-east-1").get_cost_and_usage(  # its only region
                TimePeriod=period,
                Granularity="DAILY",
                Metrics=["UnblendedCost"],
                Filter={"Tags": {"Key": TAG, "Values": [settings.name]}},
            )
    except FruitsError as error:
        return f"not available ({error})"
    costs = [day["Total"]["UnblendedCost"] for day in found["ResultsByTime"] if day.get("Total")]
    if not costs:
        return "nothing yet: it takes a day, and the tag has to be activated for cost allocation"
    total = sum(float(cost["Amount"]) for cost in costs)
    return f"{total:.2f} {costs[0]['Unit']} for these days"
