"""raw_images -> image_index, class_counts."""

from kedro.pipeline import Node, Pipeline

from fruits_kedro.pipelines.ingestion.nodes import index_images


def create_pipeline() -> Pipeline:
    """Photos to an index with splits and labels, and their counts."""
    return Pipeline(
        [
            Node(
                index_images,
                inputs=["raw_images", "params:subset", "params:subsets", "params:label_from"],
                outputs=["image_index", "class_counts", "input_root"],
                name="index_images",
            )
        ],
        tags="ingestion",
    )
