"""The cluster's life by the real command line, against moto's server.

Moto's clusters and steps never change their states: a stand-in for ``time.sleep`` moves them on.
"""

import gzip
import json
from datetime import UTC, datetime

import pytest

from fruits_kedro.emr import cli

from .conftest import BUCKET, KEY, SECRET


@pytest.fixture
def moves(monkeypatch, backend):
    """Each wait makes the next of the given moves on the newest cluster."""

    def arrange(*steps):
        todo = list(steps)

        def sleep(_):
            if not todo:
                raise AssertionError("waited for ever")
            todo.pop(0)(backend()[-1])

        monkeypatch.setattr(cli.time, "sleep", sleep)
        return todo

    return arrange


def cluster_to(state, reason=""):
    def move(cluster):
        cluster.state = state
        cluster.last_state_change_reason = reason

    return move


def step_to(state):
    def move(cluster):
        cluster.steps[-1].state = state

    return move


@pytest.fixture
def running(emr):
    emr("package")
    return emr("up", "--yes", "--json")["cluster"]["id"]


def test_package_uploads_only_what_changed(emr, aws, small_package, monkeypatch):
    assert emr("package", "--json")["package"]["uploaded"] == 3
    assert emr("package", "--json")["package"]["uploaded"] == 0
    small_package.hashes["run.py"] = "another"
    del small_package.hashes["conf.tar.gz"]
    assert emr("package", "--json")["package"]["uploaded"] == 1
    listed = aws("s3").list_objects_v2(Bucket=BUCKET, Prefix="fruits-kedro-emr/package")
    names = {entry["Key"].rpartition("/")[2] for entry in listed["Contents"]}
    assert names == {"bootstrap.sh", "run.py", "manifest.json"}


def test_up_asks_and_shows_the_cost(emr, aws):
    emr("package")
    output = emr("up", code=1, given="n\n")
    assert "1 x m6g.xlarge, 2 x c6g.2xlarge" in output and "USD an hour" in output
    assert aws("emr").list_clusters()["Clusters"] == []


def test_the_cluster_is_as_asked_for(running, aws, small_package):
    found = aws("emr").describe_cluster(ClusterId=running)["Cluster"]
    assert found["Name"] == "fruits-kedro" and found["ReleaseLabel"] == "emr-7.12.0"
    assert found["LogUri"] == f"s3://{BUCKET}/fruits-kedro-emr/logs/"
    assert found["ServiceRole"] == "fruits-kedro-emr-service"
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags["fruits-kedro:cluster"] == "fruits-kedro" and tags["project"] == "fruits-kedro"
    assert tags["fruits-kedro:package"] == small_package.id
    assert found["SecurityConfiguration"] == "fruits-kedro-encryption"
    assert not found["Ec2InstanceAttributes"].get("Ec2KeyName")
    actions = aws("emr").list_bootstrap_actions(ClusterId=running)["BootstrapActions"]
    package = f"s3://{BUCKET}/fruits-kedro-emr/package"
    assert actions[0]["ScriptPath"] == f"{package}/bootstrap.sh"
    assert actions[0]["Args"] == [package, "3.11"]
    groups = aws("emr").list_instance_groups(ClusterId=running)["InstanceGroups"]
    assert {(g["InstanceGroupType"], g["Market"], g["InstanceType"]) for g in groups} == {
        ("MASTER", "ON_DEMAND", "m6g.xlarge"),
        ("CORE", "ON_DEMAND", "c6g.2xlarge"),
    }


def test_a_second_cluster_is_refused(running, emr):
    assert f"is there already: {running}" in emr("up", "--yes", code=1)


