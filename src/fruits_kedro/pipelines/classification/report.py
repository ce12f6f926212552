"""One HTML page with the scores and all plots."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from fruits_kedro.images.source import ImageSource
from fruits_kedro.pipelines.classification.plots import WRONG
from fruits_kedro.pipelines.classification.thumbnails import show_on_hover, thumbnails
from fruits_kedro.reports.page import figures, page
from fruits_kedro.reports.tables import with_interval

_SHOWN = ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "top_3")
_PAIRS = 30
_MAP, _SIDE = "map", 64  # id, pixels of a photo


def write_classification_report(
    scores: pd.DataFrame,
    confused_pairs: pd.DataFrame,
    metrics: dict[str, Any],
    raw_images: ImageSource,
    map_plot: go.Figure,
    *plots: go.Figure,
) -> str:
    """HTML with tables and plots that needs no network: plotly's script is in it, once.

    ``map_plot`` comes after the other plots and shows the photos of ``raw_images`` under the mouse.
    """
    pairs = confused_pairs.head(_PAIRS).drop(columns="path")
    pairs["share"] = pairs["share"].map("{:.0%}".format)
    map_ = map_plot.to_html(full_html=False, include_plotlyjs=False, div_id=_MAP)
    wrong_first = sorted(map_plot.data, key=lambda trace: trace.marker.symbol != WRONG)
    paths = [path for trace in wrong_first for path in trace.hovertext]
    worst = pairs.to_html(index=False, border=0)
    return page(
        "What the features are worth",
        [
            f"<p>{escape(metrics['reason'])}</p>",
            _table(scores),
            *figures(*plots),
            f'<div class="wide">{map_}</div>',
            show_on_hover(thumbnails(raw_images, paths, _SIDE), _MAP),
            f"<h2>Labels most often taken for one another</h2>{worst}",
        ],
    )


def _table(scores: pd.DataFrame) -> str:
    found = scores[scores["metric"].isin(_SHOWN)].copy()
    ends = zip(found["value"], found["low"], found["high"])
    found["text"] = [with_interval(*one) for one in ends]
    index = ["protocol", "model", "inputs"]
    wide = found.pivot_table(
        index=index, columns="metric", values="text", aggfunc="first", sort=False
    ).reset_index()
    wide.columns.name = None
    return f'<div class="wide">{wide.fillna("").to_html(index=False, border=0)}</div>'
