"""extracted_features, pca_model -> classifiers, predictions, scores, plots, report."""

from kedro.pipeline import Node, Pipeline

from fruits_kedro.pipelines.classification.evaluation import describe_best, score_models
from fruits_kedro.pipelines.classification.nodes import (
    choose_classifiers,
    compare_photos,
    fit_classifiers,
    predict_test,
    predict_unseen_varieties,
    select_samples,
)
from fruits_kedro.pipelines.classification.plots import (
    plot_class_scores,
    plot_confused_pairs,
    plot_confusion,
    plot_map,
    plot_scores,
)
from fruits_kedro.pipelines.classification.report import write_classification_report

_PARAMS = "params:classification"
_BOTH = ["test_predictions", "unseen_predictions", "classifier_info"]


def create_pipeline() -> Pipeline:
    """Choose on Training, fit, test on Test and on varieties left out, score and draw."""
    training = [
        Node(
            compare_photos,
            inputs=["extracted_features", _PARAMS],
            outputs=["leaked_images", "shared_labels"],
            name="compare_photos",
        ),
        Node(
            select_samples,
            inputs=["extracted_features", "pca_model", "leaked_images", "shared_labels", _PARAMS],
            outputs="samples",
            name="select_samples",
        ),
        Node(
            choose_classifiers,
            inputs=["samples", "pca_model", _PARAMS],
            outputs=["chosen_classifiers", "cross_validation", "label_issues"],
            name="choose_classifiers",
        ),
        Node(
            fit_classifiers,
            inputs=["samples", "pca_model", "chosen_classifiers", _PARAMS],
            outputs=["classifiers", "classifier_info"],
            name="fit_classifiers",
        ),
        Node(
            predict_test,
            inputs=["samples", "pca_model", "classifiers", "classifier_info"],
            outputs=["predictions", "test_predictions"],
            name="predict_test",
        ),
        Node(
            predict_unseen_varieties,
            inputs=["samples", "pca_model", "chosen_classifiers", _PARAMS],
            outputs="unseen_predictions",
            name="predict_unseen_varieties",
        ),
    ]
    evaluation = [
        Node(
            score_models,
            inputs=[*_BOTH, _PARAMS],
            outputs=["classification_metrics", "classification_scores"],
            name="score_models",
        ),
        Node(
            describe_best,
            inputs=_BOTH,
            outputs=["class_scores", "confused_pairs"],
            name="describe_best",
        ),
        Node(
            plot_scores,
            inputs=["classification_scores", "classification_metrics"],
            outputs="scores_plot",
            name="plot_scores",
        ),
        Node(
            plot_confusion,
            inputs=["test_predictions", "classifier_info"],
            outputs="confusion_plot",
            name="plot_confusion",
        ),
        Node(plot_class_scores, "class_scores", "class_scores_plot", name="plot_class_scores"),
        Node(
            plot_confused_pairs,
            inputs=["confused_pairs", "raw_images", "test_predictions", "classifier_info"],
            outputs="confused_pairs_plot",
            name="plot_confused_pairs",
        ),
        Node(
            plot_map,
            inputs=["samples", "pca_model", "test_predictions", "classifier_info", _PARAMS],
            outputs="map_plot",
            name="plot_map",
        ),
        Node(
            write_classification_report,
            inputs=[
                *("classification_scores", "confused_pairs", "classification_metrics"),
                *("raw_images", "map_plot"),
                *("scores_plot", "confusion_plot", "confused_pairs_plot", "class_scores_plot"),
            ],
            outputs="classification_report",
            name="write_classification_report",
        ),
    ]
    return Pipeline([*training, *evaluation], tags="classification")
