"""image_index, earlier results -> extracted_features, rejected_images, counts."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.extraction.nodes import (
    extract_features,
    load_backbone,
    merge_features,
    plan_extraction,
)
from fruits_kedro.pipelines.extraction.outcomes import (
    check_failure_rate,
    count_extracted,
    describe_extraction,
    list_rejected,
)
from fruits_kedro.pipelines.node import node


def create_pipeline() -> Pipeline:
    """Photos of the index to features, or a reason for each that has none."""
    return Pipeline(
        [
            node(
                load_backbone,
                inputs=["params:extraction", "raw_images", "image_index", "previous_backbone"],
                outputs=["backbone", "backbone_info"],
            ),
            node(
                plan_extraction,
                inputs=[
                    "image_index",
                    "class_counts",
                    "previous_features",
                    "previous_checkpoint",
                    "backbone",
                    "params:extraction",
                ],
                outputs=["images_to_extract", "extraction_plan"],
            ),
            node(
                extract_features,
                inputs=[
                    "images_to_extract",
                    "extraction_plan",
                    "raw_images",
                    "backbone",
                    "params:extraction",
                ],
                outputs="extraction_checkpoint",
            ),
            node(
                merge_features,
                inputs=[
                    "image_index",
                    "class_counts",
                    "previous_features",
                    "extraction_checkpoint",
                    "backbone",
                    "params:extraction",
                ],
                outputs="extracted_features",
            ),
            node(list_rejected, "extracted_features", ["rejected_images", "rejected_images_csv"]),
            node(
                count_extracted,
                inputs=["image_index", "extracted_features", "rejected_images"],
                outputs="photo_counts",
            ),
            node(
                describe_extraction,
                inputs=[
                    "backbone_info",
                    "extraction_plan",
                    "photo_counts",
                    "rejected_images",
                    "params:subset",
                    "params:extraction",
                ],
                outputs="extraction_info",
            ),
            node(
                check_failure_rate,
                inputs=["extraction_info", "photo_counts", "rejected_images", "image_index"],
                outputs="extraction_counts",
            ),
        ],
    )
