"""Kedro's own ways to run the pipeline, beside its command line."""

import json
import shutil
from graphlib import TopologicalSorter

import pytest
import yaml
from fastapi.testclient import TestClient
from kedro.framework.project import pipelines
from kedro.server.http_server import create_http_server
from tests.s3.results import assert_same, results


@pytest.mark.parametrize("way", [("--runner", "ThreadRunner"), ("--async",)])
def test_threads_and_saves_in_the_background_give_the_same(
    finished, kedro_run, sample, tmp_path, way
):
    outcome = kedro_run(*way, images=sample, store=tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert_same(results(tmp_path), results(finished[0]))


def test_a_server_answers_and_runs(project, spark, finished, sample, tmp_path):
    """Twice, with other photos: one session serves all requests."""
    fewer = tmp_path / "fewer"
    shutil.copytree(sample / "Training", fewer / "Training")
    with TestClient(create_http_server(project, env="test")) as client:
        assert client.get("/health").json()["status"] == "healthy"
        for images, name in ((sample, "one"), (fewer, "two")):
            places = {"images": str(images), "store": str(tmp_path / name)}
            params = places | {"extraction": {"weights": "embedded"}}
            answer = client.post("/run", json={"params": params}).json()
            assert answer["status"] == "success", answer
        missing = {"images": str(tmp_path / "nothing"), "store": str(tmp_path / "three")}
        answer = client.post("/run", json={"params": missing}).json()
        assert "does not exist" in answer["error"]["message"]
    assert_same(results(tmp_path / "one"), results(finished[0]))
    info = json.loads((tmp_path / "two/08_reporting/model_info.json").read_text())
    assert info["counts"]["features"] == 45


def test_pipelines_are_folded_by_their_folders():
    for name, pipeline in pipelines.items():
        namespaces = {node.namespace for node in pipeline.nodes}
        assert namespaces <= set(pipelines)
        assert name in ("__default__", "report") or name in namespaces
    assert not [name for name in pipelines["__default__"].datasets() if "." in name]


def test_kedro_viz_can_order_the_layers_of_every_pipeline(project):
    """It shows none where datasets of one layer lie before and behind those of another."""
    catalog = yaml.safe_load((project / "conf/base/catalog.yml").read_text())
    layers = {
        name: (dataset.get("metadata") or {}).get("kedro-viz", {}).get("layer")
        for name, dataset in catalog.items()
        if not name.startswith("_")  # a place
    }
    for pipeline in pipelines.values():
        before: dict[str, set[str]] = {}
        for node in pipeline.nodes:  # in an order in which they can run
            found = {layer for name in node.inputs for layer in before.get(name, set())}
            found |= {layers[name] for name in node.inputs if layers.get(name)}
            for name in node.outputs:
                before[name] = found
        graph: dict[str, set[str]] = {}
        for name, found in before.items():
            if layers.get(name):
                graph.setdefault(layers[name], set()).update(found - {layers[name]})
        assert list(TopologicalSorter(graph).static_order()) or not graph
