"""New photos through the stored backbone, PCA and classifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from kedro.io import DataCatalog
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from fruits_kedro.classification.classifiers import predict
from fruits_kedro.classification.samples import pca_fingerprint, to_vectors
from fruits_kedro.classification.unknown import distances
from fruits_kedro.errors import FruitsError
from fruits_kedro.image_source import open_images
from fruits_kedro.parameters import ImageLimits
from fruits_kedro.pipelines.extraction.nodes import count_tasks

_EXTRACTED = (
    "path string, bytes long, features array<float>, error string, fingerprint string, "
    "engine string"
)
_NEEDED = ("backbone", "pca_model", "classifiers", "classifier_info")
COLUMNS = ("path", "predicted", "probability", "top_3", "looks_unknown", "distance", "error")


def predict_folder(catalog: DataCatalog, folder: str, limits: ImageLimits) -> pd.DataFrame:
    """Predict the labels of the photos below a folder.

    Args:
        catalog: of a store in which ``kedro run --pipeline classification`` has ended.
        folder: of photos, or packed ones; a local path or a URL that fsspec knows.
        limits: what a photo may cost.

    Returns:
        One row for each photo, ordered by path: ``path, predicted, probability, top_3`` (labels,
        joined by ``, ``), ``looks_unknown`` (further from every class than nearly all Training
        photos are), ``distance`` (to the nearest class), ``error`` (why a photo cannot be used:
        all others are empty then).

    Raises:
        FruitsError: no photos, or the store lacks what is needed.
    """
    missing = [name for name in _NEEDED if not catalog.exists(name)]
    if missing:
        raise FruitsError(
            f"The store has no {', '.join(missing)}.\nRun 'kedro run' and then 'kedro run "
            "--pipeline classification' with the same --params, or give --params store=<results>."
        )
    info, models = catalog.load("classifier_info"), catalog.load("classifiers")
    pca_model = catalog.load("pca_model")
    if info["pca_fingerprint"] != pca_fingerprint(pca_model):
        raise FruitsError(
            "The store's PCA is not the one that the classifiers were trained with.\nRun 'kedro "
            "run --pipeline classification' again."
        )
    extracted = _extract(catalog, folder, info["fingerprint"], limits).persist()
    usable = extracted.where("error is null").select("path", "features")
    vectors = to_vectors(usable, info["inputs"], pca_model)
    labelled = predict(models[info["best"]], vectors)
    far = distances(models[f"nearest_centroid.{info['inputs']}"], vectors)
    joined = labelled.join(far.select("path", "distance"), "path").select(
        "path",
        "predicted",
        "probability",
        F.concat_ws(", ", "top_3").alias("top_3"),
        (F.col("distance") > info["unknown_distance"]).alias("looks_unknown"),
        "distance",
    )
    found: pd.DataFrame = extracted.select("path", "error").join(joined, "path", "left").toPandas()
    extracted.unpersist()
    return found[list(COLUMNS)].sort_values("path", ignore_index=True)


def _extract(catalog: DataCatalog, folder: str, fingerprint: str, limits: ImageLimits) -> DataFrame:
    backbone = catalog.load("backbone")
    if backbone is None or backbone.fingerprint != fingerprint:
        raise FruitsError(
            f"The store's compiled backbone is not {fingerprint}, with which the classifiers were "
            "trained.\nRun 'kedro run' and 'kedro run --pipeline classification' again."
        )
    images = open_images(folder)
    listing = images.list().select(["path", "length"]).rename_columns(["path", "bytes"])
    spark = SparkSession.builder.getOrCreate()
    shared = spark.sparkContext.broadcast(backbone)

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from fruits_kedro.extractor import extract_batches

        return extract_batches(batches, images.read_all, shared.value, limits)

    tasks = count_tasks(listing.num_rows, spark.sparkContext.defaultParallelism)
    rows = spark.createDataFrame(listing.to_pandas())
    if images.in_order:
        rows = rows.repartitionByRange(tasks, "path").sortWithinPartitions("path")
    else:
        rows = rows.repartition(tasks)
    return rows.mapInArrow(run, _EXTRACTED)


def summarise(found: pd.DataFrame, shown: int) -> dict[str, Any]:
    """What the command shows: counts, the first photos, those that look unknown, the bad ones."""
    usable = found[found["error"].isna()]
    unknown = usable[usable["looks_unknown"].astype(bool)]
    bad = found[found["error"].notna()]
    counts = usable["predicted"].value_counts()
    result: dict[str, Any] = {
        f"{len(found):,} photos": {label: f"{n:,}" for label, n in counts.head(shown).items()},
        "the first ones": [
            (row.path, row.predicted, f"{row.probability:.0%}", "looks unknown" * row.looks_unknown)
            for row in usable.head(shown).itertuples()
        ],
    }
    if not unknown.empty:
        result[f"{len(unknown):,} look unknown: far from every class"] = [
            (row.path, f"nearest: {row.predicted}") for row in unknown.head(shown).itertuples()
        ]
    if not bad.empty:
        result[f"{len(bad):,} cannot be used"] = [
            (row.path, row.error) for row in bad.head(shown).itertuples()
        ]
    return result
