"""Training by ``kedro run``: what it leaves in the store, and that it can be used."""

import json

import pandas as pd
import plotly.io as pio
import pytest

from fruits_kedro.backbones.weights import find_weights
from fruits_kedro.pipelines.pretraining.nodes import plot_learning_curve


@pytest.mark.filterwarnings("ignore:\\s*Even though the `tf.config")
@pytest.mark.usefixtures("eager")
def test_kedro_run_trains_weights_that_extraction_takes(kedro_run, sample, tmp_path):
    result = kedro_run("--pipelines", "pretraining", images=sample, store=tmp_path)
    assert result.exit_code == 0, result.output
    found = find_weights(str(tmp_path / "06_models/pretrained_weights.npz"))
    info = json.loads((tmp_path / "06_models/pretraining_info.json").read_text())
    assert info["fingerprint"] == f"mobilenetv2-32-f32-{found.sha256[:16]}"
    assert info["fingerprint"] in result.output
    history = pd.read_csv(tmp_path / "08_reporting/learning_history.csv")
    assert history["epoch"].tolist() == [1] and history["loss"].between(0.1, 10).all()
    curve = pio.read_json(tmp_path / "08_reporting/learning_curve.json")
    assert curve.data[0].name == "loss" and list(curve.data[0].y) == history["loss"].tolist()


def test_learning_curve_without_a_validation_part():
    history = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.0], "accuracy": [0.3, 0.6]})
    assert [trace.name for trace in plot_learning_curve(history).data] == ["loss", "accuracy"]
