"""raw_images -> packed_images."""

from kedro.pipeline import Node, Pipeline

from fruits_kedro.pipelines.packing.nodes import pack_images


def create_pipeline() -> Pipeline:
    """Copy the photos into Parquet files, which ``images`` may then name."""
    return Pipeline(
        [Node(pack_images, "raw_images", ["packing_info", "packed_images"], name="pack_images")],
        tags="packing",
    )
