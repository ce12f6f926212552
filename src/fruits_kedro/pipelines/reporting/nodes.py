"""The plots, the page that shows them, and the record of the run."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly import express as px
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from fruits_kedro.config.parameters import PcaParams
from fruits_kedro.reports.page import figures, page
from fruits_kedro.reports.plots import LAYOUT, colours, height_of_bars, right_share_axis

_MAX_POINTS = 5000


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


def write_report(*plots: go.Figure) -> str:
    """One HTML page with the plots, in order, that needs no network."""
    return page("Fruit photos", figures(*plots))


def describe_run(
    extraction_info: dict[str, Any], explained_variance: pd.DataFrame, pca: PcaParams
) -> dict[str, Any]:
    """A record of the run: versions, backbone, counts, variance.

    The hooks add the seconds of each stage at the end of the run.
    """
    return extraction_info | {
        "pca": {
            **pca.model_dump(),
            "k": len(explained_variance),
            "variance_kept": float(explained_variance["cumulative_variance"].iloc[-1]),
        },
    }
