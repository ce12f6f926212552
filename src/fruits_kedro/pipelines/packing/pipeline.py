"""raw_images -> packed_images."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.node import node
from fruits_kedro.pipelines.packing.nodes import list_images, pack_images


def create_pipeline() -> Pipeline:
    """Photos to Parquet files, which ``images`` may then name."""
    return Pipeline(
        [
            node(list_images, "raw_images", "image_listing"),
            node(pack_images, ["image_listing", "raw_images"], ["packing_info", "packed_images"]),
        ],
    )
