"""Seconds of nodes add up to those of stages."""

from types import SimpleNamespace

from fruits_kedro.hooks import stage_clock
from fruits_kedro.hooks.stage_clock import StageClock


def test_seconds_of_nodes_add_up_to_those_of_stages(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 4.0, 9.0, 9.5, 10.0, 10.0])
    monkeypatch.setattr(stage_clock.time, "perf_counter", lambda: next(now))
    clock = StageClock()  # at 0
    one, two = (SimpleNamespace(name=name, namespace="extraction") for name in ("one", "two"))
    other = SimpleNamespace(name="other", namespace="typical")
    for node in (one, one, two, two, other, other):  # at 1, 3, 4, 9, 9.5 and 10
        clock.touch(node)
    assert clock.nodes == {"one": 2.0, "two": 5.0, "other": 0.5}
    assert clock.stages(images=90, extracted=70) == {
        "extraction": {"seconds": 7.0, "images_per_s": 10.0}
    }
    assert clock.total == 10.0
