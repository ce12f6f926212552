"""image_index -> pretrained_weights, learning_curve."""

from kedro.pipeline import Node, Pipeline

from fruits_kedro.pipelines.pretraining.nodes import plot_learning_curve, pretrain


def create_pipeline() -> Pipeline:
    """Labelled photos to a backbone's weights, which ``extraction.weights`` may name."""
    return Pipeline(
        [
            Node(
                pretrain,
                inputs=[
                    "image_index",
                    "raw_images",
                    "params:pretraining",
                    "pretraining_checkpoint",
                ],
                outputs=["pretrained_weights", "learning_history", "pretraining_info"],
                name="pretrain",
            ),
            Node(
                plot_learning_curve,
                inputs="learning_history",
                outputs="learning_curve",
                name="plot_learning_curve",
            ),
        ],
        tags="pretraining",
    )
