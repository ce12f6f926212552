"""extracted_features -> pca_model, explained_variance, pca_features, pca_info, pca_matrix."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.node import node
from fruits_kedro.pipelines.reduction.nodes import (
    apply_pca,
    check_components,
    fit_pca_model,
    to_matrix,
)


def create_pipeline() -> Pipeline:
    """Fit a PCA on the Training rows and apply it to all."""
    return Pipeline(
        [
            node(
                check_components,
                inputs=["class_counts", "backbone_info", "params:pca"],
                outputs="most_components",
            ),
            node(
                fit_pca_model,
                inputs=["extracted_features", "extraction_counts", "params:pca"],
                outputs=["pca_model", "explained_variance"],
            ),
            node(
                apply_pca,
                inputs=["extracted_features", "pca_model", "params:pca"],
                outputs=["pca_features", "pca_info"],
            ),
            node(to_matrix, ["pca_features", "pca_model"], "pca_matrix"),
        ],
    )
