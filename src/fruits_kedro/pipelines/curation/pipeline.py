"""extracted_features, photos -> neighbours, outliers, label issues, quality, clusters."""

from dataclasses import fields

from kedro.pipeline import Pipeline

from fruits_kedro.curation.selection import Findings
from fruits_kedro.pipelines.curation.nodes import (
    collect_findings,
    describe_curation,
    group_photos,
    list_label_issues,
    list_outliers,
    load_vectors,
    rate_quality,
    search_neighbours,
    select,
    update_similarity_index,
)
from fruits_kedro.pipelines.curation.summary import summarize_curation
from fruits_kedro.pipelines.node import node

_PARAMS, _SELECTION = "params:curation", "params:selection"


def create_pipeline() -> Pipeline:
    """What the features of a finished store tell about its photos."""
    return Pipeline(
        [
            node(load_vectors, ["feature_files", "photos", _PARAMS], "vectors"),
            node(
                search_neighbours,
                inputs=["vectors", "previous_neighbours", _PARAMS],
                outputs=["found_neighbours", "neighbours"],
            ),
            node(list_outliers, ["vectors", "found_neighbours", _PARAMS], "outliers"),
            node(
                update_similarity_index,
                inputs=["feature_files", "photos", "vectors", "similarity_index", _PARAMS],
                outputs="similarity_index_info",
            ),
            node(list_label_issues, ["vectors", "found_neighbours"], "label_issues"),
            node(rate_quality, ["photos", _PARAMS], ["image_quality", "quality_issues"]),
            node(group_photos, ["vectors", _PARAMS], ["clusters", "cluster_summary"]),
            node(collect_findings, [field.name for field in fields(Findings)], "findings"),
            node(
                select,
                inputs=["photos", "vectors", "findings", _SELECTION],
                outputs=["selection", "selection_counts"],
            ),
            node(
                describe_curation,
                inputs=[
                    *("photos", "found_neighbours", "findings", "cluster_summary"),
                    *("selection_counts", _PARAMS, _SELECTION),
                ],
                outputs="curation_info",
            ),
            node(summarize_curation, ["findings", "curation_info"], "curation_summary"),
        ]
    )
