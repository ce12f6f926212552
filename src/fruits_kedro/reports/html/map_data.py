"""What the script of the map is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from fruits_kedro.reports.html.galleries import rows_of
from fruits_kedro.reports.html.texts import Texts

_EXTENT = 10_000  # the map's width and height: whole numbers are short in JSON
NO_LABEL = "–"


def map_data(
    photo_map: pa.Table, curation: dict[str, Any] | None, mistakes: dict[str, str], t: Texts
) -> dict[str, Any]:
    """Places, labels, splits, neighbours and marks of the photos; rows stand for paths.

    Args:
        photo_map: ``path, split, label, x, y, neighbors``.
        curation: the summary of a curation.
        mistakes: by path, for which label a classifier takes a photo.
    """
    paths = photo_map.column("path").to_pylist()
    labels, label = _codes(photo_map.column("label").fill_null(NO_LABEL))
    splits, split = _codes(photo_map.column("split"))
    x, y = _whole(photo_map.column("x").to_numpy(), photo_map.column("y").to_numpy())
    rows = {path: row for row, path in enumerate(paths)}
    return {
        "extent": _EXTENT,
        "paths": paths,
        "labels": labels,
        "label": label,
        "splits": splits,
        "split": split,
        "x": x,
        "y": y,
        "neighbours": pa.compute.struct_field(photo_map.column("neighbors"), "ids").to_pylist(),
        "marks": _marks(rows, curation, mistakes, t),
    }


def _codes(column: pa.ChunkedArray) -> tuple[list[str], list[int]]:
    """The sorted values, and the place of each row's among them."""
    names = sorted(pa.compute.unique(column).to_pylist())
    return names, pa.compute.index_in(column, pa.array(names, pa.string())).to_pylist()


def _whole(x: Any, y: Any) -> tuple[list[int], list[int]]:
    """Both scaled alike and centred, y downwards."""
    both = np.stack([x, -y], axis=1).astype(float)
    low, high = both.min(axis=0), both.max(axis=0)
    widest = max(float((high - low).max()), 1e-9)
    scaled = (both - (low + high) / 2) / widest * _EXTENT + _EXTENT / 2
    across, down = np.rint(scaled).astype(int).T.tolist()
    return across, down


def _marks(
    rows: dict[str, int], curation: dict[str, Any] | None, mistakes: dict[str, str], t: Texts
) -> dict[str, Any]:
    """By what photos can be coloured beside label and split: names, and rows that are not 0."""
    marks = {}
    if curation:
        tables = {name: rows_of(table) for name, table in curation["tables"].items()}
        quality = {row["path"]: row["flags"].split(", ")[0] for row in tables["quality_issues"]}
        flags = list(dict.fromkeys(quality.values()))
        names = [t("marks.no_quality"), *(t(f"flags.{flag}") for flag in flags)]
        found = {path: flags.index(flag) + 1 for path, flag in quality.items()}
        marks["quality"] = _mark(names, found, rows)
        found = {row["path"]: 1 for row in tables["duplicates"]}
        leaks = [row[name] for row in tables["leaks"] for name in ("path", "other_path")]
        names = [t("marks.no_duplicate"), t("marks.duplicate"), t("marks.leak")]
        marks["duplicate"] = _mark(names, found | dict.fromkeys(leaks, 2), rows)
        found = {row["path"]: 1 for row in tables["outliers"]}
        found |= {row["path"]: 2 for row in tables["label_issues"]}
        names = [t("marks.no_issue"), t("marks.outlier"), t("marks.label_issue")]
        marks["issue"] = _mark(names, found, rows)
    if mistakes:
        names = [t("marks.right"), t("marks.wrong")]
        marks["mistake"] = _mark(names, dict.fromkeys(mistakes, 1), rows)
    return marks


def _mark(names: Sequence[str], found: dict[str, int], rows: dict[str, int]) -> dict[str, Any]:
    there = sorted((rows[path], mark) for path, mark in found.items() if path in rows)
    return {"names": list(names), "rows": there}
