"""Kedro's hooks: check the input, configure Spark, guard the store, time the run."""

from fruits_kedro.hooks.inputs import InputHooks
from fruits_kedro.hooks.lineage import LineageHooks
from fruits_kedro.hooks.locations import LocationHooks
from fruits_kedro.hooks.report import ReportHooks
from fruits_kedro.hooks.spark import SparkHooks
from fruits_kedro.hooks.store import StoreHooks

__all__ = ["InputHooks", "LineageHooks", "LocationHooks", "ReportHooks", "SparkHooks", "StoreHooks"]
