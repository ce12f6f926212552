"""Models are read as Spark reads them, without Spark."""

import hashlib
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileSystem
from pyspark.ml import PipelineModel
from pyspark.ml.classification import LogisticRegression, RandomForestClassifier
from pyspark.ml.feature import IndexToString
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.linalg import Matrices, Vectors

from fruits_kedro.errors import FruitsError
from fruits_kedro.serving.spark_files import (
    Folder,
    _matrix,
    _vector,
    read_classifier,
    read_pca,
)
from fruits_kedro.spark.models import from_spark_model


def folder(path):
    return Folder(LocalFileSystem(), str(path))


def features_of(store):
    rows = pq.read_table(store / "04_feature/extracted_features").to_pandas()
    return np.stack(rows["features"]).astype(np.float64)


def by_spark(spark, path, matrix):
    rows = spark.createDataFrame([(i, row.tolist()) for i, row in enumerate(matrix)])
    rows = rows.select("_1", array_to_vector("_2").alias("vector"))
    scored = PipelineModel.load(str(path)).transform(rows).orderBy("_1")
    return np.array(scored.select(vector_to_array("probability")).toPandas().iloc[:, 0].tolist())


def test_every_stored_classifier_gives_sparks_probabilities(spark, classified):
    models = classified[1] / "06_models/classifiers"
    matrix = features_of(classified[1])[::5]
    names = json.loads((models / "names.json").read_text())
    assert len(names) == 5
    for name in names:
        classes, classifier = read_classifier(folder(models / name))
        found = classifier.probabilities(matrix)
        assert len(classes) == found.shape[1] == 12
        np.testing.assert_allclose(found, by_spark(spark, models / name, matrix), atol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", ["forest", "linear"])
def test_classifiers_that_spark_has_fitted_are_the_same(spark, tmp_path, kind, classes):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(120, 4))
    codes = (matrix[:, 0] * 2 + rng.normal(size=120) > 0).astype(int) + (classes - 2) * (
        matrix[:, 1] > 1
    )
    rows = spark.createDataFrame([(Vectors.dense(x), float(y)) for x, y in zip(matrix, codes)])
    rows = rows.toDF("vector", "label")
    columns = {"featuresCol": "vector"}
    estimator = {
        "forest": RandomForestClassifier(**columns, numTrees=7, maxDepth=6, seed=0),
        "linear": LogisticRegression(**columns, family="multinomial"),
    }[kind]
    labels = list("abc"[:classes])
    names = IndexToString(inputCol="prediction", outputCol="predicted", labels=labels)
    PipelineModel([estimator.fit(rows), names]).save(str(tmp_path / "model"))
    found, classifier = read_classifier(folder(tmp_path / "model"))
    assert found == labels
    expected = by_spark(spark, tmp_path / "model", matrix)
    np.testing.assert_allclose(classifier.probabilities(matrix), expected, atol=1e-12)


def test_the_pca_is_the_stored_one(spark, classified):
    path = classified[1] / "06_models/pca_model"
    model = PipelineModel.load(str(path))
    found, expected = read_pca(folder(path)), from_spark_model(model)
    for name in ("mean", "scale", "components", "variance_explained"):
        assert np.array_equal(getattr(found, name), getattr(expected, name)), name
    components = model.stages[-1].pc.toArray()
    name = hashlib.sha256(components.tobytes()).hexdigest()[:16]
    assert found.fingerprint == expected.fingerprint == name


def test_an_unknown_classifier_is_refused(tmp_path, spark):
    names = IndexToString(inputCol="a", outputCol="b", labels=["x"])
    PipelineModel([names, names.copy()]).save(str(tmp_path / "model"))
    with pytest.raises(FruitsError, match="does not know the classifier IndexToString"):
        read_classifier(folder(tmp_path / "model"))


def test_vectors_and_matrices_of_spark_in_each_form(spark, tmp_path):
    dense = Matrices.dense(2, 3, [1, 2, 3, 4, 5, 6])
    sparse = Matrices.sparse(2, 3, [0, 1, 1, 3], [1, 0, 1], [7.0, 8.0, 9.0])
    vectors = [Vectors.dense([1, 0, 2]), Vectors.sparse(3, [2], [4.0])]
    rows = spark.createDataFrame([(dense, vectors[0]), (sparse, vectors[1])], ["m", "v"])
    rows.coalesce(1).write.parquet(str(tmp_path / "rows"))
    stored = folder(tmp_path / "rows").table().to_pylist()
    for row, (matrix, vector) in zip(stored, [(dense, vectors[0]), (sparse, vectors[1])]):
        assert np.array_equal(_matrix(row["m"]), matrix.toArray())
        assert np.array_equal(_vector(row["v"]), vector.toArray())
