"""raw_images -> image_index, class_counts."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.ingestion.nodes import index_images
from fruits_kedro.pipelines.node import node


def create_pipeline() -> Pipeline:
    """Photos to an index with splits and labels, and their counts."""
    return Pipeline(
        [
            node(
                index_images,
                inputs=[
                    *("raw_images", "params:subset", "params:subsets", "params:label_from"),
                    "previous_selection",
                ],
                outputs=["image_index", "class_counts", "input_root"],
            )
        ],
    )
