"""extracted_features, pca_model -> classifiers, predictions, scores, plots, summary."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.classification.evaluation import describe_best, score_models
from fruits_kedro.pipelines.classification.nodes import (
    choose_classifiers,
    fit_classifiers,
    predict_test,
    predict_unseen_varieties,
    select_samples,
)
from fruits_kedro.pipelines.classification.plots import (
    plot_class_scores,
    plot_confusion,
    plot_scores,
)
from fruits_kedro.pipelines.classification.summary import summarize_classification
from fruits_kedro.pipelines.node import node

_PARAMS = "params:classification"
_BOTH = ["test_predictions", "unseen_predictions", "classifier_info"]


def create_pipeline() -> Pipeline:
    """Choose on Training, fit, test on Test and on varieties left out, score and draw."""
    training = [
        node(
            select_samples,
            inputs=["extracted_features", "pca_model", "photos", "leaks", "selection", _PARAMS],
            outputs="samples",
        ),
        node(
            choose_classifiers,
            inputs=["samples", "pca_model", _PARAMS],
            outputs=["chosen_classifiers", "cross_validation"],
        ),
        node(
            fit_classifiers,
            inputs=["samples", "pca_model", "chosen_classifiers", _PARAMS],
            outputs=["classifiers", "classifier_info"],
        ),
        node(
            predict_test,
            inputs=["samples", "pca_model", "classifiers", "classifier_info"],
            outputs=["predictions", "test_predictions"],
        ),
        node(
            predict_unseen_varieties,
            inputs=["samples", "pca_model", "chosen_classifiers"],
            outputs="unseen_predictions",
        ),
    ]
    evaluation = [
        node(score_models, [*_BOTH, _PARAMS], ["classification_metrics", "classification_scores"]),
        node(describe_best, _BOTH, ["class_scores", "confused_pairs"]),
        node(plot_scores, ["classification_scores", "classification_metrics"], "scores_plot"),
        node(plot_confusion, ["test_predictions", "classifier_info"], "confusion_plot"),
        node(plot_class_scores, "class_scores", "class_scores_plot"),
        node(
            summarize_classification,
            inputs=[
                *("classification_metrics", "class_scores", "confused_pairs"),
                *("test_predictions", "classifier_info"),
            ],
            outputs="classification_summary",
        ),
    ]
    return Pipeline([*training, *evaluation])
