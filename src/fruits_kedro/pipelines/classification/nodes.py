"""Features to labels: chosen on Training, tested on Test and on varieties left out."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.classification.classifiers import BASELINES, check_settings, classes_of
from fruits_kedro.classification.metrics import of_model
from fruits_kedro.classification.out_of_distribution import distance_threshold
from fruits_kedro.classification.protocols import (
    FOLDER,
    IN_DISTRIBUTION,
    LEAVE_ONE_VARIETY_OUT,
    NEVER,
    fruits_of,
    variety_folds,
)
from fruits_kedro.classification.samples import (
    PCA,
    check_labels,
    check_pca,
    feature_hash,
    find_leaks,
    find_shared,
    guard_leakage,
    pca_fingerprint,
    persisted,
    to_vectors,
    without,
    without_photos_of,
)
from fruits_kedro.classification.training import (
    Candidate,
    candidates,
    choose,
    collect,
    cross_validate,
    find_label_issues,
    fit,
    with_folds,
)
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.images.labels import folders_of
from fruits_kedro.linalg.pca import fit_pca
from fruits_kedro.spark.contracts import usable
from fruits_kedro.spark.models import to_spark_model
from fruits_kedro.spark.moments import distributed_moments

Models = dict[str, PipelineModel]


def compare_photos(
    extracted_features: DataFrame, params: ClassificationParams
) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Photos that are there more than once: their features are bit for bit equal.

    Returns:
        Training photos that are in Test as well: ``path, label, test_path, test_label``; and pairs
        of labels with a photo in common.

    Raises:
        FruitsError: a classifier lacks one of the settings, Training has fewer than two labels, or
            Test has no labelled photo.
    """
    for name in params.models:
        check_settings(name, params.settings_of(name))
    photo = feature_hash().alias("photo")
    rows = usable(extracted_features).select("path", "split", "label", photo)
    with persisted(rows) as photos:
        check_labels(photos)
        return find_leaks(photos), find_shared(photos)


def select_samples(
    extracted_features: DataFrame,
    pca_model: PipelineModel,
    leaked_images: pd.DataFrame,
    shared_labels: list[tuple[str, str]],
    params: ClassificationParams,
) -> DataFrame:
    """The labelled photos, without Training photos that are in Test as well.

    Returns:
        ``path, split, label, features, fingerprint, fruit, variety_fold`` (the fold in which the
        variety is held out, -1 for never).

    Raises:
        FruitsError: a photo is in Training and Test under the same label, or the PCA was fitted on
            other features.
    """
    guard_leakage(leaked_images, leave_out=params.leaks == "leave_out")
    features = usable(extracted_features)
    check_pca(features, pca_model)
    kept = without(features, leaked_images["path"]).where("label is not null")
    splits = kept.select("label", "split").distinct().collect()
    fruits = _fruits_of(kept, {row.label for row in splits}, params.leave_one_variety_out.fruit)
    trained = {row.label: fruits[row.label] for row in splits if row.split == "Training"}
    fold_of = variety_folds(trained, params.leave_one_variety_out.folds, params.seed, shared_labels)
    rows = [(label, fruit, fold_of.get(label, NEVER)) for label, fruit in fruits.items()]
    known = features.sparkSession.createDataFrame(
        rows, "label string, fruit string, variety_fold int"
    )
    return kept.join(F.broadcast(known), "label").select(*features.columns, "fruit", "variety_fold")


def _fruits_of(photos: DataFrame, labels: set[str], fruit: str) -> dict[str, str]:
    if fruit != FOLDER:
        return fruits_of(labels, fruit)
    folder = F.regexp_extract("path", r"(?s)^(.*)/[^/]*$", 1).alias("folder")
    rows = photos.select("label", folder).distinct().orderBy("label", F.desc("folder")).collect()
    return {row.label: (folders_of(row.folder) or [row.label])[0] for row in rows}


def choose_classifiers(
    samples: DataFrame, pca_model: PipelineModel, params: ClassificationParams
) -> tuple[list[Candidate], pd.DataFrame, pd.DataFrame]:
    """The best settings and model, by cross-validation on Training alone.

    Returns:
        The best candidate of each model and input, the best of all first; all that was tried:
        ``model, inputs, settings, f1_macro, seconds``; and label issues: ``path, label, predicted,
        probability, label_probability``.
    """
    training = with_folds(samples.where("split = 'Training'"), params)
    some = training.orderBy(F.xxhash64("path", F.lit(params.seed)), "path")
    some = some.limit(params.tuning_images)

    def rows_of(inputs: str) -> DataFrame:
        return to_vectors(some, inputs, pca_model)

    best, tried, predictions = choose(candidates(params), rows_of, params)
    if training.count() > params.tuning_images:  # else choose() predicted all
        with persisted(to_vectors(training, best[0].inputs, pca_model)) as rows:
            predictions = cross_validate(best[0], rows, params)
    return best, tried, find_label_issues(predictions)