def test_submit_and_watch(running, emr, aws, moves):
    made = emr("submit", "--params", "subset=mini", "--pipeline", "extraction", "--json")["step"]
    (step,) = aws("emr").list_steps(ClusterId=running)["Steps"]
    arguments = step["Config"]["Args"]
    assert made["id"] == step["Id"] and arguments[:3] == [
        "spark-submit",
        "--deploy-mode",
        "cluster",
    ]
    assert arguments[arguments.index("/opt/fruits-kedro/run.py") :] == [
        *("/opt/fruits-kedro/run.py", "--env", "emr", "--conf-source", "/opt/fruits-kedro/conf"),
        *("--pipeline", "extraction", "--params", "subset=mini"),
    ]
    assert "spark.executor.instances=3" in arguments and "spark.master=yarn" in arguments
    assert not any("access" in x.lower() or "jars" in x for x in arguments)

    def half_done(cluster):
        step_to("RUNNING")(cluster)
        written = {"what": "extracting features", "done": 600, "total": 1200, "images_per_s": 10}
        written["written_at"] = datetime.now(UTC).isoformat()
        key = "fruits-kedro/08_reporting/progress.json"
        aws("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(written).encode())

    left = moves(half_done, step_to("COMPLETED"))
    output = emr("watch")
    assert "600 of 1,200 at 10/s, 1 min left" in output and "COMPLETED" in output and not left


def test_a_step_that_fails(running, emr, moves):
    emr("submit")
    moves(step_to("RUNNING"), step_to("FAILED"))
    output = emr("watch", code=1)
    assert "has ended: FAILED" in output and "kedro emr logs" in output


def test_a_cluster_that_goes_while_a_step_runs(running, emr, moves):
    emr("submit")
    moves(step_to("RUNNING"), cluster_to("TERMINATED_WITH_ERRORS", "node gone"))
    assert "has gone while the step was RUNNING: node gone" in emr("watch", code=1)


def test_a_bootstrap_that_fails(emr, backend, moves, monkeypatch):
    from moto.emr.models import Cluster

    emr("package")
    started = Cluster.run_bootstrap_actions
    monkeypatch.setattr(
        Cluster,
        "run_bootstrap_actions",
        lambda self: (started(self), cluster_to("STARTING")(self)),
    )
    moves(
        cluster_to("BOOTSTRAPPING"),
        cluster_to("TERMINATED_WITH_ERRORS", "bootstrap action 1 failed"),
    )
    output = emr("up", "--yes", code=1)
    assert "becoming ready: bootstrap action 1 failed" in output and "kedro emr logs" in output


def test_down_is_idempotent(running, emr):
    assert emr("down", "--json")["ended"] == [running]
    again = emr("down", "--json")
    assert again["ended"] == [] and "No cluster fruits-kedro is running" in again["left"]


def put_results(aws, names):
    for name in names:
        aws("s3").put_object(Bucket=BUCKET, Key=f"fruits-kedro/{name}", Body=b"x")


RESULTS = [
    "02_intermediate/class_counts.csv",
    "04_feature/extracted_features/_SUCCESS",
    "04_feature/extracted_features/part-0.parquet",
    "08_reporting/model_info.json",
]


def test_run_is_the_whole_cycle(emr, aws, moves, tmp_path):
    put_results(aws, RESULTS)
    moves(step_to("RUNNING"), step_to("COMPLETED"))
    emr("run", "--yes", "--output", str(tmp_path / "out"))
    assert (tmp_path / "out" / "08_reporting" / "model_info.json").is_file()
    assert not (tmp_path / "out" / "04_feature" / "extracted_features").exists()
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert cluster["Status"]["State"] == "TERMINATED"


@pytest.mark.parametrize("how", ["interrupt", "failure"])
def test_run_ends_the_cluster_whatever_happens(emr, aws, moves, how):
    def interrupt(_):
        raise KeyboardInterrupt

    moves(step_to("RUNNING"), interrupt if how == "interrupt" else step_to("FAILED"))
    output = emr("run", "--yes", code=1)
    assert "No cluster" in output or ("Interrupted" if how == "interrupt" else "FAILED") in output
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert cluster["Status"]["State"] == "TERMINATED"


def test_run_keeps_the_cluster_if_asked(emr, aws, moves):
    moves(step_to("FAILED"))
    assert "The cluster is kept" in emr("run", "--yes", "--keep", code=1)
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert cluster["Status"]["State"] in ("WAITING", "RUNNING")


def test_fetch_takes_complete_datasets_only(emr, aws, tmp_path):
    put_results(aws, RESULTS)
    stale = tmp_path / "04_feature" / "extracted_features" / "part-old.parquet"
    stale.parent.mkdir(parents=True)
    stale.touch()
    assert emr("fetch", "--output", str(tmp_path), "--json")["fetched"]["files"] == 4
    assert not stale.exists() and (stale.parent / "part-0.parquet").read_bytes() == b"x"
    aws("s3").delete_object(Bucket=BUCKET, Key=f"fruits-kedro/{RESULTS[1]}")
    assert "is not complete" in emr("fetch", "--output", str(tmp_path), code=1)
    assert (
        emr("fetch", "--output", str(tmp_path), "--reports-only", "--json")["fetched"]["files"] == 2
    )


def put_log(aws, cluster, name, text):
    key = f"fruits-kedro-emr/logs/{cluster}/{name}"
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text.encode()))


