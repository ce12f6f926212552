"""Machines as people have them: the main job runs, or one line says what to do."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from fruits_kedro.commands.sample import write_sample

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    sum(write_sample(root, classes=3, images=8, seed=0, broken=0))
    return root


@pytest.fixture
def kedro(photos, project, tmp_path):
    """``kedro run`` in a process of its own; gives the exit code and what it said."""

    def run(store="store", before="", cwd=project, **environment):
        params = f"images={photos},store={tmp_path / store},extraction.weights=embedded"
        command = [sys.executable, "-m", "kedro", "run", "--params", params]
        shell = ["sh", "-c", f'{before} "$@"', "sh", *command]
        names = {**os.environ, "KEDRO_ENV": "test", "DO_NOT_TRACK": "1", **environment}
        names = {name: value for name, value in names.items() if value is not None}
        done = subprocess.run(
            shell, cwd=cwd, env=names, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300
        )
        return done.returncode, done.stdout.decode(errors="replace")

    return run


def refused(code, said):
    """The message of a run that ended at once."""
    message = said[said.rindex("Error: ") :]
    assert code == 1 and len(message.splitlines()) <= 3
    assert "Traceback" not in said and "\tat " not in said
    return message


def features(store):
    return json.loads((store / "08_reporting/model_info.json").read_text())["counts"]["features"]


def test_what_other_projects_and_clusters_left_in_the_shell(kedro, tmp_path):
    site = "<configuration><property><name>fs.defaultFS</name><value>hdfs://nowhere.invalid"
    site += "</value></property></configuration>"
    (tmp_path / "hadoop").mkdir()
    (tmp_path / "hadoop/core-site.xml").write_text(site)
    (tmp_path / "spark").mkdir()
    logs = "spark.eventLog.enabled true\nspark.eventLog.dir hdfs://nowhere.invalid/logs\n"
    (tmp_path / "spark/spark-defaults.conf").write_text(logs)
    (tmp_path / "home/.keras").mkdir(parents=True)
    keras = {"image_data_format": "channels_first", "backend": "torch", "floatx": "float16"}
    (tmp_path / "home/.keras/keras.json").write_text(json.dumps(keras))
    one_core = "taskset -c 0" if shutil.which("taskset") else ""
    code, said = kedro(
        "résultats",
        before=f"umask 077; exec {one_core}",
        HADOOP_CONF_DIR=str(tmp_path / "hadoop"),
        SPARK_CONF_DIR=str(tmp_path / "spark"),
        SPARK_HOME="/opt/another-spark",
        PYSPARK_PYTHON="/nonexistent/python",
        PYTHONPATH=str(tmp_path),
        HOME=str(tmp_path / "home"),
        XDG_CACHE_HOME=str(tmp_path / "cache"),  # empty: the weights are converted by Keras
        KERAS_BACKEND="torch",
        LC_ALL="C",
        JAVA_TOOL_OPTIONS="-Dx=y",
    )
    assert code == 0, said[-3000:]
    assert features(tmp_path / "résultats") == 24
    assert "SPARK_HOME, SPARK_CONF_DIR, HADOOP_CONF_DIR, PYSPARK_PYTHON" in " ".join(said.split())


def test_no_home_no_room_for_temporary_files_and_no_screen(kedro, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,noexec", "tmpfs", str(full)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        (full / "x").write_bytes(bytes(65536))
        before = "exec <&- >&- 2>&-;"
        code, _ = kedro(before=before, HOME="/proc/sys", TMPDIR=str(full), LANG="xx_YY.UTF-8")
        assert code == 0 and features(tmp_path / "store") == 24
    finally:
        subprocess.run(["umount", "-l", str(full)], check=True)


def test_a_shell_that_allows_few_open_files(kedro):
    code, said = kedro(before="ulimit -n 256;")
    assert "allows 256 open files, and Spark needs 512" in refused(code, said)


def test_a_user_without_a_name(kedro):
    as_nobody = "unshare -U --map-user=54321 --map-group=54321"
    if subprocess.run([*as_nobody.split(), "true"], capture_output=True).returncode != 0:
        pytest.skip("needs user namespaces")
    code, said = kedro(before=f"unset HOME; exec {as_nobody}")
    assert "The user 54321 has no name on this machine" in refused(code, said)


def test_a_project_in_a_folder_with_a_bracket(kedro, project, tmp_path):
    copy = tmp_path / "[old] project"
    ignored = shutil.ignore_patterns(".*", "data", "build", "tests")
    shutil.copytree(project, copy, ignore=ignored)
    (copy / "conf/local").mkdir(exist_ok=True)
    code, said = kedro(cwd=copy)
    assert "has a bracket, * or ? in its name" in refused(code, said)