def fit_classifiers(
    samples: DataFrame,
    pca_model: PipelineModel,
    chosen: list[Candidate],
    params: ClassificationParams,
) -> tuple[Models, dict[str, Any]]:
    """The chosen classifiers and the baselines, fitted on all of Training.

    Returns:
        The models by name (``<model>.<inputs>``); and ``fingerprint`` (of the features),
        ``pca_fingerprint, best, inputs, settings, classes, seconds`` (to fit each),
        ``distance_threshold`` (beyond which a photo is out of distribution).
    """
    models: Models = {}
    seconds: dict[str, float] = {}
    training = samples.where("split = 'Training'")
    for inputs in dict.fromkeys(c.inputs for c in chosen):
        with persisted(to_vectors(training, inputs, pca_model)) as rows:
            rows.count()  # so that the clock leaves out reading and PCA
            for candidate in _with_baselines(chosen, inputs):
                started = time.perf_counter()
                models[candidate.name] = fit(candidate, rows, params)
                seconds[candidate.name] = round(time.perf_counter() - started, 3)
            if inputs == chosen[0].inputs:
                nearest = models[f"nearest_centroid.{inputs}"]
                threshold = distance_threshold(nearest, rows, params.out_of_distribution_quantile)
    best = models[chosen[0].name]
    return models, {
        "fingerprint": training.first()["fingerprint"],  # type: ignore[index]
        "pca_fingerprint": pca_fingerprint(pca_model),
        "best": chosen[0].name,
        "inputs": chosen[0].inputs,
        "settings": {c.name: c.settings for c in chosen},
        "classes": classes_of(best),
        "seconds": seconds,
        "distance_threshold": threshold,
    }


def _with_baselines(chosen: list[Candidate], inputs: str) -> list[Candidate]:
    ours = [c for c in chosen if c.inputs == inputs]
    return ours + [Candidate(inputs, name, {}) for name in BASELINES]


def predict_test(
    samples: DataFrame, pca_model: PipelineModel, classifiers: Models, info: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predicted labels of Test: the protocol ``folder``.

    Returns:
        For the best model ``path, split, label, predicted, probability, top_3``; for all models
        ``protocol, model, inputs, path, label, predicted, probability, label_probability,
        in_top_3``.
    """
    test = samples.where("split = 'Test'")
    found = []
    for inputs in dict.fromkeys(_inputs_of(name) for name in classifiers):
        with persisted(to_vectors(test, inputs, pca_model)) as rows:
            for name, model in classifiers.items():
                if _inputs_of(name) == inputs:
                    found.append(_named(collect(model, rows), IN_DISTRIBUTION, name))
    every = pd.concat(found, ignore_index=True)
    columns = ["path", "split", "label", "predicted", "probability", "top_3"]
    best = of_model(every, info["best"])[columns]
    return best.reset_index(drop=True), every.drop(columns=["split", "top_3"])


def _inputs_of(name: str) -> str:
    return name.rpartition(".")[2]


def predict_unseen_varieties(
    samples: DataFrame,
    pca_model: PipelineModel,
    chosen: list[Candidate],
    params: ClassificationParams,
) -> pd.DataFrame:
    """Predict the fruit of varieties that were never trained on: ``leave_one_variety_out``.

    The PCA, too, is fitted without them, and without any photo that one of them shares.

    Returns:
        As :func:`predict_test` for all models, with ``variety``. Empty unless there are two fruits,
        one of them with two varieties.
    """
    rows = samples.withColumnRenamed("label", "variety").withColumnRenamed("fruit", "label")
    folds = [row[0] for row in rows.select("variety_fold").distinct().collect()]
    found = []
    for fold in sorted(set(folds) - {NEVER}):
        training = rows.where((F.col("split") == "Training") & (F.col("variety_fold") != fold))
        unseen = rows.where(F.col("variety_fold") == fold)
        training = without_photos_of(training, unseen)
        if training.select("label").distinct().count() < 2:
            continue
        for inputs in dict.fromkeys(c.inputs for c in chosen):
            model = _pca_of(training, pca_model) if inputs == PCA else pca_model
            vectors, tried = (to_vectors(some, inputs, model) for some in (training, unseen))
            with persisted(vectors), persisted(tried):
                for candidate in _with_baselines(chosen, inputs):
                    one = collect(fit(candidate, vectors, params), tried)
                    found.append(_named(one, LEAVE_ONE_VARIETY_OUT, candidate.name))
    if not found:
        return pd.DataFrame()
    return pd.concat(found, ignore_index=True).drop(columns=["split", "top_3"])


def _pca_of(training: DataFrame, pca_model: PipelineModel) -> PipelineModel:
    """A PCA like that one, fitted on these rows."""
    standardize = pca_model.stages[0].getWithStd()  # type: ignore[attr-defined]
    moments = distributed_moments(training.select("features"))
    k = min(pca_model.stages[-1].pc.numCols, moments.count)  # type: ignore[attr-defined,union-attr]
    fitted = fit_pca(moments, k, standardize)  # type: ignore[arg-type]
    return to_spark_model(fitted, training.sparkSession, "features", PCA)


def _named(predictions: pd.DataFrame, protocol: str, name: str) -> pd.DataFrame:
    model, _, inputs = name.partition(".")
    return predictions.assign(protocol=protocol, model=model, inputs=inputs)
