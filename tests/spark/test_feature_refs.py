"""Rows get the features that lie where they say."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fruits_kedro.spark import feature_refs as stored_features
from fruits_kedro.spark.feature_refs import read_features

SCHEMA = pa.schema([("path", pa.string()), ("features", pa.list_(pa.float32()))])
# By file: seven rows in row groups of three; the fifth of each has no features.
VECTORS = {
    name: [None if row == 4 else [100.0 * number + row, row / 3] for row in range(7)]
    for number, name in enumerate(("a b%20.parquet", "é.parquet"))
}


@pytest.fixture
def folder(tmp_path):
    for name, vectors in VECTORS.items():
        features = pa.array(vectors, pa.list_(pa.float32()))
        pq.write_table(pa.table({"features": features}), tmp_path / name, row_group_size=3)
    return tmp_path


def batch_of(folder, places):
    return pa.RecordBatch.from_pydict(
        {
            "path": [f"{name}-{row}" for name, row in places],
            "file": [(folder / name).as_uri() for name, _ in places],
            "file_bytes": [(folder / name).stat().st_size for name, _ in places],
            "row": pa.array([row for _, row in places], pa.int64()),
        }
    )


def expected(places):
    vectors = [VECTORS[name][row] for name, row in places]
    return [None if v is None else np.array(v, np.float32).tolist() for v in vectors]


one, other = VECTORS
IN_ORDER = [(one, row) for row in range(7)]
ACROSS = [(one, 2), (one, 3), (one, 4), (other, 5), (other, 6)]
GAPS = [(one, 0), (one, 2), (one, 3), (one, 6), (other, 6)]
SCATTERED = [(other, 6), (one, 0), (other, 5), (one, 6), (other, 0), (one, 0), (other, 4)]


@pytest.mark.parametrize("kept", [0, 2**20])  # bytes: one row group at a time, all of them
@pytest.mark.parametrize("places", [IN_ORDER, ACROSS, GAPS, SCATTERED, [(other, 4)]])
def test_features_are_those_of_the_place(folder, monkeypatch, places, kept):
    monkeypatch.setattr(stored_features, "_KEPT_BYTES", kept)
    batches = [batch_of(folder, places), batch_of(folder, places[::-1])]
    found = list(read_features(batches, SCHEMA, {}))
    assert [batch.schema for batch in found] == [SCHEMA, SCHEMA]
    assert found[0].column("path").to_pylist() == [f"{name}-{row}" for name, row in places]
    assert found[0].column("features").to_pylist() == expected(places)
    assert found[1].column("features").to_pylist() == expected(places)[::-1]
