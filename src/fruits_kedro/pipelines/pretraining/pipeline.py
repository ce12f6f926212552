"""image_index -> pretrained_weights, learning_curve."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.node import node
from fruits_kedro.pipelines.pretraining.nodes import plot_learning_curve, pretrain


def create_pipeline() -> Pipeline:
    """Labelled photos to a backbone's weights, which ``extraction.weights`` may name."""
    return Pipeline(
        [
            node(
                pretrain,
                inputs=[
                    "image_index",
                    "raw_images",
                    "params:pretraining",
                    "pretraining_checkpoint",
                ],
                outputs=["pretrained_weights", "learning_history", "pretraining_info"],
            ),
            node(plot_learning_curve, "learning_history", "learning_curve"),
        ],
    )