TRACEBACK = """Traceback (most recent call last):
  File "/mnt/run.py", line 5, in <module>
    main()

  File "x.py", line 1, in main
ValueError: planted
"""


def test_logs_show_the_traceback_first(running, emr, aws):
    step = emr("submit", "--json")["step"]["id"]
    assert "There are no logs" in emr("logs", code=1)
    put_log(
        aws, running, f"steps/{step}/stderr.gz", "tracking application_17_0001 (state: FAILED)\n"
    )
    folder = "containers/application_17_0001/container_17_0001_01_000001"
    put_log(aws, running, f"{folder}/stdout.gz", f"24/01/01 INFO x\n{TRACEBACK}24/01/01 INFO y\n")
    put_log(aws, running, "containers/application_99_0001/c/stderr.gz", TRACEBACK)
    found = emr("logs", "--json")
    assert [error["says"] for error in found["errors"]] == [TRACEBACK.strip()]
    assert found["errors"][0]["in"].endswith(f"{folder}/stdout.gz")
    assert len(found["logs"]) == 2
    assert emr("logs").index("ValueError: planted") < emr("logs").index("stderr.gz")


def test_logs_of_a_failed_bootstrap(running, emr, aws):
    emr("down")
    text = "x\nBOOTSTRAP FAILED: comparing hashes (line 22, exit 1)\n"
    put_log(aws, running, "node/i-1/bootstrap-actions/1/stderr.gz", text)
    found = emr("logs", "--json")["errors"]
    assert [error["says"] for error in found] == [text.splitlines()[1]]


def test_clean_shows_asks_and_spares_the_results(running, emr, aws):
    put_results(aws, RESULTS)
    put_log(aws, running, "steps/s-1/stderr.gz", "x")
    aws("s3").create_multipart_upload(Bucket=BUCKET, Key="fruits-kedro/half")
    output = emr("clean", code=1, given="n\n")
    assert "logs: 1 objects" in output and "1 unfinished uploads" in output
    assert emr("clean", "--yes", "--json")["deleted"] == {"objects": 5, "uploads": 1}
    left = [e["Key"] for e in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert sorted(left) == sorted(
        ["fruits-360/Training/Apple 1/a.jpg", *(f"fruits-kedro/{name}" for name in RESULTS)]
    )


def test_cost_of_a_cluster(running, emr, backend):
    cluster = backend()[-1]
    cluster.creation_datetime = datetime(2026, 1, 1, 10, 0, tzinfo=UTC)
    cluster.end_datetime = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    found = emr("cost", "--json")["cost"]
    assert found["hours"] == 2.5
    disk = 64 * 0.0928 / 730
    assert found["primary"] == round(2.5 * (0.18 + 0.045 + disk), 2)
    assert found["core"] == round(2.5 * 2 * (0.3232 + 0.0808 + disk), 2)
    assert found["total"] == pytest.approx(found["primary"] + found["core"], abs=0.011)


def test_nothing_that_was_uploaded_holds_a_key(running, emr, aws):
    emr("submit")
    for entry in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]:
        content = aws("s3").get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        assert KEY.encode() not in content and SECRET.encode() not in content
