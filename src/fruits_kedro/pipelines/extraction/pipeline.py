"""image_index, earlier results -> extracted_features, rejected_images, counts."""

from kedro.pipeline import Node, Pipeline

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


def create_pipeline() -> Pipeline:
    """Photos of the index to features, or a reason for each that has none."""
    return Pipeline(
        [
            Node(
                load_backbone,
                inputs=["params:extraction", "raw_images", "image_index", "previous_backbone"],
                outputs=["backbone", "backbone_info"],
                name="load_backbone",
            ),
            Node(
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
                name="plan_extraction",
            ),
            Node(
                extract_features,
                inputs=[
                    "images_to_extract",
                    "extraction_plan",
                    "raw_images",
                    "backbone",
                    "params:extraction",
                ],
                outputs="extraction_checkpoint",
                name="extract_features",
            ),
            Node(
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
                name="merge_features",
            ),
            Node(
                list_rejected,
                inputs="extracted_features",
                outputs=["rejected_images", "rejected_images_csv"],
                name="list_rejected",
            ),
            Node(
                count_extracted,
                inputs=["image_index", "extracted_features", "rejected_images"],
                outputs="photo_counts",
                name="count_extracted",
            ),
            Node(
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
                name="describe_extraction",
            ),
            Node(
                check_failure_rate,
                inputs=["extraction_info", "photo_counts", "rejected_images", "image_index"],
                outputs="extraction_counts",
                name="check_failure_rate",
            ),
        ],
        tags="extraction",
    )
