"""extracted_features -> neighbours, duplicates, leaks, outliers, clusters."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines.curation.nodes import (
    describe_curation,
    group_duplicates,
    group_photos,
    list_leaks,
    list_outliers,
    load_vectors,
    measure_quality,
    search_neighbours,
)
from fruits_kedro.pipelines.node import node

_PARAMS = "params:curation"


def create_pipeline() -> Pipeline:
    """What the features of a finished store tell about its photos."""
    return Pipeline(
        [
            node(load_vectors, ["feature_files", "extracted_features", _PARAMS], "vectors"),
            node(search_neighbours, ["vectors", _PARAMS], ["found_neighbours", "neighbours"]),
            node(group_duplicates, "vectors", "duplicates"),
            node(list_leaks, "duplicates", "leaks"),
            node(list_outliers, ["vectors", "found_neighbours", _PARAMS], "outliers"),
            node(measure_quality, ["vectors", _PARAMS], ["image_quality", "quality_issues"]),
            node(group_photos, ["vectors", _PARAMS], ["clusters", "cluster_summary"]),
            node(
                describe_curation,
                inputs=[
                    *("vectors", "found_neighbours", "duplicates", "leaks"),
                    *("outliers", "cluster_summary", "quality_issues", _PARAMS),
                ],
                outputs="curation_info",
            ),
        ]
    )
