"""Points around centres, as the vectors of photos."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fruits_kedro.curation.photos import Photos, read_photos
from fruits_kedro.curation.vectors import Vectors, read_vectors
from fruits_kedro.images.thumbnail import SIDE


def reader(table: pa.Table, rows: int) -> Callable:
    """Reads those of the columns that there are, as files are read."""
    return lambda columns: table.select(
        [name for name in columns if name in table.column_names]
    ).to_batches(max_chunksize=rows)


@pytest.fixture
def blobs() -> Callable[..., Vectors]:
    """``blobs({"a": 30, None: 5})``: photos of labels; ``rows`` in the place of drawn ones."""

    def make(
        counts: dict, d: int = 16, spread: float = 0.1, rows=None, order=None, **more
    ) -> Vectors:
        rng = np.random.default_rng(0)
        labels = [label for label, n in counts.items() for _ in range(n)]
        centres = {label: rng.normal(size=d) for label in counts}
        drawn = np.float32([centres[label] + rng.normal(size=d) * spread for label in labels])
        matrix = drawn if rows is None else np.float32(rows)
        table = pa.table(
            {
                "path": [f"Training/{label}/{i:04d}.jpg" for i, label in enumerate(labels)],
                "split": ["Training"] * len(labels),
                "label": pa.array(labels, pa.string()),
                "features": list(matrix),
                "fingerprint": ["one"] * len(labels),
            }
        )
        table = table.take(np.arange(len(labels)) if order is None else order)
        read = reader(table, 7)
        return read_vectors(read, read_photos(read), **({"in_memory": 10**6} | more))

    return make


def gray(seed: int) -> np.ndarray:
    """A thumbnail: (1, SIDE * SIDE)."""
    return np.random.default_rng(seed).integers(20, 220, (1, SIDE * SIDE)).astype(np.uint8)


@pytest.fixture
def photos() -> Callable[..., Photos]:
    """``photos("Training/a/1.jpg 7", …)``: each with its pixels; others are not near."""

    def make(*rows: str) -> Photos:
        parts = [row.rsplit(" ", 1) for row in rows]
        split, label = zip(*(path.split("/")[:2] for path, _ in parts))
        paths, pixels = zip(*parts)
        columns = {"path": paths, "split": split, "label": label, "pixels": pixels}
        table = pd.DataFrame(columns).assign(content_hash=None).sort_values("path")
        small = np.concatenate([gray(int(one)) for one in table["pixels"]])
        return Photos(table.reset_index(drop=True), small, np.ones(len(table), bool), "one")

    return make
