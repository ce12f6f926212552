"""Which photos to keep, which to leave out, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fruits_kedro.config.curation import SelectionParams
from fruits_kedro.curation.duplicates import BYTES, NEAR, PIXELS
from fruits_kedro.curation.k_centre import k_centre
from fruits_kedro.curation.photos import Photos
from fruits_kedro.curation.vectors import Vectors

# By what photos are alike in each way, or in one that says more.
_KEYS = {BYTES: "content_hash", PIXELS: "pixels", NEAR: "group"}


@dataclass(frozen=True)
class Findings:
    """What a curation has found: the tables of its datasets."""

    duplicates: pd.DataFrame
    leaks: pd.DataFrame
    quality_issues: pd.DataFrame
    outliers: pd.DataFrame
    label_issues: pd.DataFrame


def select_photos(
    photos: Photos, vectors: Vectors, findings: Findings, params: SelectionParams
) -> pd.DataFrame:
    """Which photos to keep, by a policy.

    Returns:
        ``path, split, label, selected, reasons`` (why not: ``leak``, a flag of quality,
        ``outlier``, ``label_issue``, ``duplicate``, ``not_needed`` beyond ``params.total``; joined
        by ``, ``), ``duplicate_of`` (the photo that is kept instead), ``turn`` (from 1: the order
        in which to label; null without ``params.total``); ordered by path.
    """
    table = photos.table[["path", "split", "label"]].assign(reasons="", duplicate_of=None)
    for reason, paths in _reasons(findings, params):
        found = table["path"].isin(paths)
        table.loc[found, "reasons"] += f", {reason}"
    rows = photos.table.assign(
        group=photos.table["path"].map(findings.duplicates.set_index("path")["group"])
    )
    if params.leaks != "keep":
        leaked = _leaks(rows[table["reasons"] == ""], _KEYS[params.leaks])
        table.loc[leaked, "reasons"] = ", leak"
    if params.duplicates != "keep":
        instead = _duplicates(rows[table["reasons"] == ""], _KEYS[params.duplicates])
        table.loc[instead.index, "reasons"] = ", duplicate"
        table.loc[instead.index, "duplicate_of"] = instead
    table["turn"] = pd.array([None] * len(table), "Int64")
    if params.total is not None:
        among = np.flatnonzero(table["reasons"] == "")
        chosen: NDArray[np.int64] = k_centre(vectors, among, params.total)
        table.loc[np.setdiff1d(among, chosen), "reasons"] = ", not_needed"
        table.loc[chosen, "turn"] = np.arange(1, len(chosen) + 1)
    table["reasons"] = table["reasons"].str.removeprefix(", ")
    table["selected"] = table["reasons"] == ""
    columns = ["path", "split", "label", "selected", "reasons", "duplicate_of", "turn"]
    return table[columns]


def _reasons(findings: Findings, params: SelectionParams) -> list[tuple[str, pd.Series]]:
    """Why photos are left out, and their paths."""
    flagged = findings.quality_issues
    reasons: list[tuple[str, pd.Series]] = []
    flags = flagged["flags"].str.split(", ")
    for flag in params.quality:
        reasons.append((flag, flagged.loc[[flag in one for one in flags], "path"]))
    if params.outliers == "leave_out":
        reasons.append(("outlier", findings.outliers["path"]))
    if params.label_issues == "leave_out":
        reasons.append(("label_issue", findings.label_issues["path"]))
    return reasons


def _leaks(kept: pd.DataFrame, key: str) -> pd.Index:
    """The rows of Training that one of another split is like."""
    of_training = kept["split"] == "Training"
    others = kept.loc[~of_training, key].dropna()
    return kept.index[of_training & kept[key].isin(others)]


def _duplicates(kept: pd.DataFrame, key: str) -> pd.Series:
    """The photo of the same split that stays instead of each duplicate: the first by path."""
    rows = kept.dropna(subset=key).sort_values("path")
    first = rows.groupby([key, "split"])["path"].transform("first")
    return first[first != rows["path"]]
