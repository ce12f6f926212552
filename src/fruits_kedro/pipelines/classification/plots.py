"""The plots of a classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly import express as px

from fruits_kedro.classification.metrics import confusion, of_model
from fruits_kedro.classification.protocols import IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT
from fruits_kedro.reports.plots import LAYOUT, height_of_bars

_NAMES = {
    IN_DISTRIBUTION: "the data set's own Training and Test",
    LEAVE_ONE_VARIETY_OUT: "varieties never trained on",
}


def plot_scores(scores: pd.DataFrame, metrics: dict[str, Any]) -> go.Figure:
    """Macro-F1 of each model under both protocols, with 95 % intervals."""
    found = scores[scores["metric"] == "f1_macro"]
    figure = go.Figure()
    for protocol, rows in found.groupby("protocol", sort=False):
        reaches = {"array": rows["high"] - rows["value"], "arrayminus": rows["value"] - rows["low"]}
        figure.add_bar(
            y=[rows["model"].str.replace("_", " "), rows["inputs"].str.replace("_", " ")],
            x=rows["value"],
            orientation="h",
            name=_NAMES[str(protocol)],
            error_x={"type": "data", **reaches},
            text=rows["value"].map("{:.3f}".format),
            textposition="inside",
            insidetextanchor="start",
        )
    rows_of_bars = len(found[["model", "inputs"]].drop_duplicates())
    return figure.update_layout(
        title={"text": f"Macro-F1<br><sup>{metrics['reason']}</sup>"},
        xaxis={"range": [0, 1.02], "title": "macro-F1, with 95 % intervals"},
        yaxis={"autorange": "reversed"},
        height=220 + 60 * rows_of_bars,
        legend={"orientation": "h", "y": -0.12},
        **LAYOUT | {"margin": {"t": 90, "r": 30}},
    )


def order_by_similarity(matrix: pd.DataFrame) -> list[str]:
    """The labels in an order that puts confused ones side by side, else alphabetical."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    labels = list(matrix.index)
    if len(labels) < 3:
        return labels
    shares = matrix.to_numpy(float) / np.maximum(matrix.sum(axis=1).to_numpy()[:, None], 1)
    both = (shares + shares.T) / 2
    # A small alphabetical distance keeps varieties of one fruit together if nothing is confused.
    steps = np.abs(np.subtract.outer(np.arange(len(labels)), np.arange(len(labels))))
    distance = 1 - np.minimum(both, 1) + 0.5 * steps / len(labels)
    upper = distance[np.triu_indices(len(labels), 1)]
    return [labels[i] for i in leaves_list(linkage(upper, "average", optimal_ordering=True))]


def plot_confusion(test_predictions: pd.DataFrame, info: dict[str, Any]) -> go.Figure:
    """The confusion matrix of the best model on Test, with confused labels side by side."""
    found = of_model(test_predictions, info["best"])
    counts = confusion(found)
    order = order_by_similarity(counts)
    counts = counts.loc[order, order]
    support = counts.sum(axis=1).to_numpy()[:, None]
    shares = counts / np.maximum(support, 1)
    text = np.where(counts > 0, counts.astype(str), "")
    side = int(np.clip(260 + 14 * len(order), 500, 1900))
    right = float((found["label"] == found["predicted"]).mean())
    figure = go.Figure(
        go.Heatmap(
            z=shares.where(counts > 0).to_numpy(),
            x=order,
            y=order,
            customdata=np.dstack([counts.to_numpy(), np.broadcast_to(support, counts.shape)]),
            text=text,
            texttemplate="%{text}" if len(order) <= 40 else None,
            hovertemplate="%{y}<br>taken for %{x}: %{customdata[0]} of %{customdata[1]} photos"
            "<extra></extra>",
            colorscale=[[0, "#deebf7"], [0.5, "#6baed6"], [1, "#08306b"]],
            zmin=0,
            zmax=1,
            colorbar={"title": "share of<br>the label", "tickformat": ".0%"},
        )
    )
    axis = {"type": "category", "dtick": 1, "tickfont": {"size": 11 if len(order) <= 100 else 8}}
    return figure.update_layout(
        title=f"{right:.1%} of {len(found):,} Test photos are recognised ({info['best']})",
        xaxis={"title": "predicted", "tickangle": -90, **axis},
        yaxis={"title": "label", "autorange": "reversed", **axis},
        height=side,
        width=side + 120,
        **LAYOUT,
    )


def plot_class_scores(class_scores: pd.DataFrame) -> go.Figure:
    """F1 of each class, the worst on top."""
    found = class_scores[class_scores["protocol"] == IN_DISTRIBUTION].sort_values(["f1", "label"])
    figure = px.bar(
        found,
        y="label",
        x="f1",
        orientation="h",
        color="f1",
        range_color=[0, 1],
        color_continuous_scale="RdYlGn",
        hover_data=["precision", "recall", "support"],
        title=f"F1 of {len(found)} classes, the lowest first",
        labels={"f1": "F1", "label": ""},
    )
    order = {"type": "category", "autorange": "reversed", "dtick": 1}
    return figure.update_layout(
        height=height_of_bars(len(found)),
        yaxis=order,
        xaxis_range=[0, 1.02],
        coloraxis_showscale=False,
        **LAYOUT,
    )
