"""What the report shows of a curation."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from fruits_kedro.curation.selection import Findings
from fruits_kedro.reports.html.galleries import as_table

_COLUMNS = {
    "leaks": ["path", "label", "other_path", "other_label", "other_split", "kind"],
    "duplicates": ["group", "kind", "path", "split", "label", "labels", "splits"],
    "label_issues": ["path", "split", "label", "predicted", "label_score", "predicted_score"],
    "outliers": ["path", "split", "label", "deviations"],
    "quality_issues": ["path", "split", "label", "flags"],
}


def summarize_curation(findings: Findings, curation_info: dict[str, Any]) -> dict[str, Any]:
    """What the report shows of a curation.

    Returns:
        ``info``, and ``tables``: of each finding ``columns``, the first 5,000 ``rows`` and how many
        there are in ``total``.
    """
    tables = {field.name: getattr(findings, field.name) for field in fields(findings)}
    return {
        "info": curation_info,
        "tables": {name: as_table(tables[name][columns]) for name, columns in _COLUMNS.items()},
    }
