"""Galleries: photos of a page with a few words below each, and the lists behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pandas as pd

from fruits_kedro.reports.html.texts import Texts

_ROWS = 24  # of its table that a gallery shows
_OF_GROUP = 4
_MOST_ROWS = 5000  # of a list in the page
Row = dict[str, Any]


class Photo(NamedTuple):
    """A photo of the page."""

    path: str
    caption: str


class Gallery(NamedTuple):
    """Photos of one kind, in groups.

    Attributes:
        name: of its table and texts.
        total: of the table's rows.
        shown: how many of them are shown.
        groups: of photos that belong together, each with a heading, which may be empty.
    """

    name: str
    total: int
    shown: int
    groups: list[tuple[str, list[Photo]]]


def photos_in(value: Any) -> Iterator[str]:
    """The paths of all photos in dictionaries, lists and tuples."""
    if isinstance(value, Photo):
        yield value.path
    elif isinstance(value, dict):
        for one in value.values():
            yield from photos_in(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from photos_in(one)


def as_table(frame: pd.DataFrame) -> dict[str, Any]:
    """The first 5,000 rows of a frame, for JSON: ``columns, rows, total``."""
    rows = frame.head(_MOST_ROWS)
    values = rows.astype(object).where(rows.notna(), None)
    return {"columns": list(frame.columns), "rows": values.to_numpy().tolist(), "total": len(frame)}


def rows_of(table: dict[str, Any]) -> list[Row]:
    """The rows of a table of ``columns`` and ``rows``."""
    return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]


def find_galleries(tables: dict[str, dict[str, Any]], t: Texts) -> list[Gallery]:
    """A gallery of each table of a curation, and of the rejected photos.

    Args:
        tables: of ``columns, rows, total``, by name.
    """
    made = []
    for name, table in tables.items():
        groups = _GROUPS[name](rows_of(table), t)
        some: list[tuple[str, list[Photo]]] = []
        shown = 0
        for heading, photos, stands_for in groups:
            if shown + stands_for > _ROWS and some:
                break
            some.append((heading, photos))
            shown += stands_for
        made.append(Gallery(name, table["total"], shown, some))
    return made


# What a function below yields: heading, photos, and for how many rows they stand.
Groups = Iterable[tuple[str, list[Photo], int]]


def _leaks(rows: list[Row], t: Texts) -> Groups:
    for row in rows:
        here = t("findings.split_label", split=row["other_split"], label=_text(row["other_label"]))
        there = t("findings.split_label", split="Training", label=_text(row["label"]))
        pair = [Photo(row["other_path"], here), Photo(row["path"], there)]
        yield t(f"kinds.{row['kind']}"), pair, 1


def _duplicates(rows: list[Row], t: Texts) -> Groups:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    worst = sorted(groups.values(), key=lambda g: (-g[0]["labels"], -g[0]["splits"]))
    for group in worst:
        photos = [
            Photo(r["path"], t("findings.split_label", split=r["split"], label=_text(r["label"])))
            for r in group[:_OF_GROUP]
        ]
        yield t(f"kinds.{group[0]['kind']}"), photos, len(photos)


def _label_issues(rows: list[Row], t: Texts) -> Groups:
    for row in rows:
        yield "", [Photo(row["path"], f"{row['label']} → {row['predicted']}")], 1


def _outliers(rows: list[Row], t: Texts) -> Groups:
    for row in rows:
        yield "", [Photo(row["path"], _text(row["label"]))], 1


def _quality_issues(rows: list[Row], t: Texts) -> Groups:
    """The first photos of each flag."""
    return _by_reason(
        rows, lambda row: row["flags"].split(", ")[0], lambda flag: str(t(f"flags.{flag}"))
    )


def _rejected(rows: list[Row], t: Texts) -> Groups:
    names = t.group("reasons")
    return _by_reason(rows, lambda row: row["reason"], lambda r: names.get(r, r.replace("_", " ")))


def _by_reason(
    rows: list[Row], reason_of: Callable[[Row], str], name: Callable[[str], str]
) -> Groups:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[reason_of(row)].append(row)
    each = max(2, _ROWS // max(len(groups), 1))
    for reason, found in groups.items():
        photos = [Photo(row["path"], _text(row.get("label"))) for row in found[:each]]
        yield name(reason), photos, len(photos)


def _text(label: str | None) -> str:
    return label or "–"


_GROUPS: dict[str, Callable[[list[Row], Texts], Groups]] = {
    "leaks": _leaks,
    "duplicates": _duplicates,
    "label_issues": _label_issues,
    "outliers": _outliers,
    "quality_issues": _quality_issues,
    "rejected": _rejected,
}
