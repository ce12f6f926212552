"""raw_images -> packed_images."""

from kedro.pipeline import Node, Pipeline

from fruits_kedro.pipelines.packing.nodes import list_images, pack_images


def create_pipeline() -> Pipeline:
    """Photos to Parquet files, which ``images`` may then name."""
    return Pipeline(
        [
            Node(list_images, "raw_images", "image_listing", name="list_images"),
            Node(
                pack_images,
                inputs=["image_listing", "raw_images"],
                outputs=["packing_info", "packed_images"],
                name="pack_images",
            ),
        ],
        tags="packing",
    )
