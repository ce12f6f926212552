"""The plots, the map, the report that shows them, and the record of the run."""

from __future__ import annotations

import functools
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
from plotly import express as px
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.config.parameters import ReportParams
from fruits_kedro.curation.photo_map import (
    Examples,
    balanced_sample,
    find_examples,
    map_table,
    ordered_by_path,
    place_photos,
    read_rows,
    version_of,
)
from fruits_kedro.datasets import ParquetFiles
from fruits_kedro.reports.html.contents import Contents
from fruits_kedro.reports.html.galleries import as_table
from fruits_kedro.reports.html.sprites import read_pictures
from fruits_kedro.reports.html.texts import Texts
from fruits_kedro.reports.plots import LAYOUT, colours, height_of_bars, right_share_axis
from fruits_kedro.reports.report import report_page

_MAX_POINTS = 5000
_EXAMPLES, _COMPONENTS = 6, 6
_VERSION = b"version"  # of the map, in the table's metadata


def plot_class_counts(class_counts: pd.DataFrame) -> go.Figure:
    """Number of photos of each class, one colour per split."""
    counts = class_counts.assign(label=class_counts["label"].fillna("(no label)"))
    figure = px.bar(
        counts,
        y="label",
        x="images",
        color="split",
        orientation="h",
        title=f"{counts['images'].sum():,} photos of {counts['label'].nunique()} classes",
        labels={"images": "photos", "label": ""},
    )
    height = height_of_bars(counts["label"].nunique())
    order = {"categoryorder": "category descending", "dtick": 1}
    return figure.update_layout(height=height, yaxis=order, **LAYOUT)


def plot_scree(explained_variance: pd.DataFrame) -> go.Figure:
    """Share of variance of each component, and the cumulative share."""
    component = explained_variance["component"]
    kept = explained_variance["cumulative_variance"].iloc[-1]
    figure = go.Figure(
        [
            go.Bar(x=component, y=explained_variance["variance_explained"], name="one component"),
            go.Scatter(
                x=component,
                y=explained_variance["cumulative_variance"],
                name="cumulative",
                mode="lines+markers" if len(component) <= 60 else "lines",
                yaxis="y2",
            ),
        ]
    )
    return figure.update_layout(
        title=f"{len(component)} components keep {kept:.1%} of the variance",
        xaxis={"title": "component"},
        yaxis={"title": "variance explained", "tickformat": ".0%"},
        yaxis2=right_share_axis("cumulative"),
        legend={"x": 0.75, "y": 0.5},
        **LAYOUT,
    )


def plot_components(pca_features: DataFrame, explained_variance: pd.DataFrame) -> go.Figure:
    """First two components of at most 5,000 photos, one colour per label."""
    scores = pca_features.selectExpr(
        "path",
        "split",
        "coalesce(label, '(no label)') as label",
        "pca_features[0] as pc_1",
        "coalesce(pca_features[1], 0f) as pc_2",
    )
    # The first by a hash: a reproducible sample without a full sort.
    points: pd.DataFrame = scores.orderBy(F.xxhash64("path"), "path").limit(_MAX_POINTS).toPandas()
    shares = [f"{share:.1%}" for share in explained_variance["variance_explained"][:2]] + ["0 %"]
    figure = px.scatter(
        points.sort_values(["label", "path"]),
        x="pc_1",
        y="pc_2",
        color="label",
        symbol="split",
        hover_name="path",
        color_discrete_sequence=colours(points["label"].nunique()),
        opacity=0.7,
        title=f"First two principal components of {len(points):,} photos",
        labels={"pc_1": f"component 1 ({shares[0]})", "pc_2": f"component 2 ({shares[1]})"},
        render_mode="webgl",
    )
    return figure.update_layout(height=650, **LAYOUT)


def map_photos(
    pca_files: ParquetFiles,
    feature_files: ParquetFiles,
    extraction_info: dict[str, Any],
    pca_info: dict[str, Any],
    previous_map: pa.Table | None,
    params: ReportParams,
) -> tuple[pa.Table, Examples]:
    """A map of the photos, or of a balanced sample; and photos that show what is in them.

    A map of an earlier run stays where its photos and their scores are the same.

    Args:
        extraction_info: made after the features.
        pca_info: made after the scores.

    Returns:
        ``path, split, label, x, y, neighbors`` (``ids``: rows, ``distances``), ``image``
        (``bytes``, null where there is no picture, and ``path``): columns that Apple's
        embedding-atlas knows, too. And the examples: see :func:`find_examples`.
    """
    photos = pca_files.table(["path", "split", "label"]).to_pandas()
    chosen = balanced_sample(photos["path"], photos["label"], params.photos)
    chosen = ordered_by_path(photos["path"], chosen)
    scores = read_rows(pca_files.batches, "pca_features", chosen)
    photos = photos.iloc[chosen].reset_index(drop=True)
    examples = find_examples(scores, photos["path"], photos["label"], _EXAMPLES, _COMPONENTS)
    pictures = read_pictures(feature_files.batches, photos["path"])
    version = version_of(scores, photos, pictures, params.seed)
    if previous_map is not None and (previous_map.schema.metadata or {}).get(_VERSION) == version:
        return previous_map, examples
    placed = place_photos(scores, params.seed)
    table = map_table(photos, placed, pictures)
    return table.replace_schema_metadata({_VERSION: version}), examples


def write_report(
    input_root: dict[str, str],
    class_counts: pd.DataFrame,
    model_info: dict[str, Any],
    explained_variance: pd.DataFrame,
    photo_map: pa.Table,
    photo_examples: Examples,
    feature_files: ParquetFiles,
    rejected_files: ParquetFiles,
    curation_summary: dict[str, Any] | None,
    classification_summary: dict[str, Any] | None,
    params: ReportParams,
) -> str:
    """One page with everything that the store has to show; it needs no network.

    Args:
        model_info: with the seconds up to here, which a hook adds.
    """
    rejected = rejected_files.table(["path", "split", "label", "stage", "reason", "detail"])
    contents = Contents(
        images=input_root["images"],
        counts=class_counts,
        run=model_info,
        variance=explained_variance,
        photo_map=photo_map,
        examples=photo_examples,
        rejected=as_table(rejected.to_pandas()),
        curation=curation_summary,
        classification=classification_summary,
    )
    pictures = functools.partial(read_pictures, feature_files.batches)
    return report_page(contents, Texts(params.language), pictures)


def describe_run(extraction_info: dict[str, Any], pca_info: dict[str, Any]) -> dict[str, Any]:
    """A record of the run: versions, backbone, counts, variance.

    The hooks add the command and the seconds of each stage.
    """
    return extraction_info | {"pca": pca_info}
