"""extracted_features -> duplicates, leaks: a part of curation and of classification."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.duplicates.nodes import group_duplicates, list_leaks, load_photos
from fruits_kedro.pipelines.node import node


def create_pipeline() -> Pipeline:
    """Which photos are there more than once."""
    return Pipeline(
        [
            node(load_photos, ["feature_files", "extracted_features"], "photos"),
            node(group_duplicates, ["photos", "params:curation"], "duplicates"),
            node(list_leaks, ["photos", "duplicates"], "leaks"),
        ]
    )
