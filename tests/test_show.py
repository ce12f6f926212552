"""What a long wait says."""

from fruits_kedro.show import waiting


def test_time_left_is_said_once_there_is_a_speed(capsys):
    show = waiting("run")
    figures = {"what": "extracting features", "done": 0, "total": 1200, "images_per_s": 0.0}
    show("RUNNING", 0, figures)
    show("RUNNING", 10, figures | {"done": 600, "images_per_s": 10.0})
    show("RUNNING", 20, figures | {"done": 600, "images_per_s": 10.0})
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("run: RUNNING, extracting features: 0 of 1,200")
    assert second.endswith("extracting features: 600 of 1,200 at 10/s, 1 min left")
