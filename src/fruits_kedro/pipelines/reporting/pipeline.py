"""Plots and the record of the run."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.node import node
from fruits_kedro.pipelines.reporting.nodes import (
    describe_run,
    plot_class_counts,
    plot_components,
    plot_scree,
    write_report,
)


def create_pipeline() -> Pipeline:
    """Draw the counts, the variance and the first two components; describe the run."""
    return Pipeline(
        [
            node(plot_class_counts, "class_counts", "class_counts_plot"),
            node(plot_scree, "explained_variance", "scree_plot"),
            node(plot_components, ["pca_features", "explained_variance"], "components_plot"),
            node(write_report, ["components_plot", "class_counts_plot", "scree_plot"], "report"),
            node(
                describe_run,
                inputs=["extraction_info", "explained_variance", "params:pca"],
                outputs="model_info",
            ),
        ],
    )
