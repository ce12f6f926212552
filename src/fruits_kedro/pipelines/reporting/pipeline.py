"""Plots, the report and the record of the run."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.node import node
from fruits_kedro.pipelines.reporting.nodes import (
    describe_run,
    map_photos,
    plot_class_counts,
    plot_components,
    plot_scree,
    write_report,
)


def create_pipeline() -> Pipeline:
    """Draw the counts, the variance, the components and the map; describe the run."""
    return Pipeline(
        [
            node(plot_class_counts, "class_counts", "class_counts_plot"),
            node(plot_scree, "explained_variance", "scree_plot"),
            node(plot_components, ["pca_features", "explained_variance"], "components_plot"),
            node(describe_run, ["extraction_info", "pca_info"], "model_info"),
            node(
                map_photos,
                inputs=[
                    *("pca_files", "feature_files", "extraction_info", "pca_info"),
                    *("previous_map", "params:report"),
                ],
                outputs=["photo_map", "photo_examples"],
            ),
            node(
                write_report,
                inputs=[
                    *("input_root", "class_counts", "model_info", "explained_variance"),
                    *("photo_map", "photo_examples", "feature_files", "rejected_files"),
                    *("curation_summary", "classification_summary", "params:report"),
                ],
                outputs="report",
            ),
        ],
    )
