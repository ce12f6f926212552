"""A plotly figure as a JSON file."""

from kedro_datasets import plotly

from fruits_kedro.datasets.whole_file import WholeFile


class JSONDataset(WholeFile, plotly.JSONDataset):
    """``plotly.JSONDataset``, all or nothing."""
