"""The notebook of a run works from top to bottom; the classification's is tested with it."""

import pandas as pd
import pytest
from tests.notebooks import PLOTLY, executed, figures

LOAD_NODE = """
shell = get_ipython()
shell.run_line_magic("load_node", "reporting.plot_scree")
cell = shell.payload_manager.read_payload()[-1]["text"]  # what appears below
shell.payload_manager.clear_payload()
shell.run_cell(cell)
"""


def test_explore(project, finished, sample):
    matrix = pd.read_csv(finished[0] / "05_model_input/pca_matrix.csv")
    shown = executed("01_explore", project, sample, finished[0], LOAD_NODE)
    assert len(figures(shown)) == 4
    of_node = figures(shown)[-1]["data"][PLOTLY]["data"][0]
    stored = pd.read_csv(finished[0] / "08_reporting/explained_variance.csv")
    assert of_node["y"] == pytest.approx(stored["variance_explained"])
    described = [o["data"]["text/plain"] for o in shown if "pc_001" in str(o.get("data"))]
    assert len(matrix) == 60 and "60.00" in described[0]
    assert any("srcdoc=" in o.get("data", {}).get("text/html", "") for o in shown)
    assert any("not_an_image" in o.get("data", {}).get("text/plain", "") for o in shown)
