"""The cluster's life by the real command line, against moto's server.

Moto's clusters and steps never change their states: a stand-in for ``time.sleep`` moves them on.
"""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fruits_kedro.emr import aws
from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.request import cluster_request
from fruits_kedro.emr.submit import RunOptions, submit_arguments
from fruits_kedro.emr.upload import Uploaded

from .conftest import BUCKET, StandIn, put_results

PACKAGE = Uploaded("id", {"SHA256SUMS": "sums"}, "s3://my-bucket/package/id")


@pytest.fixture
def moves(monkeypatch, backend):
    """Each wait makes the next of the given moves on the newest cluster."""

    def arrange(*steps):
        todo = list(steps)

        now = [0.0]

        def sleep(seconds):
            now[0] += seconds
            if not todo:
                raise AssertionError("waited for ever")
            todo.pop(0)(backend()[-1])

        # Not the module's own: threads of other libraries wait with it.
        clock = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0])
        monkeypatch.setattr(aws, "time", clock)
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


def test_each_package_has_a_folder_of_its_own_and_sends_only_what_changed(emr, aws, small_package):
    first = small_package.id
    assert emr("package", "--json")["package"]["uploaded"] == 3
    assert emr("package", "--json")["package"]["uploaded"] == 0
    small_package.hashes["run.py"] = "another"
    (small_package.folder / "run.py").write_text("changed")
    assert emr("package", "--json")["package"]["uploaded"] == 1
    root = "fruits-kedro-emr/package"
    listed = aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=root)
    found = {
        entry["Key"]: aws("s3").get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        for entry in listed["Contents"]
    }
    latest = json.loads(found.pop(f"{root}/latest.json"))
    assert latest == {"id": small_package.id, "sha256": small_package.hashes}
    for name in ("bootstrap.sh", "SHA256SUMS"):  # copied within the bucket
        assert found.pop(f"{root}/{first}/{name}") == name.encode()
        assert found.pop(f"{root}/{small_package.id}/{name}") == name.encode()
    assert found == {
        f"{root}/{first}/run.py": b"run.py",
        f"{root}/{small_package.id}/run.py": b"changed",
    }


def test_up_asks_and_shows_the_cost(emr, aws):
    emr("package")
    output = emr("up", code=1, given="n\n")
    assert "1 x m6g.xlarge, 2 x c6g.2xlarge" in output
    assert "unknown: ask AWS by 'kedro emr prices'" in output
    assert aws("emr").list_clusters()["Clusters"] == []


def test_the_cluster_is_as_asked_for(running, aws, small_package):
    found = aws("emr").describe_cluster(ClusterId=running)["Cluster"]
    assert found["Name"] == "fruits-kedro" and found["ReleaseLabel"] == "emr-7.12.0"
    assert found["LogUri"] == f"s3://{BUCKET}/fruits-kedro-emr/logs/"
    assert found["ServiceRole"] == "fruits-kedro-emr-service"
    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags["fruits-kedro:cluster"] == "fruits-kedro" and tags["project"] == "fruits-kedro"
    assert tags["fruits-kedro:package"] == small_package.id
    assert tags["fruits-kedro:user"]
    assert found["SecurityConfiguration"] == "fruits-kedro-encryption"
    assert not found["Ec2InstanceAttributes"].get("Ec2KeyName")
    actions = aws("emr").list_bootstrap_actions(ClusterId=running)["BootstrapActions"]
    package = f"s3://{BUCKET}/fruits-kedro-emr/package/{small_package.id}"
    assert actions[0]["ScriptPath"] == f"{package}/bootstrap.sh"
    assert actions[0]["Args"] == [package, "3.11", "eu-west-3", "sha-of-SHA256SUMS"]
    kept = aws("emr").describe_security_configuration(Name="fruits-kedro-encryption")
    service = json.loads(kept["SecurityConfiguration"])["InstanceMetadataServiceConfiguration"]
    assert service["MinimumInstanceMetadataServiceVersion"] == 2
    groups = aws("emr").list_instance_groups(ClusterId=running)["InstanceGroups"]
    assert {(g["InstanceGroupType"], g["Market"], g["InstanceType"]) for g in groups} == {
        ("MASTER", "ON_DEMAND", "m6g.xlarge"),
        ("CORE", "ON_DEMAND", "c6g.2xlarge"),
    }


