"""Features to labels: chosen on Training, tested on Test and on varieties left out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.classification.checks import check_labels, check_pca
from fruits_kedro.classification.driver_classifiers import DriverClassifier
from fruits_kedro.classification.driver_samples import DriverSamples
from fruits_kedro.classification.leaks import (
    find_shared,
    guard_leakage,
    without,
)
from fruits_kedro.classification.metrics import of_model
from fruits_kedro.classification.protocols import (
    BASELINES,
    FOLDER,
    IN_DISTRIBUTION,
    LEAVE_ONE_VARIETY_OUT,
    NEVER,
    PCA,
    fruits_of,
    variety_folds,
)
from fruits_kedro.classification.spark_classifiers import check_settings
from fruits_kedro.classification.spark_samples import Samples, SparkSamples
from fruits_kedro.classification.training import (
    Candidate,
    candidates,
    choose,
    is_for_driver,
)
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.curation.photos import Photos
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.labels import folders_of
from fruits_kedro.linalg.pca import Pca
from fruits_kedro.spark.contracts import usable
from fruits_kedro.spark.models import from_spark_model

Models = dict[str, DriverClassifier] | dict[str, PipelineModel]


def select_samples(
    extracted_features: DataFrame,
    pca_model: PipelineModel,
    photos: Photos,
    leaks: pd.DataFrame,
    selection: DataFrame | None,
    params: ClassificationParams,
) -> Samples:
    """The labelled photos, without Training photos that are in Test as well.

    Args:
        photos: those of ``extracted_features``.
        selection: of a curation; ``params.selection`` may ask for it.

    Returns:
        ``path, split, label, features, fingerprint, fruit, variety_fold`` (the fold in which the
        variety is held out, -1 for never); on the driver if there are few.

    Raises:
        FruitsError: a classifier lacks one of the settings, Training has fewer than two labels,
            Test has no labelled photo, a photo is in Training and Test under the same label, the
            PCA was fitted on other features, or there is no selection.
    """
    for name in params.models:
        check_settings(name, params.settings_of(name))
    features = usable(extracted_features)
    kept = _keep(features, photos.table, leaks, selection, params)
    check_pca(features, pca_model)
    splits = kept.select("label", "split").distinct().collect()
    fruits = _fruits_of(kept, {row.label for row in splits}, params.leave_one_variety_out.fruit)
    trained = {row.label: fruits[row.label] for row in splits if row.split == "Training"}
    shared = find_shared(photos.table)
    fold_of = variety_folds(trained, params.leave_one_variety_out.folds, params.seed, shared)
    folds = [(label, fruit, fold_of.get(label, NEVER)) for label, fruit in fruits.items()]
    known = kept.sparkSession.createDataFrame(folds, "label string, fruit string, variety_fold int")
    columns = ["path", "split", "label", "features", "fingerprint", "fruit", "variety_fold"]
    rows = kept.join(F.broadcast(known), "label").select(*columns)
    if is_for_driver(params, rows.count()):
        return DriverSamples.of_frame(rows, params)
    return SparkSamples(rows, params)


def _keep(
    features: DataFrame,
    photos: pd.DataFrame,
    leaks: pd.DataFrame,
    selection: DataFrame | None,
    params: ClassificationParams,
) -> DataFrame:
    """The labelled rows that are selected, without Training photos that are in Test as well."""
    if params.selection:
        selected = _selected(selection)
        features = features.join(selected, "path", "left_semi")
        paths = [row.path for row in selected.collect()]
        photos = photos[photos["path"].isin(paths)]
        leaks = leaks[leaks["path"].isin(paths) & leaks["other_path"].isin(paths)]
    left_out = guard_leakage(leaks, leave_out=params.leaks == "leave_out")
    check_labels(photos[~photos["path"].isin(left_out)])
    return without(features, left_out).where("label is not null")


def _selected(selection: DataFrame | None) -> DataFrame:
    if selection is None:
        raise FruitsError(
            "classification.selection=true, and the store has no selection.\nRun 'kedro run "
            "--pipelines curation' with the same --params first."
        )
    return selection.where("selected").select("path")


def _fruits_of(photos: DataFrame, labels: set[str], fruit: str) -> dict[str, str]:
    if fruit != FOLDER:
        return fruits_of(labels, fruit)
    folder = F.regexp_extract("path", r"(?s)^(.*)/[^/]*$", 1).alias("folder")
    rows = photos.select("label", folder).distinct().orderBy("label", F.desc("folder")).collect()
    return {row.label: (folders_of(row.folder) or [row.label])[0] for row in rows}


def choose_classifiers(
    samples: Samples, pca_model: PipelineModel, params: ClassificationParams
) -> tuple[list[Candidate], pd.DataFrame]:
    """The best settings and model, by cross-validation on Training alone.

    Returns:
        The best candidate of each model and input, the best of all first; and all that was tried:
        ``model, inputs, settings, f1_macro, seconds``.
    """
    some = samples.split("Training").draw(params.tuning_images).with_folds()
    with _vectors(some, params.inputs, from_spark_model(pca_model)) as vectors:
        return choose(candidates(params), vectors, params)


def fit_classifiers(
    samples: Samples,
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
    training, best = samples.split("Training"), chosen[0]
    every = _with_baselines(chosen)
    with _vectors(training, [c.inputs for c in every], from_spark_model(pca_model)) as vectors:

        def timed(candidate: Candidate) -> tuple[Any, float]:
            started = time.perf_counter()
            model = vectors[candidate.inputs].fit(candidate.model, candidate.settings)
            return model, round(time.perf_counter() - started, 6)

        fitted = dict(
            zip((c.name for c in every), training.map("Fitting classifiers", timed, every))
        )
        nearest, _ = fitted[f"nearest_centroid.{best.inputs}"]
        share = params.out_of_distribution_quantile
        threshold = vectors[best.inputs].distance_quantile(nearest, share)
    return {name: model for name, (model, _) in fitted.items()}, {
        "fingerprint": training.fingerprint(),
        "pca_fingerprint": from_spark_model(pca_model).fingerprint,
        "best": best.name,
        "inputs": best.inputs,
        "settings": {c.name: c.settings for c in chosen},
        "classes": training.labels(),
        "seconds": {name: seconds for name, (_, seconds) in fitted.items()},
        "distance_threshold": threshold,
    }


def _with_baselines(chosen: list[Candidate]) -> list[Candidate]:
    inputs = dict.fromkeys(c.inputs for c in chosen)
    return chosen + [Candidate(one, name, {}) for one in inputs for name in BASELINES]


@contextmanager
def _vectors(samples: Samples, inputs: Iterable[str], pca: Pca) -> Iterator[Mapping[str, Samples]]:
    """Vectors by input, kept for the block."""
    with ExitStack() as stack:
        enter: Any = stack.enter_context  # mypy does not join the two kinds
        yield {one: enter(samples.vectors(one, pca)) for one in dict.fromkeys(inputs)}


def predict_test(
    samples: Samples, pca_model: PipelineModel, classifiers: Models, info: dict[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predicted labels of Test: the protocol ``folder``.

    Returns:
        For the best model ``path, split, label, predicted, probability, top_3``; for all models
        ``protocol, model, inputs, path, label, predicted, probability, label_probability,
        in_top_3``.
    """
    test = samples.split("Test")
    with _vectors(test, map(_inputs_of, classifiers), from_spark_model(pca_model)) as vectors:

        def predicted(name: str) -> pd.DataFrame:
            found = vectors[_inputs_of(name)].predict(classifiers[name])
            return _named(found, IN_DISTRIBUTION, name)

        every = pd.concat(test.map("Predicting Test", predicted, classifiers), ignore_index=True)
    columns = ["path", "split", "label", "predicted", "probability", "top_3"]
    best = of_model(every, info["best"])[columns]
    return best.reset_index(drop=True), every.drop(columns=["split", "top_3"])


