"""Training and test samples for a classifier; no test photo is trained on."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.ml.functions import array_to_vector
from pyspark.ml.stat import Summarizer
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from fruits_kedro.classification.classifiers import TooFewLabelsError
from fruits_kedro.errors import FruitsError

logger = logging.getLogger(__name__)

PCA = "pca_features"
_NAMED = 5


def feature_hash() -> Column:
    """What tells a photo from others: a hash of its features, which are equal bit for bit."""
    return F.xxhash64("features")


def check_labels(photos: DataFrame) -> None:
    """Raise FruitsError unless Training has two labels and Test has a labelled photo."""
    counts = photos.groupBy("split", "label").count().collect()
    labels = {row.label for row in counts if row.split == "Training"} - {None}
    if len(labels) < 2:
        raise TooFewLabelsError(sorted(labels))
    if not any(row.split == "Test" and row.label is not None for row in counts):
        raise FruitsError(
            "A classifier is tried on Test, and no labelled photo of Test can be used.\nLay photos "
            "aside in a folder Test/<label>/, beside Training/<label>/, or choose another subset."
        )
    if unlabelled := sum(row["count"] for row in counts if row.label is None):
        logger.warning("%d photos have no label: they are left out", unlabelled)


def check_pca(features: DataFrame, pca_model: PipelineModel) -> None:
    """Raise FruitsError unless the PCA was fitted on the Training rows of these features."""
    training = features.where("split = 'Training'")
    mean = training.select(Summarizer.mean(array_to_vector(F.col("features")))).first()
    found = mean[0].toArray()  # type: ignore[index]
    fitted = pca_model.stages[0].mean.toArray()  # type: ignore[attr-defined]
    if len(found) != len(fitted) or not np.allclose(found, fitted, rtol=1e-6, atol=1e-9):
        raise FruitsError(
            "The stored PCA is of other features than those that are stored.\nRun 'kedro run' "
            "(or 'kedro run --pipelines reduction') with the same --params first."
        )


def find_leaks(photos: DataFrame) -> pd.DataFrame:
    """Training photos that are in Test as well: ``path, label, test_path, test_label``.

    Args:
        photos: ``path, split, label, photo`` (:func:`feature_hash`).

    Returns:
        ``path, label, test_path, test_label``, ordered by path.
    """
    training = photos.where("split = 'Training'").drop("split")
    test = photos.where("split = 'Test'").select(
        "photo", F.col("path").alias("test_path"), F.col("label").alias("test_label")
    )
    columns = ["path", "label", "test_path", "test_label"]
    found: pd.DataFrame = training.join(test, "photo").select(*columns).toPandas()
    return found.sort_values(["path", "test_path"], ignore_index=True)


def find_shared(photos: DataFrame) -> list[tuple[str, str]]:
    """Pairs of labels with a photo (``label, photo``) in common: they show the same fruit."""
    known = photos.where("label is not null")
    labels = known.groupBy("photo").agg(F.sort_array(F.collect_set("label")).alias("labels"))
    several = labels.where(F.size("labels") > 1).select("labels").distinct().collect()
    pairs = {pair for row in several for pair in itertools.combinations(row.labels, 2)}
    for one, other in sorted(pairs):
        logger.warning("%s and %s have photos in common: they are held out together", one, other)
    return sorted(pairs)


def guard_leakage(leaks: pd.DataFrame, leave_out: bool) -> None:
    """Raise FruitsError, with the photos, if Test photos are in Training under the same label.

    With ``leave_out``, and for photos under another label, the log warns instead: their Training
    rows have to be left out.
    """
    same = leaks[leaks["label"] == leaks["test_label"]]
    if not same.empty and not leave_out:
        pairs = [f"{row.path!r} = {row.test_path!r}" for row in same.head(_NAMED).itertuples()]
        raise FruitsError(
            f"{same['path'].nunique()} Training photos are in Test as well: a classifier would "
            f"know them by heart. {', '.join(pairs)}{', …' if len(same) > _NAMED else ''}\n"
            "All of them are in leaked_images.csv, in the store's 08_reporting. Delete one of the "
            "two, or leave them out of Training: --params classification.leaks=leave_out",
            output="leaked_images",
        )
    if not leaks.empty:
        labels = leaks[["label", "test_label"]].drop_duplicates().head(_NAMED).to_numpy()
        logger.warning(
            "%d Training photos are in Test as well and are not trained on: %s",
            leaks["path"].nunique(),
            ", ".join(f"{one} = {other}" for one, other in labels),
        )


def without(rows: DataFrame, paths: pd.Series) -> DataFrame:
    """The rows whose path is not among these."""
    if paths.empty:
        return rows
    gone = rows.sparkSession.createDataFrame(pd.DataFrame({"path": paths.unique()}))
    return rows.join(F.broadcast(gone), "path", "left_anti")


def without_photos_of(rows: DataFrame, others: DataFrame) -> DataFrame:
    """The rows whose photo is not among the others', in the same order.

    The hashes are broadcast: a join by shuffle changes the order, on which a forest's draws depend.
    """
    photos = others.select(feature_hash().alias("photo")).distinct()
    marked = rows.withColumn("photo", feature_hash())
    return marked.join(F.broadcast(photos), "photo", "left_anti").drop("photo")


def pca_fingerprint(pca_model: PipelineModel) -> str:
    """A name for a fitted PCA: a hash of its components."""
    components = pca_model.stages[-1].pc.toArray()  # type: ignore[attr-defined]
    return hashlib.sha256(components.tobytes()).hexdigest()[:16]


def to_vectors(samples: DataFrame, inputs: str, pca_model: PipelineModel) -> DataFrame:
    """The samples with a Spark ML ``vector``: their features, or the PCA's scores."""
    vectors = samples.withColumn("features", array_to_vector(F.col("features")))
    if inputs == PCA:
        vectors = pca_model.transform(vectors).drop("features", "features_centred")
    return vectors.withColumnRenamed(inputs, "vector")


@contextmanager
def persisted(rows: DataFrame) -> Iterator[DataFrame]:
    """Rows that are computed once and kept until the block ends."""
    rows.persist()
    try:
        yield rows
    finally:
        rows.unpersist()
