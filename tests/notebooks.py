"""Run a notebook from top to bottom on the outputs of a run."""

PLOTLY = "application/vnd.plotly.v1+json"


def executed(name, project, images, store, more=""):
    """The outputs of a notebook over these photos and this store, and of one more cell."""
    import nbformat  # 3 s, which only a worker that runs a notebook should pay
    from nbclient import NotebookClient

    notebook = nbformat.read(project / "notebooks" / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    places = f"%reload_kedro {project} --env=test --params=images={images},store={store}"
    notebook.cells[1].source += f"\n{places}"
    notebook.cells.append(nbformat.v4.new_code_cell(more))
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": project / "notebooks"}}
    ).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def figures(outputs):
    return [output for output in outputs if PLOTLY in output.get("data", {})]
