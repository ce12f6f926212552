"""Labels of new photos, by the stored backbone, PCA and classifier."""

from __future__ import annotations

from typing import Any

import pandas as pd
from kedro.io import DataCatalog
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from fruits_kedro.classification.spark_classifiers import distances, predict
from fruits_kedro.classification.spark_samples import persisted, to_vectors
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.schema import ADDED
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.packed import open_images
from fruits_kedro.spark.extraction import extraction_job
from fruits_kedro.spark.models import from_spark_model
from fruits_kedro.storage.s3 import is_s3

_EXTRACTED = (
    "path string, bytes long, features array<float>, error string, fingerprint string, "
    f"engine string, {', '.join(f'{name} {kind}' for name, kind in ADDED.items())}"
)
_NEEDED = ("backbone", "pca_model", "classifiers", "classifier_info")
COLUMNS = ("path", "predicted", "probability", "top_3", "out_of_distribution", "distance", "error")


def predict_folder(catalog: DataCatalog, folder: str, limits: ImageLimits) -> pd.DataFrame:
    """The predicted labels of the photos below a folder.

    Args:
        catalog: of a store in which ``kedro run --pipelines classification`` has ended.
        folder: of photos, or packed ones; a local path or a URL that fsspec knows.

    Returns:
        One row for each photo, ordered by path: ``path, predicted, probability, top_3`` (labels,
        joined by ``, ``), ``out_of_distribution`` (further from every class than nearly all
        Training photos are), ``distance`` (to the nearest class), ``error`` (why a photo cannot
        be used: all others are empty then).

    Raises:
        FruitsError: there are no photos, or the store lacks what is needed.
    """
    info, nearest, best = _load_classifiers(catalog)
    pca_model = catalog.load("pca_model")
    if info["pca_fingerprint"] != from_spark_model(pca_model).fingerprint:
        raise FruitsError(
            "The store's PCA is not the one that the classifiers were trained with.\nRun 'kedro "
            "run --pipelines classification' again."
        )
    with persisted(_extract(catalog, folder, info["fingerprint"], limits)) as extracted:
        usable = extracted.where("error is null").select("path", "features")
        vectors = to_vectors(usable, info["inputs"], pca_model)
        predicted = predict(best, distances(nearest, vectors)).select(
            *("path", "predicted", "probability", "distance"),
            F.concat_ws(", ", "top_3").alias("top_3"),
            (F.col("distance") > info["distance_threshold"]).alias("out_of_distribution"),
        )
        failed = extracted.where("error is not null").select("path", "error")
        found: pd.DataFrame = predicted.unionByName(failed, allowMissingColumns=True).toPandas()
    return found[list(COLUMNS)].sort_values("path", ignore_index=True)


def _load_classifiers(catalog: DataCatalog) -> tuple[dict[str, Any], PipelineModel, PipelineModel]:
    """``classifier_info``, the nearest centroid and the best classifier."""
    missing = [name for name in _NEEDED if not catalog.exists(name)]
    if missing:
        raise FruitsError(
            f"The store has no {', '.join(missing)}.\nRun 'kedro run' and then 'kedro run "
            "--pipelines classification' with the same --params, or give --params store=<results>."
        )
    info, models = catalog.load("classifier_info"), catalog.load("classifiers")
    if "distance_threshold" not in info:
        raise FruitsError(
            "An older version of the project trained the store's classifiers.\nRun 'kedro run "
            "--pipelines classification' again."
        )
    return info, models[f"nearest_centroid.{info['inputs']}"], models[info["best"]]


def _extract(catalog: DataCatalog, folder: str, fingerprint: str, limits: ImageLimits) -> DataFrame:
    backbone = catalog.load("backbone")
    if backbone is None or backbone.fingerprint != fingerprint:
        raise FruitsError(
            f"The store's compiled backbone is not {fingerprint}, with which the classifiers were "
            "trained.\nRun 'kedro run' and 'kedro run --pipelines classification' again."
        )
    # The command made this folder the catalog's raw_images, so a bucket's keys come with it.
    images = catalog.load("raw_images") if is_s3(folder) else open_images(folder)
    listing = images.list().select(["path", "length"]).rename_columns(["path", "bytes"]).to_pandas()
    listing["position"] = range(len(listing))
    rows = SparkSession.builder.getOrCreate().createDataFrame(listing)
    extraction = extraction_job(rows, len(listing), images, backbone, limits)
    return extraction.rows.mapInArrow(extraction.function, _EXTRACTED)


def describe_predictions(found: pd.DataFrame, shown: int) -> dict[str, Any]:
    """What the command shows: counts, the first photos, the outliers and the rejected ones."""
    usable = found[found["error"].isna()]
    unknown = usable[usable["out_of_distribution"].astype(bool)]
    bad = found[found["error"].notna()]
    counts = usable["predicted"].value_counts()
    result: dict[str, Any] = {
        f"{len(found):,} photos": {label: f"{n:,}" for label, n in counts.head(shown).items()},
        "the first ones": [
            (
                row.path,
                row.predicted,
                f"{row.probability:.0%}",
                "out of distribution" * row.out_of_distribution,
            )
            for row in usable.head(shown).itertuples()
        ],
    }
    if not unknown.empty:
        result[f"{len(unknown):,} are out of distribution: far from every class"] = [
            (row.path, f"nearest: {row.predicted}") for row in unknown.head(shown).itertuples()
        ]
    if not bad.empty:
        result[f"{len(bad):,} cannot be used"] = [
            (row.path, row.error) for row in bad.head(shown).itertuples()
        ]
    return result
