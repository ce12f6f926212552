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

_KINDS = [BYTES, PIXELS, NEAR]
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
    if params.duplicates != "keep":
        kept = photos.table.loc[table["reasons"] == ""]
        instead = _duplicates(kept, findings.duplicates, params.duplicates)
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
    leaks, flagged = findings.leaks, findings.quality_issues
    reasons = []
    if params.leaks != "keep":
        kinds = _KINDS[: _KINDS.index(params.leaks) + 1]
        reasons.append(("leak", leaks.loc[leaks["kind"].isin(kinds), "path"]))
    flags = flagged["flags"].str.split(", ")
    for flag in params.quality:
        reasons.append((flag, flagged.loc[[flag in one for one in flags], "path"]))
    if params.outliers == "leave_out":
        reasons.append(("outlier", findings.outliers["path"]))
    if params.label_issues == "leave_out":
        reasons.append(("label_issue", findings.label_issues["path"]))
    return reasons


def _duplicates(kept: pd.DataFrame, duplicates: pd.DataFrame, kind: str) -> pd.Series:
    """The photo that stays instead of each duplicate: the first by path, Test before Training.

    Args:
        kept: photos that no other reason leaves out.
        kind: photos that are alike in this way count as one.
    """
    rows = kept.assign(group=kept["path"].map(duplicates.set_index("path")["group"]))
    rows = rows.assign(trained=rows["split"] == "Training").dropna(subset=_KEYS[kind])
    rows = rows.sort_values(["trained", "path"])
    first = rows.groupby(_KEYS[kind])["path"].transform("first")
    return first[first != rows["path"]]
