"""``kedro backbones`` shows what can be had, and how fast it is here."""

import json

from click.testing import CliRunner

from fruits_kedro.backbones import keras_models
from fruits_kedro.backbones.architectures import ARCHITECTURES
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.cli import cli


def test_all_are_listed_and_those_that_were_converted_are_measured(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    small = ARCHITECTURES["mobilenetv3small"]
    weights = tmp_path / "random.weights.h5"
    keras_models.build(small, None, 224).save_weights(weights)
    backbone = load_backbone(str(weights), "litert", None, small.name)
    assert (backbone.name, backbone.n_features) == ("mobilenetv3small", 576)
    result = CliRunner().invoke(cli, ["backbones", "--json"])
    assert result.exit_code == 0, result.output
    ((titles, *rows),) = json.loads(result.output).values()
    assert [row[0] for row in rows] == list(ARCHITECTURES)
    shown = {row[0]: dict(zip(titles, row)) for row in rows}
    found = shown["mobilenetv3small"]
    assert (found["features"], found["pixels"], found["weights"]) == ("576", "224", "to download")
    assert float(found["MB"]) == round(len(backbone.model) / 1e6, 1)
    assert float(found["images/s"]) > 1
    assert shown["mobilenetv2"]["weights"] == "to download, embedded"
    assert shown["mobilenetv2"]["MB"] == "–"