def test_a_cluster_of_an_older_package_takes_no_runs(running, emr, small_package):
    before = small_package.id
    small_package.hashes["run.py"] = "another"
    said = emr("submit", code=1)
    assert before in said and small_package.id in said and "kedro emr down" in said
    assert emr("submit", "--stale", "--json")["run"]["on"] == running


@pytest.mark.parametrize("spot", [0, 2])
def test_the_driver_is_on_no_spot_node(spot):
    settings = EmrContext.load("emr").settings
    task = settings.task.model_copy(update={"count": spot})
    request = cluster_request(settings.model_copy(update={"task": task}), PACKAGE, "me")
    properties = [c["Properties"] for c in request["Configurations"]]
    label = "yarn.node-labels.am.default-node-label-expression"
    assert [p[label] for p in properties] == (["ON_DEMAND"] if spot else [])


@pytest.mark.parametrize(("notebooks", "more"), [(False, set()), (True, {"JupyterHub", "Livy"})])
def test_notebooks_are_asked_for(emr, aws, change, notebooks, more):
    change(notebooks=notebooks)
    emr("package")
    cluster = emr("up", "--yes", "--json")["created"]["id"]
    found = aws("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Applications"]
    names = {application["Name"] for application in found}
    assert {"Spark", "Hadoop"} <= names and (names & {"JupyterHub", "Livy"}) == more


def test_a_second_cluster_is_refused(running, emr):
    assert f"is there already: {running}" in emr("up", "--yes", code=1)


def test_submit_and_watch(running, emr, aws, moves):
    made = emr("submit", "--params", "subset=mini", "--pipelines", "extraction", "--json")["run"]
    (step,) = aws("emr").list_steps(ClusterId=running)["Steps"]
    arguments = step["Config"]["Args"]
    assert made["id"] == step["Id"] and arguments[:3] == [
        "spark-submit",
        "--deploy-mode",
        "cluster",
    ]
    assert arguments[arguments.index("/opt/fruits-kedro/run.py") :] == [
        *("/opt/fruits-kedro/run.py", "--env", "emr", "--conf-source", "/opt/fruits-kedro/conf"),
        *("--pipelines", "extraction", "--params", "subset=mini"),
    ]
    assert "spark.executor.instances=3" in arguments and "spark.master=yarn" in arguments
    assert "spark.shuffle.service.enabled=false" in arguments
    for process in ("appMasterEnv", "executorEnv"):
        assert any(x.endswith(f"{process}.AWS_REGION=eu-west-3") for x in arguments)
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


def test_another_environment_and_store_reach_the_run_and_the_results(running, emr, aws, tmp_path):
    store = f"s3://{BUCKET}/elsewhere"
    aws("s3").put_object(Bucket=BUCKET, Key="elsewhere/08_reporting/model_info.json", Body=b"{}")
    emr("submit", "--env", "emr", "--params", f"store={store}")
    (step,) = aws("emr").list_steps(ClusterId=running)["Steps"]
    assert step["Config"]["Args"][-2:] == ["--params", f"store={store}"]
    fetched = emr("fetch", "--params", f"store={store}", "--output", str(tmp_path), "--json")
    assert fetched["fetched"]["from"] == store and fetched["fetched"]["files"] == 1
    arguments = submit_arguments(RunOptions({}, "staging"), "eu-west-3")
    assert arguments[arguments.index("--env") + 1] == "staging"


def test_a_step_that_fails(running, emr, moves):
    emr("submit")
    moves(step_to("RUNNING"), step_to("FAILED"))
    output = emr("watch", code=1)
    assert "has ended: FAILED" in output and "kedro emr logs" in output


