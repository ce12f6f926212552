"""EMR Serverless by the real command line, against moto's server.

Moto's job runs are good at once: a test that wants another state sets it.
"""

from types import SimpleNamespace

import pytest

from fruits_kedro.emr import aws as emr_aws

from .conftest import BUCKET, put_results

ROLE = "arn:aws:iam::123456789012:role/fruits-kedro-emr-jobs"


@pytest.fixture
def serverless(emr):
    """``kedro emr … --on serverless``."""

    def invoke(*arguments, **given):
        return emr(*arguments, "--on", "serverless", **given)

    invoke("package")
    return invoke


@pytest.fixture
def backend():
    from moto.emrserverless.models import emrserverless_backends

    return lambda: emrserverless_backends["123456789012"]["eu-west-3"]


@pytest.fixture
def states(monkeypatch, backend):
    """The states of a job run, one at each wait."""

    def arrange(*names, details=None):
        from moto.emrserverless import models

        monkeypatch.setattr(models, "JOB_STATUS", names[0])
        left = list(names[1:])

        def sleep(_):
            if left:
                (runs,) = backend().job_runs.values()
                runs[-1].state, runs[-1].state_details = left.pop(0), details

        monkeypatch.setattr(emr_aws, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: 0.0))

    return arrange


def test_up_creates_an_application_with_a_cap(serverless, aws):
    made = serverless("up", "--yes", "--json")["created"]["id"]
    found = aws("emr-serverless").get_application(applicationId=made)["application"]
    assert (found["name"], found["releaseLabel"]) == ("fruits-kedro", "emr-7.12.0")
    assert found["maximumCapacity"] == {"cpu": "32 vCPU", "memory": "62 GB", "disk": "160 GB"}
    assert found["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 5}
    assert found["tags"]["fruits-kedro:cluster"] == "fruits-kedro"
    assert f"is there already: {made}" in serverless("up", "--yes", code=1)


def test_a_run_gets_the_package_the_role_and_the_sizes(serverless, aws, small_package):
    application = serverless("up", "--yes", "--json")["created"]["id"]
    run = serverless("submit", "--params", "subset=mini", "--json")["run"]["id"]
    found = aws("emr-serverless").get_job_run(applicationId=application, jobRunId=run)["jobRun"]
    assert found["executionRole"] == ROLE
    driver = found["jobDriver"]["sparkSubmit"]
    package = f"s3://{BUCKET}/fruits-kedro-serverless/package/{small_package.id}"
    assert driver["entryPoint"] == f"{package}/run.py"
    assert driver["entryPointArguments"] == [
        *("--env", "serverless", "--conf-source", "environment/conf", "--params", "subset=mini")
    ]
    words = driver["sparkSubmitParameters"].split(" ")
    conf = dict(word.split("=", 1) for word in words[1::2])
    assert set(words[::2]) == {"--conf"}
    assert conf["spark.archives"] == f"{package}/environment.tar.gz#environment"
    python = "./environment/bin/python"
    assert conf["spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON"] == python
    assert conf["spark.executorEnv.PYSPARK_PYTHON"] == python
    assert conf["spark.executorEnv.AWS_REGION"] == "eu-west-3"
    assert conf["spark.emr-serverless.driverEnv.DO_NOT_TRACK"] == "1"
    assert (conf["spark.executor.instances"], conf["spark.executor.cores"]) == ("6", "4")
    assert not any("yarn" in name or name == "spark.master" for name in conf)
    logs = found["configurationOverrides"]["monitoringConfiguration"]["s3MonitoringConfiguration"]
    assert logs == {"logUri": f"s3://{BUCKET}/fruits-kedro-serverless/logs/"}


def test_run_is_the_whole_cycle_with_its_bill(
    serverless, aws, backend, states, with_prices, tmp_path, monkeypatch
):
    from moto.emrserverless.models import JobRun

    put_results(aws)
    states("RUNNING", "SUCCESS")
    hours = {"vCPUHour": 10.0, "memoryGBHour": 20.0, "storageGBHour": 0.0}
    start = JobRun.__init__

    def billed(self, *args, **kwargs):
        start(self, *args, **kwargs)
        self.billed_resource_utilization = hours

    monkeypatch.setattr(JobRun, "__init__", billed)
    out = tmp_path / "out"
    found = serverless("run", "--yes", "--output", str(out), "--json")
    assert found["run"]["state"] == "SUCCESS"
    assert (out / "08_reporting" / "model_info.json").is_file()
    assert found["cost"]["total"] == round(10 * 0.06 + 20 * 0.007, 2)
    (application,) = backend().applications.values()
    assert application.state == "TERMINATED"
    assert "No application fruits-kedro is running" in serverless("down", "--json")["left"]


@pytest.mark.parametrize("how", ["interrupt", "failure"])
def test_an_application_that_was_there_stays_and_only_the_run_ends(
    serverless, backend, states, monkeypatch, how
):
    made = serverless("up", "--yes", "--json")["created"]["id"]
    states("RUNNING", "FAILED", details="no memory")
    if how == "interrupt":

        def interrupt(_):
            raise KeyboardInterrupt

        monkeypatch.setattr(
            emr_aws, "time", SimpleNamespace(sleep=interrupt, monotonic=lambda: 0.0)
        )
    output = serverless("run", "--yes", code=1)
    assert "stays: it was there before" in output
    assert ("no memory" in output) == (how == "failure")
    (run,) = backend().job_runs[made]
    assert run.state == ("CANCELLED" if how == "interrupt" else "FAILED")
    assert backend().applications[made].state == "STARTED"


def test_logs_of_a_job_run(serverless, aws):
    application = serverless("up", "--yes", "--json")["created"]["id"]
    run = serverless("submit", "--json")["run"]["id"]
    text = "Traceback (most recent call last):\n  File 'x'\nValueError: planted\n"
    key = f"fruits-kedro-serverless/logs/applications/{application}/jobs/{run}/SPARK_DRIVER/stderr"
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())
    (error,) = serverless("logs", "--json")["errors"]
    assert error["says"].endswith("ValueError: planted") and "SPARK_DRIVER" in error["in"]