def _inputs_of(name: str) -> str:
    return name.rpartition(".")[2]


def predict_unseen_varieties(
    samples: Samples, pca_model: PipelineModel, chosen: list[Candidate]
) -> pd.DataFrame:
    """Predict the fruit of varieties that were never trained on: ``leave_one_variety_out``.

    The PCA, too, is fitted without them, and without any photo that one of them shares.

    Returns:
        As :func:`predict_test` for all models, with ``variety``. Empty unless there are two fruits,
        one of them with two varieties.
    """
    stored, every = from_spark_model(pca_model), _with_baselines(chosen)
    inputs = [c.inputs for c in every]
    found: list[pd.DataFrame] = []
    for fold in samples.variety_folds():
        training, unseen = samples.leave_out(fold)
        if len(training.labels()) < 2:
            continue
        pca = training.fit_pca(stored) if PCA in inputs else stored
        with _vectors(training, inputs, pca) as known, _vectors(unseen, inputs, pca) as tried:

            def predicted(candidate: Candidate) -> pd.DataFrame:
                model = known[candidate.inputs].fit(candidate.model, candidate.settings)
                table = tried[candidate.inputs].predict(model)
                return _named(table, LEAVE_ONE_VARIETY_OUT, candidate.name)

            found += training.map("Predicting unseen varieties", predicted, every)
    if not found:
        return pd.DataFrame()
    return pd.concat(found, ignore_index=True).drop(columns=["split", "top_3"])


def _named(predictions: pd.DataFrame, protocol: str, name: str) -> pd.DataFrame:
    model, _, inputs = name.partition(".")
    return predictions.assign(protocol=protocol, model=model, inputs=inputs)
