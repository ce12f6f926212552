"""The report: everything that a store has to show, in one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa

from fruits_kedro.curation.photo_map import TSNE_PHOTOS
from fruits_kedro.reports.html import chapters
from fruits_kedro.reports.html.contents import Contents
from fruits_kedro.reports.html.galleries import photos_in
from fruits_kedro.reports.html.map_data import map_data
from fruits_kedro.reports.html.overview import overview
from fruits_kedro.reports.html.render import packed, render
from fruits_kedro.reports.html.sprites import make_sprites
from fruits_kedro.reports.html.texts import Texts

# Where the whole tables are.
_FILES = {
    name: f"08_reporting/{name}.csv"
    for name in ("leaks", "duplicates", "label_issues", "outliers", "quality_issues")
} | {"rejected": "08_reporting/rejected_images.csv"}


def report_page(
    contents: Contents, t: Texts, read_pictures: Callable[[Iterable[str]], Mapping[str, bytes]]
) -> str:
    """The page as HTML, in one file that needs no network.

    Args:
        read_pictures: JPEGs of photos by path; those that there are none of are left out.
    """
    shown: dict[str, Any] = {
        "labels": chapters.label_cards(contents, t),
        "findings": chapters.findings(contents, t),
        "pca": chapters.components(contents, t),
        "scores": chapters.classification(contents, t),
    }
    summary, total = contents.classification, contents.run["counts"]["features"]
    mistakes = summary["mistakes"] if summary else {}
    data = map_data(contents.photo_map, contents.curation, mistakes, t)
    pictures = pa.compute.struct_field(contents.photo_map.column("image"), "bytes").to_pylist()
    sprites = make_sprites(pictures)
    data |= {"side": sprites.side, "columns": sprites.columns}
    mapped = len(data["paths"])
    protocols = summary["protocols"] if summary else {}
    return render(
        "report.html",
        t,
        scripts=("page.js", "map.js"),
        title=t("page.title", name=contents.name, n=contents.run["counts"]["images"]),
        images=contents.images,
        run=contents.run,
        overview=overview(contents, t),
        curated=contents.curation is not None,
        not_measured="not_measured" in protocols.get("leave_one_variety_out", {}),
        made=chapters.made(contents, t),
        files=_FILES,
        mapped=mapped,
        total=total,
        sampled=mapped < total,
        schemes=["label", "split", *data["marks"]],
        map_labels=data["labels"],
        map_data=packed(data),
        sheets=sprites.sheets,
        words=t.group("words") | {"no_map": t("map.no_script")},
        curation=contents.command("curation"),
        classification=contents.command("classification"),
        placed=TSNE_PHOTOS,
        pictures=read_pictures(photos_in(list(shown.values()))),
        **shown,
    )
