"""Kedro's own commands on this project, and every environment's configuration."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("env", sorted(p.name for p in (ROOT / "conf").iterdir() if p.is_dir()))
def test_the_catalog_of_every_environment_resolves(env):
    with KedroSession.create(ROOT, env=env) as session:
        catalog = session.load_context().catalog
    used = {name for pipeline in pipelines.values() for name in pipeline.datasets()}
    missing = {n for n in used if not n.startswith("params:")} - set(catalog.keys())
    assert missing == {"images_to_extract", "most_components", "photo_counts"}  # kept in memory


@pytest.mark.parametrize(
    ("images", "store"),
    [("s3://bucket/photos", "/tmp/out"), ("s3://bucket//photos/", "file:///tmp//out/")],
)
def test_places_can_be_given_for_one_run(images, store):
    params = {"images": images, "store": store}
    with KedroSession.create(ROOT, env="test", runtime_params=params) as session:
        catalog = session.load_context().catalog
    assert catalog["raw_images"]._describe() == {"filepath": "s3://bucket/photos"}
    assert catalog["model_info"]._describe()["filepath"].as_posix().startswith("/tmp/out/")


@pytest.fixture
def kedro_with_java_trap(tmp_path):
    """Runs a command of Kedro's where Java only leaves a note that it was started."""
    trap = tmp_path / "bin" / "java"
    trap.parent.mkdir()
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    trap.chmod(0o755)
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.1"\n')
    environment = os.environ | {"JAVA_HOME": str(tmp_path), "KEDRO_ENV": "base"}
    environment.pop("PYSPARK_SUBMIT_ARGS", None)

    def run(*command):
        done = subprocess.run(
            [sys.executable, "-m", "kedro", *command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done, (tmp_path / "started").exists()

    return run


@pytest.mark.parametrize(
    "command",
    [
        ["registry", "list"],
        ["catalog", "describe-datasets"],
        ["run", "--help"],
        ["viz", "build"],
        ["emr", "plan", "--images", "9"],
    ],
    ids=" ".join,
)
def test_no_java_starts(command, kedro_with_java_trap):
    done, started = kedro_with_java_trap(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ERROR" not in done.stdout  # with which Kedro-Viz ends well
    assert not started


def test_no_command_waits_for_heavy_packages():
    heavy = ["sklearn", "tensorflow", "xgboost"]
    code = f"import sys, fruits_kedro.pipeline_registry; print(set({heavy}) & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr


def test_help_imports_no_spark_and_no_plots():
    heavy = ["pandas", "plotly", "pyspark", "tensorflow"]
    code = f"""
import sys, fruits_kedro.settings, fruits_kedro.cli
print(set({heavy}) & set(sys.modules))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "set()", done.stderr
