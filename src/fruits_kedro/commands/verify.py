"""Checks a finished store: it is complete, consistent and repeatable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from kedro.io import DataCatalog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.commands.checks import run_checks
from fruits_kedro.commands.mend import mending_runs
from fruits_kedro.errors import FruitsError, ImageError, summarize
from fruits_kedro.features.extract import extract, get_model
from fruits_kedro.features.schema import EARLIER, INDEX
from fruits_kedro.reports.lineage import find_stale
from fruits_kedro.spark.backbone import choose_backbone
from fruits_kedro.spark.contracts import check_index, check_vectors, in_subset
from fruits_kedro.spark.models import from_spark_model

OUTPUTS = (
    *("image_index", "class_counts", "backbone_info", "extracted_features", "rejected_images"),
    *("rejected_images_csv", "extraction_info", "extraction_counts", "pca_model"),
    *("explained_variance", "pca_features", "pca_matrix", "model_info"),
)
# Another processor may round sums of some thousand products differently.
_TOLERANCE = 1e-4


class ResultVerifier:
    """Checks the results of a run; each is loaded once.

    Args:
        images: photos to extract again.
    """

    def __init__(self, catalog: DataCatalog, images: int) -> None:
        self._catalog = catalog
        self._images = images
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            try:
                self._loaded[name] = self._catalog.load(name)
            except Exception as error:
                raise FruitsError(f"{name} cannot be loaded: {summarize(error)}") from None
        return self._loaded[name]

    def verify(self) -> dict[str, Any]:
        """The results of all checks, as :func:`run_checks` gives them."""
        checks = {
            "complete": self._complete,
            "index": self._index,
            "one row for each photo": self._rows,
            "features": self._features,
            "backbone": self._backbone,
            "rejected": self._rejected,
            "components": self._components,
            "model_info": self._model_info,
            "up to date": self._up_to_date,
            "extracted again": self._again,
        }
        if not any(self._catalog.exists(name) for name in OUTPUTS):
            place = self._catalog.get("image_index").location  # type: ignore[union-attr]
            raise FruitsError(f"There is nothing to verify ({place} is not there): kedro run")
        return run_checks(checks)

    def _complete(self) -> str:
        missing = [name for name in OUTPUTS if not self._catalog.exists(name)]
        if missing:
            raise FruitsError(f"Not there, or not complete: {', '.join(missing)}.")
        return f"{len(OUTPUTS)} outputs"

    def _index(self) -> str:
        _need(self["image_index"], INDEX)
        photos = in_subset(self["image_index"]).select("path", "split", "label")
        index: pd.DataFrame = photos.toPandas()
        index = index.fillna("")
        check_index(index)
        ours = index.groupby(["split", "label"]).size()
        theirs = self["class_counts"].fillna("").groupby(["split", "label"])["images"].sum()
        if ours.to_dict() != theirs.to_dict():
            raise FruitsError("class_counts are not the counts of the index.")
        return f"{len(index):,} photos, {index['label'].nunique()} labels"

    def _rows(self) -> str:
        key = ["path", "split", "label", "bytes", "modified_at"]
        every, extracted = self["image_index"].select(key), self._extracted.select(key)
        index = in_subset(self["image_index"]).select(key)
        # Photos outside the subset may have a row.
        missing = index.exceptAll(in_subset(self._extracted).select(key))
        differing = missing.unionByName(extracted.exceptAll(every))
        paths = [row.path for row in differing.select("path").distinct().limit(5).collect()]
        if paths:
            raise FruitsError(f"Index and extracted_features differ, for example in {paths}.")
        both = self._extracted.where("(features is null) = (error is null)").limit(5).collect()
        if both:
            raise FruitsError(
                f"Neither features nor an error, or both: {[row.path for row in both]}."
            )
        return f"{index.count():,} rows"

    def _features(self) -> str:
        check_vectors(self._usable, "features", self["backbone_info"]["n_features"])
        return f"{self._usable.count():,} vectors of {self['backbone_info']['n_features']}"

    def _backbone(self) -> str:
        known = {
            "extracted_features": {
                row[0] for row in self._usable.select("fingerprint").distinct().collect()
            },
            "backbone_info": {self["backbone_info"]["fingerprint"]},
            "model_info": {self["model_info"]["backbone"]["fingerprint"]},
        }
        if len(set.union(*known.values())) != 1:
            raise FruitsError(f"Several backbones: {known}.")
        return str(self["backbone_info"]["fingerprint"])

    def _rejected(self) -> str:
        expected = {
            row.path for row in in_subset(self._extracted).where("features is null").collect()
        }
        failed = " The last run has failed and left this list: mend its photos and run again."
        for name, hint in {"rejected_images": "", "rejected_images_csv": failed}.items():
            found = [row.path for row in self[name].select("path").collect()]
            if sorted(found) != sorted(expected):
                raise FruitsError(
                    f"{name} has {len(found)} rows, and {len(expected)} photos were rejected; "
                    f"for example {sorted(set(found) ^ expected)[:5]}.{hint}"
                )
        return f"{len(expected):,} photos"

    def _components(self) -> str:
        scores, k = self["pca_features"], len(self["explained_variance"])
        check_vectors(scores, "pca_features", k)
        usable, matrix = self._usable.select("path"), self["pca_matrix"]
        for name, found in {"pca_features": scores, "pca_matrix": matrix}.items():
            paths = found.select("path")
            if paths.exceptAll(usable).unionByName(usable.exceptAll(paths)).limit(1).count():
                raise FruitsError(f"The rows of {name} are not those of the features.")
        if len(matrix.columns) != k + 3:
            raise FruitsError(f"pca_matrix has {len(matrix.columns) - 3} components, not {k}.")
        self._check_scores(scores)
        return f"{k} components"

    def _check_scores(self, scores: DataFrame) -> None:
        pca = from_spark_model(self["pca_model"])
        rows = self._sample.join(scores.select("path", "pca_features"), "path").collect()
        for row in rows:
            expected = pca.transform(np.array(row.features))
            if not np.allclose(row.pca_features, expected, rtol=1e-4, atol=1e-4):
                raise FruitsError(f"pca_features of {row.path!r} are not what pca_model gives.")

    def _model_info(self) -> str:
        last = self["extraction_info"]
        if last["failure_rate"] > last["max_failure_rate"]:
            share = f"{last['failure_rate']:.1%}"
            raise FruitsError(f"The last run stopped: {share} of its photos cannot be used.")
        info = self["model_info"]
        rejected = self["rejected_images"].count()
        found = {
            "images": in_subset(self["image_index"]).count(),
            "features": self._usable.count(),
            "rejected": rejected,
        }
        noted = {name: info["counts"][name] for name in found}
        sums = self["extraction_counts"][list(found)].sum().to_dict()
        if not found == noted == sums:
            raise FruitsError(f"Counts: {found} in the data, {noted} noted, {sums} by split.")
        if sum(info["counts"]["rejected_by_reason"].values()) != rejected:
            raise FruitsError("The counts by reason do not add up to the rejected photos.")
        if info["pca"]["k"] != len(self["explained_variance"]):
            raise FruitsError(f"model_info says {info['pca']['k']} components.")
        return ", ".join(f"{count:,} {name}" for name, count in found.items())

    def _up_to_date(self) -> str:
        lineage = self._catalog.load("lineage") if self._catalog.exists("lineage") else {}
        if stale := find_stale(lineage):
            runs = " && ".join(f"kedro {run}" for run in mending_runs(stale))
            raise FruitsError(
                f"Older than what they were made from: {', '.join(stale)}.\nMake them anew: {runs}"
            )
        return f"{len(lineage)} outputs"

    def _again(self) -> str:
        params = self._catalog.load("params:extraction")
        backbone = choose_backbone(
            params, self["raw_images"], self["image_index"], self["previous_backbone"]
        )
        rows = self._sample.collect()
        if backbone.fingerprint != rows[0].fingerprint:
            raise FruitsError(
                f"The parameters ask for {backbone.fingerprint}, the features are of "
                f"{rows[0].fingerprint}: give the parameters of that run."
            )
        contents = self["raw_images"].read_all([row.path for row in rows])
        outcomes = extract(contents, get_model(backbone), backbone, params.limits)
        worst = 0.0
        for row, outcome in zip(rows, outcomes):
            if isinstance(outcome, ImageError):
                raise FruitsError(f"{row.path!r} cannot be used any more: {outcome}")
            off = float(np.abs(outcome - np.array(row.features, np.float32)).max())
            if off > _TOLERANCE:
                raise FruitsError(f"Features of {row.path!r} are off by {off:.2g}.")
            worst = max(worst, off)
        return f"{len(rows)} photos, off by {worst:.1g} at most"

    @property
    def _extracted(self) -> DataFrame:
        _need(self["extracted_features"], EARLIER)
        return self["extracted_features"]

    @property
    def _usable(self) -> DataFrame:
        return in_subset(self._extracted).where("error is null")

    @property
    def _sample(self) -> DataFrame:
        return self._usable.orderBy(F.xxhash64("path")).limit(self._images)


def _need(frame: DataFrame, columns: tuple[str, ...]) -> None:
    if missing := [name for name in columns if name not in frame.columns]:
        raise FruitsError(f"Columns are missing: {', '.join(missing)}.")
