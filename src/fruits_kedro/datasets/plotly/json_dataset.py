"""A plotly figure as a JSON file."""

from kedro_datasets import plotly

from fruits_kedro.datasets.atomic_file import AtomicFile


class JSONDataset(AtomicFile, plotly.JSONDataset):
    """``plotly.JSONDataset`` with atomic writes."""
