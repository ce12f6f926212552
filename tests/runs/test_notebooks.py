"""The notebook of a run works from top to bottom; the classification's is tested with it."""

from tests.notebooks import executed, figures


def test_explore(project, finished, sample):
    shown = executed("01_explore", project, sample, finished[0])
    assert len(figures(shown)) == 3
    assert any("not_an_image" in o.get("data", {}).get("text/plain", "") for o in shown)
