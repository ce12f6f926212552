"""A random forest of scikit-learn as one of Spark ML.

Spark has no public way to make a forest of given trees but to load its files. So they are written,
and loaded: https://github.com/apache/spark, ``ml/tree/treeModels.scala`` (``NodeData``).
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pandas as pd
from pyspark.ml.classification import RandomForestClassificationModel
from pyspark.sql import SparkSession

from fruits_kedro.spark.paths import model_pattern

_CLASS = "org.apache.spark.ml.classification."
_TREES = "treeID int, metadata string, weights double"
_NODES = (
    "treeID int, nodeData struct<id int, prediction double, impurity double, "
    "impurityStats array<double>, rawCount bigint, gain double, leftChild int, rightChild int, "
    "split struct<featureIndex int, leftCategoriesOrThreshold array<double>, numCategories int>>"
)


def to_spark_forest(
    forest: Any, spark: SparkSession, scratch: str
) -> RandomForestClassificationModel:
    """The same forest as Spark's: features in ``vector``, classes 0 to n - 1.

    Args:
        forest: a fitted ``RandomForestClassifier`` of scikit-learn.
        scratch: URL of a folder that the workers see; it may be deleted afterwards.
    """
    trees = [tree.tree_ for tree in forest.estimators_]
    params = {"featuresCol": "vector", "impurity": forest.criterion}
    sizes = {"numFeatures": forest.n_features_in_, "numClasses": len(forest.classes_)}
    one = _metadata("DecisionTreeClassificationModel", params, spark, sizes)
    about = [(i, one, 1.0) for i in range(len(trees))]
    number = {"numTrees": len(trees)}
    top = _metadata("RandomForestClassificationModel", params | number, spark, sizes | number)
    nodes = [(i, node) for i, tree in enumerate(trees) for node in _nodes(tree)]
    spark.createDataFrame([(top,)], "value string").coalesce(1).write.text(f"{scratch}/metadata")
    spark.createDataFrame(about, _TREES).write.parquet(f"{scratch}/treesMetadata")
    spark.createDataFrame(nodes, _NODES).write.parquet(f"{scratch}/data")
    return RandomForestClassificationModel.load(model_pattern(scratch))


def _metadata(name: str, params: dict[str, Any], spark: SparkSession, sizes: dict[str, int]) -> str:
    about = {"class": _CLASS + name, "uid": name, "timestamp": int(1000 * time.time())}
    given = {"sparkVersion": spark.version, "paramMap": params, "defaultParamMap": {}}
    return json.dumps({**about, **given, **sizes})


def _nodes(tree: Any) -> list[tuple[Any, ...]]:
    """``NodeData`` of each node; a parent comes before its children, as in scikit-learn."""
    weights = tree.weighted_n_node_samples
    left, right = tree.children_left, tree.children_right
    inner = left >= 0
    counts = tree.value[:, 0, :] * weights[:, None]
    below = weights[left] * tree.impurity[left] + weights[right] * tree.impurity[right]
    gain = np.where(inner, tree.impurity - below / weights, -1.0)
    table = pd.DataFrame(
        {
            "id": range(tree.node_count),
            "prediction": counts.argmax(axis=1).astype(float),
            "impurity": tree.impurity,
            "impurityStats": counts.tolist(),
            "rawCount": tree.n_node_samples,
            "gain": gain,
            "leftChild": left,
            "rightChild": right,
            "split": [
                (int(feature), [float(threshold)], -1) if is_inner else (-1, [], -1)
                for feature, threshold, is_inner in zip(tree.feature, tree.threshold, inner)
            ],
        }
    )
    return list(table.astype(object).itertuples(index=False, name=None))
