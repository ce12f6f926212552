"""The notebooks run from top to bottom on the outputs of a run."""

import nbformat
import pytest
from nbclient import NotebookClient


@pytest.mark.parametrize("name", ["01_explore"])
def test_notebook_runs(name, project, finished, sample):
    store, _ = finished
    notebook = nbformat.read(project / "notebooks" / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    places = f"%reload_kedro {project} --env=test --params=images={sample},store={store}"
    notebook.cells[1].source += f"\n{places}"
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": project / "notebooks"}}
    ).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = [o for o in shown if "application/vnd.plotly.v1+json" in o.get("data", {})]
    assert len(figures) == 3
    assert any("not_an_image" in o.get("data", {}).get("text/plain", "") for o in shown)