def test_a_cluster_that_goes_while_a_step_runs(running, emr, moves):
    emr("submit")
    moves(step_to("RUNNING"), cluster_to("TERMINATED_WITH_ERRORS", "node gone"))
    assert "has gone: node gone" in emr("watch", code=1)


def refused(code, status=400):
    answer = {
        "Error": {"Code": code, "Message": "…"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "DescribeStep")


AWAY = {
    "network": EndpointConnectionError(endpoint_url="https://emr"),
    "throttled": refused("ThrottlingException"),
    "login": refused("ExpiredTokenException"),
    "service": refused("InternalFailure", 500),
}


@pytest.fixture
def away(monkeypatch):
    """Let DescribeStep raise so many errors, as if AWS did not answer."""

    def arrange(kind, times):
        left = [AWAY[kind]] * times

        def emr(self):
            client = real(self)

            def describe_step(**given):
                if left:
                    raise left.pop()
                return client.describe_step(**given)

            return StandIn(client, describe_step=describe_step)

        real = Aws.emr.func
        monkeypatch.setattr(Aws, "emr", property(emr))

    return arrange


@pytest.mark.parametrize("kind", AWAY)
def test_nine_minutes_without_an_answer_end_nothing(running, emr, moves, away, kind):
    emr("submit")
    away(kind, 6 * 9)
    moves(*[lambda _: None] * (6 * 9), step_to("COMPLETED"))
    output = emr("watch")
    assert "AWS does not answer" in output and "COMPLETED" in output


def test_after_ten_minutes_a_run_goes_on_unwatched(emr, aws, moves, away):
    away("login", 1000)
    moves(*[lambda _: None] * 61)
    output = emr("run", "--yes", "--params", "subset=mini", code=3)
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert f"The cluster {cluster['Id']} goes on without being watched" in output
    (step,) = aws("emr").list_steps(ClusterId=cluster["Id"])["Steps"]
    assert f"kedro emr watch --env emr --params subset=mini --run {step['Id']}" in output
    assert cluster["Status"]["State"] == "RUNNING"


def test_an_error_that_is_no_failure_of_the_run_ends_nothing(emr, aws, moves):
    key = "fruits-kedro/08_reporting/progress.json"

    def broken(cluster):
        step_to("RUNNING")(cluster)
        aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b"{")

    moves(broken)
    assert "cannot be watched" in emr("run", "--yes", code=3)
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert cluster["Status"]["State"] == "RUNNING"


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


def test_down_shows_asks_and_is_idempotent(running, emr, aws):
    asked = emr("down", code=1, given="n\n")
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert f"{running} (WAITING), of " in asked and cluster["Status"]["State"] == "WAITING"
    assert emr("down", "--yes", "--json")["ended"] == [running]
    again = emr("down", "--json")
    assert again["ended"] == [] and "No cluster fruits-kedro is running" in again["left"]


def test_run_is_the_whole_cycle(emr, aws, moves, tmp_path, with_prices):
    put_results(aws)
    moves(step_to("RUNNING"), step_to("COMPLETED"))
    output = emr("run", "--output", str(tmp_path / "out"), given="y\n")
    # 0.25 + 2 x 0.4, and three nodes' disks and addresses
    assert "about 1.09 USD an hour" in output
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


@pytest.mark.parametrize("answer", ["y\n", "n\n"])
def test_run_spares_a_cluster_that_it_did_not_create(running, emr, aws, answer):
    output = emr("run", code=1, given=answer)
    assert ("is there already" in output) == (answer == "y\n")
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert (cluster["Id"], cluster["Status"]["State"]) == (running, "WAITING")


def test_run_keeps_the_cluster_if_asked(emr, aws, moves):
    moves(step_to("FAILED"))
    assert "is kept: 'kedro emr down' ends it" in emr("run", "--yes", "--keep", code=1)
    (cluster,) = aws("emr").list_clusters()["Clusters"]
    assert cluster["Status"]["State"] in ("WAITING", "RUNNING")