def test_a_setting_that_aws_would_split(serverless, emr, monkeypatch):
    monkeypatch.setattr("fruits_kedro.emr.submit.node_environment", lambda _: {"X": "a b"})
    monkeypatch.setattr("fruits_kedro.emr.serverless.node_environment", lambda _: {"X": "a b"})
    serverless("up", "--yes")
    assert "spark.executorEnv.X" in serverless("submit", code=1)


def test_clean_waits_for_runs_and_not_for_an_idle_application(serverless, states):
    made = serverless("up", "--yes", "--json")["created"]["id"]
    states("RUNNING")
    run = serverless("submit", "--json")["run"]["id"]
    assert f"the run {run} on {made}" in serverless("clean", "--yes", code=1)
    states("SUCCESS")
    serverless("submit")


def test_a_bill_that_is_not_there_yet(serverless, with_prices, states):
    serverless("up", "--yes")
    states("RUNNING")
    run = serverless("submit", "--json")["run"]["id"]
    found = serverless("cost", "--run", run, "--json")["cost"]
    assert found["runs"] == 1 and found["total"] == 0  # moto reports zero hours


def test_down_cancels_runs_before_it_deletes(serverless, backend, states):
    made = serverless("up", "--yes", "--json")["created"]["id"]
    states("RUNNING")
    serverless("submit")
    assert serverless("down", "--yes", "--json")["ended"] == [made]
    (run,) = backend().job_runs[made]
    assert (run.state, backend().applications[made].state) == ("CANCELLED", "TERMINATED")


def test_checks(serverless, backend, quotas):
    rows = {row["check"]: row for row in serverless("check", "--json")["checks"]}
    assert {row[""] for row in rows.values()} == {"ok"}
    assert (
        rows["vCPU quota"]["found"].startswith("26 of 64")
        and "none yet" in rows["application"]["found"]
    )
    assert rows["job role"]["found"] == ROLE
    serverless("up", "--yes")
    (application,) = backend().applications.values()
    application.release_label = "emr-7.10.0"
    application.maximum_capacity = {"cpu": "64 vCPU", "memory": "512 GB"}
    quotas["L-D05C8A75"] = 16.0
    rows = serverless("check", "--json", code=1)["checks"]
    faults = {row["check"]: row["found"] for row in rows if row[""] == "FAILED"}
    assert "releaseLabel is emr-7.10.0, not emr-7.12.0" in faults["application"]
    assert "its cap is 64 vCPU, and max_vcpu 32" in faults["application"]
    assert "this account may use 16" in faults["vCPU quota"] and len(faults) == 2


def test_plan_shows_both_and_the_cheaper_one(emr, with_prices):
    found = emr("plan", "--images", "100000", "--json")
    rows = {row["what"]: row for row in found["100,000 photos"]}
    assert rows["photos/s"] == {"what": "photos/s", "cluster": 840, "serverless": 1680}
    assert rows["in all"]["serverless"] < rows["in all"]["cluster"]
    assert "serverless is cheaper for 100,000 photos" in found["notes"]


def test_plan_without_prices_says_so(emr):
    found = emr("plan", "--images", "100000", "--json")
    assert "The cost is unknown: ask AWS by 'kedro emr prices'" in found["notes"]
    assert "in all" not in {row["what"] for row in found["100,000 photos"]}
