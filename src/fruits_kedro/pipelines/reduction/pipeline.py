"""extracted_features -> pca_model, explained_variance, pca_features, pca_matrix."""

from kedro.pipeline import Node, Pipeline

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
            Node(
                check_components,
                inputs=["class_counts", "params:pca"],
                outputs="most_components",
                name="check_components",
            ),
            Node(
                fit_pca_model,
                inputs=["extracted_features", "extraction_counts", "params:pca"],
                outputs=["pca_model", "explained_variance"],
                name="fit_pca_model",
            ),
            Node(
                apply_pca,
                inputs=["extracted_features", "pca_model"],
                outputs="pca_features",
                name="apply_pca",
            ),
            Node(to_matrix, ["pca_features", "pca_model"], "pca_matrix", name="to_matrix"),
        ],
        tags="reduction",
    )
