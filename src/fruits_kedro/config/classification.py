"""The parameters of a classification."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator

from fruits_kedro.validation import SPLIT, StrictModel

ModelName = Literal["logistic_regression", "random_forest", "gradient_boosting"]
Settings = dict[str, Any]


class LeaveOneVarietyOutParams(StrictModel):
    """How fruits are recognised on varieties that were never trained on.

    Attributes:
        fruit: a regular expression that finds the fruit in a label (its first group, else its
            match); or ``folder``: the outermost folder of a photo is its fruit.
        folds: each variety is left out in one of them.
    """

    fruit: str = r"^\w+"
    folds: Annotated[int, Field(ge=2)] = 3

    @field_validator("fruit")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value


class ClassificationParams(StrictModel):
    """How labels are predicted, and how that is judged.

    Attributes:
        inputs: what to train on: ``pca_features``, ``features``, or both.
        models: which classifiers; in ``--params``, joined by ``+``.
        class_weights: every class counts the same, however many photos it has.
        folds: of the cross-validation on Training.
        tuning_images: settings are chosen on at most so many Training photos.
        driver_images: up to so many photos, scikit-learn and xgboost fit on the driver; beyond, or
            with settings that only Spark ML has, Spark ML and xgboost fit on the workers.
        leaks: ``stop`` where a Test photo is in Training under the same label, or ``leave_out``.
        selection: train and test only on photos that the curation's ``selection`` keeps.
        leave_one_variety_out: the protocol ``leave_one_variety_out``.
        bootstrap: resamples for the intervals.
        out_of_distribution_quantile: a new photo is out of distribution where it is further from
            every class than this share of the Training photos is from its nearest.
        seed: of all that is drawn.
        logistic_regression: settings of Spark ML's ``LogisticRegression``; a list is searched.
        random_forest: settings of ``RandomForestClassifier``.
        gradient_boosting: settings of xgboost's ``SparkXGBClassifier``.
    """

    renamed: ClassVar[dict[str, str]] = {
        "held_out": "leave_one_variety_out",
        "unknown_quantile": "out_of_distribution_quantile",
    }

    inputs: Annotated[list[Literal["pca_features", "features"]], Field(min_length=1), SPLIT]
    models: Annotated[list[ModelName], Field(min_length=1), SPLIT]
    class_weights: bool = True
    folds: Annotated[int, Field(ge=2)] = 3
    tuning_images: PositiveInt = 2000
    driver_images: Annotated[int, Field(ge=0)] = 20_000
    leaks: Literal["stop", "leave_out"] = "stop"
    selection: bool = False
    leave_one_variety_out: LeaveOneVarietyOutParams = LeaveOneVarietyOutParams()
    bootstrap: Annotated[int, Field(ge=0)] = 1000
    out_of_distribution_quantile: Annotated[float, Field(gt=0, le=1)] = 0.99
    seed: Annotated[int, Field(ge=0)] = 0
    logistic_regression: Settings = Field(default={})
    random_forest: Settings = Field(default={})
    gradient_boosting: Settings = Field(default={})

    @field_validator("logistic_regression", "random_forest", "gradient_boosting")
    @classmethod
    def _has_values(cls, settings: Settings) -> Settings:
        for name, value in settings.items():
            if value == []:
                raise ValueError(f"{name} is an empty list: give one value or several")
        return settings

    def settings_of(self, model: str) -> Settings:
        """The settings of a model."""
        return getattr(self, model)
