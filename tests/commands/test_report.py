"""``kedro report`` makes the same page again, and opens it."""

import logging
import shutil
import webbrowser

import pytest
from click.testing import CliRunner
from kedro.framework.session import KedroSession

from fruits_kedro.cli import report
from fruits_kedro.commands.report import open_report
from fruits_kedro.commands.run import KEDROS_LINES


def test_the_same_store_gives_the_same_report(finished, tmp_path, monkeypatch):
    copy = tmp_path / "store"
    shutil.copytree(finished[0], copy)
    page = copy / "08_reporting/report.html"
    before, opened = page.read_bytes(), []
    page.unlink()
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    result = CliRunner().invoke(report, ["--params", f"store={copy}", "--open"])
    assert result.exit_code == 0, result.output
    assert page.read_bytes() == before and opened == [page.as_uri()]
    assert f"{page} is open in the browser." in "".join(result.output.splitlines())


def test_where_there_is_no_browser_the_place_is_said(finished, monkeypatch, project):
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    with KedroSession.create(project, runtime_params={"store": str(finished[0])}) as session:
        said = open_report(session.load_context().catalog)
    assert said == f"No browser was found: open {finished[0]}/08_reporting/report.html."


def test_an_empty_store_has_no_report(tmp_path):
    result = CliRunner().invoke(report, ["--params", f"store={tmp_path}"])
    assert result.exit_code == 1 and "'kedro run' makes them" in " ".join(result.output.split())


@pytest.fixture
def levels():
    """Those of the loggers stay."""
    before = {name: logging.getLogger(name).level for name in KEDROS_LINES}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.parametrize("options", [(), ("--verbose",)])
def test_kedro_tells_all_if_it_is_asked(kedro_run, finished, options, levels, tmp_path):
    copy = shutil.copytree(finished[0], tmp_path / "store")
    result = kedro_run("--pipelines", "report", *options, store=copy)
    assert result.exit_code == 0
    assert ("Loading data from" in " ".join(result.output.split())) == bool(options)
