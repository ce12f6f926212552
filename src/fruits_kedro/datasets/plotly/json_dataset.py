"""A plotly figure as a JSON file."""

from __future__ import annotations

import plotly.graph_objects as go
import plotly.io as pio
from kedro.io.core import get_filepath_str
from kedro_datasets import plotly

from fruits_kedro.datasets.atomic_file import AtomicFile


class _PlainJson(plotly.JSONDataset):
    def save(self, data: go.Figure) -> None:
        """Write numbers as lists: plotly 5, and so Kedro-Viz, does not read plotly 6's base64."""
        plain = {
            "data": [trace.to_plotly_json() for trace in data.data],
            "layout": data.layout.to_plotly_json(),
        }
        path = get_filepath_str(self._get_save_path(), self._protocol)
        with self._fs.open(path, **self._fs_open_args_save) as file:
            file.write(pio.to_json(plain, validate=False))
        self._invalidate_cache()


class JSONDataset(AtomicFile, _PlainJson):
    """``plotly.JSONDataset`` with atomic writes."""
