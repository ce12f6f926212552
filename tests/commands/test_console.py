"""What the commands show: tables for people, JSON for scripts, and how far a long wait has got."""

import json

import pytest

from fruits_kedro.commands.console import finish, progress, waiting

RESULT = {
    "checks": [{"check": "rows", "": "ok"}, {"check": "counts", "": "FAILED"}],
    "labels": {"Apple [red]": 3},
    "log": [("first line\nsecond line",)],
    "CSV": "out.csv",
    "nothing": [],
}


def test_a_result_is_shown_as_tables_and_text(capsys):
    finish(dict(RESULT), as_json=False)
    shown = capsys.readouterr().out
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    assert [line.split() for line in lines[:4]] == [
        ["checks"],
        ["rows", "ok"],
        ["counts", "FAILED"],
        ["labels"],
    ]
    assert lines[4].split() == ["Apple", "[red]", "3"]  # brackets are no markup
    assert lines[5:] == ["log", "first line", "second line", "CSV", "out.csv"]


def test_a_script_gets_json(capsys):
    finish(dict(RESULT), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found == RESULT | {"log": [["first line\nsecond line"]]}


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failure_is_the_exit_code(as_json, capsys):
    with pytest.raises(SystemExit) as ended:
        finish({"CSV": "out.csv", "failed": True}, as_json)
    assert ended.value.code == 1
    assert "out.csv" in capsys.readouterr().out
    finish({"CSV": "out.csv", "failed": False}, as_json)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_files_are_counted_for_people_only(is_terminal, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)
    count = progress("uploading")
    for done in range(2):
        count(done, 2)
    expected = "\ruploading: 1 of 2 \ruploading: 2 of 2 \n" if is_terminal else ""
    assert capsys.readouterr().err == expected


def test_time_left_is_said_once_there_is_a_speed(capsys):
    show = waiting("run")
    figures = {"what": "extracting features", "done": 0, "total": 1200, "images_per_s": 0.0}
    show("RUNNING", 0, figures)
    show("RUNNING", 10, figures | {"done": 600, "images_per_s": 10.0})
    show("RUNNING", 20, figures | {"done": 600, "images_per_s": 10.0})
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("run: RUNNING, extracting features: 0 of 1,200")
    assert second.endswith("extracting features: 600 of 1,200 at 10/s, 1 min left")
