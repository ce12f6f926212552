"""The plots of a classification."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly import express as px
from plotly.subplots import make_subplots
from pyspark.ml import PipelineModel

from fruits_kedro.classification.metrics import confusion, of_model
from fruits_kedro.classification.protocols import IN_DISTRIBUTION, LEAVE_ONE_VARIETY_OUT
from fruits_kedro.classification.samples import PCA, Samples
from fruits_kedro.config.classification import ClassificationParams
from fruits_kedro.images.source import ImageSource
from fruits_kedro.pipelines.classification.thumbnails import thumbnails
from fruits_kedro.reports.plots import LAYOUT, colours, height_of_bars
from fruits_kedro.spark.models import from_spark_model

WRONG = "x"  # symbol of a misclassified photo
_MAX_POINTS = 5000
_PAIRS = 12
_THUMBNAIL = 100  # pixels
_NO_PHOTO = "data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="  # 1 pixel
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


def plot_confused_pairs(
    confused_pairs: pd.DataFrame,
    raw_images: ImageSource,
    test_predictions: pd.DataFrame,
    info: dict[str, Any],
) -> go.Figure:
    """The most confused labels: a misclassified photo beside a typical one of its prediction."""
    pairs = confused_pairs.head(_PAIRS)
    if pairs.empty:
        return go.Figure().update_layout(title="No Test photo is taken for another label", **LAYOUT)
    found = of_model(test_predictions, info["best"])
    right = found[found["label"] == found["predicted"]]
    typical = right.sort_values("probability", ascending=False).groupby("label")["path"].first()
    titles = [
        text
        for row in pairs.itertuples()
        for text in (f"{row.label}<br>{row.images} of its photos", f"taken for<br>{row.predicted}")
    ]
    columns = 6
    rows = -(-len(titles) // columns)
    figure = make_subplots(rows=rows, cols=columns, subplot_titles=titles, vertical_spacing=0.12)
    paths = [p for row in pairs.itertuples() for p in (row.path, typical.get(row.predicted))]
    photos = thumbnails(raw_images, [path for path in paths if path], _THUMBNAIL)
    for i, path in enumerate(paths):
        name = html.escape(path) if path else "no photo"
        image = go.Image(source=photos.get(path, _NO_PHOTO), hovertemplate=f"{name}<extra></extra>")
        figure.add_trace(image, row=i // columns + 1, col=i % columns + 1)
    figure.update_annotations(font_size=11)
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    title = f"{len(confused_pairs)} pairs of labels are taken for one another; the most frequent"
    margin = {"t": 110, "r": 30}
    return figure.update_layout(title=title, height=190 + 210 * rows, **LAYOUT | {"margin": margin})


def plot_map(
    samples: Samples,
    pca_model: PipelineModel,
    test_predictions: pd.DataFrame,
    info: dict[str, Any],
    params: ClassificationParams,
) -> go.Figure:
    """t-SNE of the PCA scores of Test photos, with misclassified ones marked."""
    from sklearn.manifold import TSNE

    drawn = samples.split("Test").draw(_MAX_POINTS)
    with drawn.vectors(PCA, from_spark_model(pca_model)) as test:
        paths, scores = test.collect()
    points = pd.DataFrame({"path": paths, "scores": list(scores)})
    points = points.merge(of_model(test_predictions, info["best"]), on="path")
    title = f"t-SNE of {len(points):,} Test photos"
    if len(points) < 3:
        return go.Figure().update_layout(title=f"{title}: too few", **LAYOUT)
    near = min(30.0, (len(points) - 1) / 3)
    matrix = np.stack(points["scores"])
    # "pca" needs two components to start from.
    init = "pca" if np.linalg.matrix_rank(matrix - matrix.mean(axis=0)) >= 2 else "random"
    tsne = TSNE(perplexity=near, init=init, random_state=params.seed)
    points[["x", "y"]] = tsne.fit_transform(matrix)
    points["recognised"] = np.where(points["label"] == points["predicted"], "yes", "no")
    figure = px.scatter(
        points.sort_values(["label", "path"]),
        x="x",
        y="y",
        color="label",
        symbol="recognised",
        symbol_map={"yes": "circle", "no": WRONG},
        hover_name="path",
        hover_data={"x": False, "y": False, "label": True, "predicted": True, "recognised": False},
        color_discrete_sequence=colours(points["label"].nunique()),
        opacity=0.75,
        title=f"{title}: a cross is a photo that is taken for another label",
        render_mode="webgl",
    )
    figure.update_traces(marker_size=11, selector={"marker_symbol": WRONG})
    axes = {"visible": False}
    return figure.update_layout(height=750, xaxis=axes, yaxis=axes, **LAYOUT)
