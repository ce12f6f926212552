"""Run a notebook from top to bottom on the outputs of a run."""

import sys

PLOTLY = "application/vnd.plotly.v1+json"


def _read(name, project, images, store):
    """A notebook over these photos and this store."""
    import nbformat  # 3 s, which only a worker that runs a notebook should pay

    notebook = nbformat.read(project / "notebooks" / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    places = f"%reload_kedro {project} --env=test --params=images={images},store={store}"
    notebook.cells[1].source += f"\n{places}"
    return notebook


def executed(name, project, images, store, more):
    """The outputs of a notebook and of one more cell, in a kernel of its own."""
    import nbformat
    from nbclient import NotebookClient

    notebook = _read(name, project, images, store)
    notebook.cells.append(nbformat.v4.new_code_cell(more))
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": project / "notebooks"}}
    ).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def executed_here(name, project, images, store, monkeypatch):
    """The outputs of a notebook in a shell within this process, which has its Spark session."""
    import plotly.io
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")  # a kernel's
    # Else other tests would have classes of modules that %reload_kedro has imported again.
    monkeypatch.setattr("kedro.ipython._remove_cached_modules", lambda *_: None)
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    outputs = []
    try:
        for cell in _read(name, project, images, store).cells:
            if cell.cell_type == "code":
                with capture_output() as captured:
                    shell.display_trap.hook = sys.displayhook  # a cell's last value is shown, too
                    result = shell.run_cell(cell.source)
                result.raise_error()
                outputs += [{"text": captured.stdout}] if captured.stdout else []
                outputs += [{"data": output.data} for output in captured.outputs]
    finally:
        InteractiveShell.clear_instance()
    return outputs


def figures(outputs):
    return [output for output in outputs if PLOTLY in output.get("data", {})]
