"""Plots and the record of the run."""

from kedro.pipeline import Node, Pipeline

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
            Node(plot_class_counts, "class_counts", "class_counts_plot", name="plot_class_counts"),
            Node(plot_scree, "explained_variance", "scree_plot", name="plot_scree"),
            Node(
                plot_components,
                inputs=["pca_features", "explained_variance"],
                outputs="components_plot",
                name="plot_components",
            ),
            Node(
                write_report,
                inputs=["components_plot", "class_counts_plot", "scree_plot"],
                outputs="report",
                name="write_report",
            ),
            Node(
                describe_run,
                inputs=["extraction_info", "explained_variance", "params:pca"],
                outputs="model_info",
                name="describe_run",
            ),
        ],
        tags="reporting",
    )
