"""The clock and the tables of a run."""

import io
from types import SimpleNamespace

from rich.console import Console

from fruits_kedro import run_report
from fruits_kedro.run_report import StageClock, classification_table, training_table


def test_seconds_of_nodes_add_up_to_those_of_stages(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 4.0, 9.0, 10.0])
    monkeypatch.setattr(run_report.time, "perf_counter", lambda: next(now))
    clock = StageClock()  # at 0
    one, two = (SimpleNamespace(name=name, tags={"extraction"}) for name in ("one", "two"))
    for node in (one, one, two, two):  # at 1, 3, 4 and 9
        clock.touch(node)
    assert clock.nodes == {"one": 2.0, "two": 5.0}
    assert clock.stages({"images": 90, "extracted": 70}) == {
        "extraction": {"seconds": 7.0, "images_per_s": 10.0}
    }
    assert clock.total == 10.0


def test_a_training_ends_with_its_figures():
    info = {
        "images": {"fit": 7638, "validation": 402},
        "unusable": 1,
        "seconds": 2400.4,
        "fingerprint": "mobilenetv2-96-f32-0123456789abcdef",
        "last_epoch": {"epoch": 20, "accuracy": 0.981, "val_accuracy": 0.975, "loss": 0.9},
    }
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(training_table(info, "/store/pretrained_weights.npz"))
    text = " ".join(console.export_text().split())
    for part in (
        "7,638 to fit, 402 to validate",
        "20 in 2,400 s",
        "98.1%",
        "validation accuracy 97.5%",
        "mobilenetv2-96-f32-0123456789abcdef",
        "/store/pretrained_weights.npz",
    ):
        assert part in text


def test_a_classification_ends_with_both_protocols():
    figures = {"a.features": (0.9, 0.85, 0.95), "b.features": (0.5, None, None)}
    models = {
        name: {"f1_macro": dict(zip(("value", "low", "high"), values))}
        for name, values in figures.items()
    }
    metrics = {
        "reason": "because",
        "best": "a.features",
        "protocols": {"folder": {"models": models}, "held_out_varieties": {"not_measured": "one"}},
    }
    console = Console(file=io.StringIO(), width=90)
    console.print(classification_table(metrics, 12.3, {"classifiers": "/there"}))
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["a.features", "*", "0.900", "(0.850", "to", "0.950)", "not", "measured"] in lines
    assert ["b.features", "0.500", "not", "measured"] in lines
    assert ["whole", "run", "12.3", "s"] in lines and ["classifiers", "/there"] in lines
