"""What a run found out, and whether two runs found out the same."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

# Of runs of which nobody reads the scores, or the report.
EXTRACTION = ("--tags", "ingestion,extraction")
NUMBERS = ("--tags", "ingestion,extraction,reduction")


def results(store):
    """All that a run found out, in an order of its own making."""
    features = pq.read_table(store / "04_feature/extracted_features").to_pandas()
    scores = pq.read_table(store / "05_model_input/pca_features").to_pandas()
    return {
        # When a photo was written differs from place to place.
        "features": features.drop(columns="modified_at").sort_values("path", ignore_index=True),
        "scores": scores.sort_values("path").reset_index(drop=True),
        "variance": pd.read_csv(store / "08_reporting/explained_variance.csv"),
        "counts": pd.read_csv(store / "04_feature/extraction_counts.csv"),
        "rejected": pd.read_csv(store / "08_reporting/rejected_images.csv"),
        "matrix": pd.read_csv(store / "05_model_input/pca_matrix.csv"),
        "classes": pd.read_csv(store / "02_intermediate/class_counts.csv"),
    }


def metrics(store):
    """The scores of a classification."""
    return json.loads((store / "08_reporting/classification_metrics.json").read_text())


def assert_same(ours, theirs):
    for name, frame in theirs.items():
        found = ours[name]
        for column in frame.columns:
            if column in ("features", "pca_features"):
                stack = [[v for v in f[column] if v is not None] for f in (found, frame)]
                np.testing.assert_array_equal(np.stack(stack[0]), np.stack(stack[1]), column)
            else:
                pd.testing.assert_series_equal(found[column], frame[column])
