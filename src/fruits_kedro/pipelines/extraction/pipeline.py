"""image_index, and what earlier runs have done -> extracted_features, features, rejected_images."""

from kedro.pipeline import Node, Pipeline

from fruits_kedro.pipelines.extraction.nodes import (
    extract_features,
    load_backbone,
    merge_features,
    plan_extraction,
)
from fruits_kedro.pipelines.extraction.outcomes import count_extracted, split_extracted


def create_pipeline() -> Pipeline:
    """Photos of the index to features, with a reason for each that has none."""
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
                split_extracted,
                inputs="extracted_features",
                outputs=["features", "rejected_images", "rejected_images_csv"],
                name="split_extracted",
            ),
            Node(
                count_extracted,
                inputs=["image_index", "extracted_features", "rejected_images"],
                outputs="extraction_counts",
                name="count_extracted",
            ),
        ],
        tags="extraction",
    )
