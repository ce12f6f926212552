"""What the report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pandas as pd
import pyarrow as pa

from fruits_kedro.curation.photo_map import Examples
from fruits_kedro.reports.tables import command_line


@dataclass(frozen=True)
class Contents:
    """What the report is made from: datasets of a store.

    Attributes:
        images: the folder or URL of the photos.
        counts: ``split, label, images``.
        run: the record of the run: ``model_info``.
        variance: ``component, variance_explained, cumulative_variance``.
        photo_map: ``path, split, label, x, y, neighbors, image``.
        examples: of the labels and components.
        rejected: ``columns, rows, total``.
        curation: the summary of a curation; None if there was none.
        classification: the summary of a classification; None if there was none.
    """

    images: str
    counts: pd.DataFrame
    run: dict[str, Any]
    variance: pd.DataFrame
    photo_map: pa.Table
    examples: Examples
    rejected: dict[str, Any]
    curation: dict[str, Any] | None
    classification: dict[str, Any] | None

    def command(self, pipeline: str) -> str:
        """The command that runs a pipeline on this store."""
        places, env = self.run.get("places", {}), self.run.get("env")
        return command_line(f"run --pipelines {pipeline}", places, env)

    @property
    def name(self) -> str:
        """The name of the photos' folder."""
        return PurePath(self.images).name or self.images


def macro_f1(summary: dict[str, Any], protocol: str, model: str) -> dict[str, Any] | None:
    """The macro-F1 of a model, ``value, low, high``; None where it was not measured."""
    models = summary["protocols"].get(protocol, {}).get("models", {})
    return models.get(model, {}).get("f1_macro")


def core_hours(run: dict[str, Any]) -> float:
    """Hours of the extraction, times its cores."""
    return float(run["stages"]["extraction"]["seconds"]) * run["cores"] / 3600
