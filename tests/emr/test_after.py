"""What comes after a run: results, logs, deletion and the bill."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from fruits_kedro.emr import clean, logs

from .conftest import BUCKET, KEY, RESULTS, SECRET, put_results


def test_fetch_takes_complete_datasets_only(emr, aws, tmp_path):
    put_results(aws)
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


def test_fetch_replaces_no_results_of_other_photos(aws, emr, tmp_path):
    put_results(aws)
    key = "fruits-kedro/02_intermediate/input_root.json"
    aws("s3").put_object(Bucket=BUCKET, Key=key, Body=b'{"images": "s3://x/photos"}')
    out = tmp_path / "out"
    root = out / "02_intermediate/input_root.json"
    root.parent.mkdir(parents=True)
    root.write_text('{"images": "/my/photos"}')
    refused = emr("fetch", "--output", str(out), code=1)
    assert "results of the photos in /my/photos" in refused
    assert [p for p in out.rglob("*") if p.is_file()] == [root]
    root.write_text('{"images": "s3://x/photos"}')
    emr("fetch", "--output", str(out))


def test_fetch_takes_the_files_of_the_last_job_only(aws, emr, tmp_path):
    dataset = "fruits-kedro/04_feature/extracted_features"
    one, two = (f"part-00000-{job}-c000.snappy.parquet" for job in ("0a-b1", "9f-e8"))
    mark = json.dumps({"files": [two]}).encode()
    for name, body in {one: b"1", two: b"2", "_SUCCESS": mark}.items():
        aws("s3").put_object(Bucket=BUCKET, Key=f"{dataset}/{name}", Body=body)
    for name in (
        ".lock",
        "01_raw/packed_images.parquet/part-0.parquet",
        "04_feature/extraction_checkpoint/x-00000-00000.parquet",
    ):
        aws("s3").put_object(Bucket=BUCKET, Key=f"fruits-kedro/{name}", Body=b"x")
    out = tmp_path / "out"
    emr("fetch", "--output", str(out))
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    folder = "04_feature/extracted_features"
    assert found == [f"{folder}/_SUCCESS", f"{folder}/{two}"]


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
    step = emr("submit", "--json")["run"]["id"]
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


def test_logs_of_a_failed_bootstrap(running, emr, aws, monkeypatch):
    monkeypatch.setattr("fruits_kedro.emr.logs._MAX_FILES", 2)
    emr("down", "--yes")
    text = "x\nBOOTSTRAP FAILED: comparing hashes (line 22, exit 1)\n"
    for i in range(3):  # more than are read
        put_log(aws, running, f"node/i-0/applications/{i}.gz", "x")
    put_log(aws, running, "node/i-1/bootstrap-actions/1/stderr.gz", text)
    found = emr("logs", "--json")["errors"]
    assert [error["says"] for error in found] == [text.splitlines()[1]]


def test_a_huge_log_is_read_from_its_end(running, emr, aws, monkeypatch):
    monkeypatch.setattr(logs, "_MAX_BYTES", 2 * 2**20)
    step = emr("submit", "--json")["run"]["id"]
    put_log(aws, running, f"steps/{step}/stderr.gz", "x" * 5 * 2**20 + "\n" + TRACEBACK)
    assert len(logs._unpacked_end(gzip.compress(b"x" * 5 * 2**20))) == 2 * 2**20
    assert [error["says"] for error in emr("logs", "--json")["errors"]] == [TRACEBACK.strip()]


def unfinished(aws):
    found = aws("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return {upload["Key"] for upload in found}


def test_clean_shows_asks_and_spares_the_results(running, emr, aws):
    put_results(aws)
    put_log(aws, running, "steps/s-1/stderr.gz", "x")
    for key in ("fruits-kedro/of-a-run", "of-somebody", "fruits-kedro-emr/package/half"):
        aws("s3").create_multipart_upload(Bucket=BUCKET, Key=key)
    assert f"the cluster {running} (WAITING)" in emr("clean", "--yes", code=1)
    emr("down", "--yes")
    output = emr("clean", code=1, given="n\n")
    assert "logs: 1 objects" in output and "package: 1 unfinished uploads" in output
    assert emr("clean", "--yes", "--json")["deleted"] == {"objects": 5, "uploads": 1}
    left = [e["Key"] for e in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert unfinished(aws) == {"fruits-kedro/of-a-run", "of-somebody"}
    assert sorted(left) == sorted(
        ["fruits-360/Training/Apple 1/a.jpg", *(f"fruits-kedro/{name}" for name in RESULTS)]
    )


def test_clean_leaves_an_upload_of_today(emr, aws, monkeypatch):
    key = "fruits-kedro-emr/package/half"
    aws("s3").create_multipart_upload(Bucket=BUCKET, Key=key)
    # Moto says 2010 of each: half a day before that, it is young.
    before = datetime(2010, 11, 11, 8, tzinfo=UTC)
    monkeypatch.setattr(clean, "datetime", SimpleNamespace(now=lambda _: before))
    assert emr("clean", "--yes", "--json")["deleted"] == {"objects": 0, "uploads": 0}
    assert unfinished(aws) == {key}


def test_clean_believes_no_deletion_that_failed(emr, aws, stand_in):
    emr("package")
    error = {"Key": "fruits-kedro-emr/package/x", "Code": "AccessDenied", "Message": "no"}
    stand_in("s3", delete_objects=lambda **_: {"Errors": [error]})
    assert "1 objects were not deleted, such as" in emr("clean", "--yes", code=1)


def test_cost_of_a_cluster_counts_each_node_from_its_start_to_its_end(
    running, emr, backend, with_prices, monkeypatch
):
    from moto.emr.models import Instance

    cluster = backend()[-1]
    start, end = (datetime(2026, 1, 1, *time, tzinfo=UTC) for time in ((10, 0), (12, 30)))
    cluster.creation_datetime, cluster.end_datetime = start, end
    cores = [one.id for one in cluster.ec2_instances if one.instance_group.role == "CORE"]

    def status(node):  # moto gives nodes no times
        gone = {"EndDateTime": start + timedelta(hours=1)} if node.id == cores[0] else {}
        return {"State": "RUNNING", "Timeline": {"CreationDateTime": start, **gone}}

    monkeypatch.setattr(Instance, "status", property(status), raising=False)
    found = emr("cost", "--json")["cost"]
    assert found["hours"] == 2.5
    node = (64 + 30) * 0.073 / 730 + 0.005
    assert found["primary"] == round(2.5 * (0.25 + node), 2)
    assert found["core"] == round((1 + 2.5) * (0.4 + node), 2)
    assert found["total"] == pytest.approx(found["primary"] + found["core"], abs=0.011)


def test_cost_without_prices_says_how_to_get_them(running, emr):
    assert "kedro emr prices" in emr("cost", code=1)


def test_the_first_cell_of_a_notebook_and_the_way_there(emr, aws, change):
    assert "notebooks: true" in emr("notebook", code=1)
    change(notebooks=True)
    emr("package")
    cluster = emr("up", "--yes", "--json")["created"]["id"]
    found = emr("notebook", "--json")
    (cell,) = found["the first cell, of the kernel PySpark"]
    magic, _, body = cell.partition("\n")
    conf = json.loads(body)["conf"]
    assert magic == "%%configure -f" and set(map(type, conf.values())) == {str}
    step = emr("submit", "--json")["run"]["id"]
    told = aws("emr").describe_step(ClusterId=cluster, StepId=step)["Step"]["Config"]["Args"]
    given = [word for word in told if "=" in word]
    assert [*(f"{k}={v}" for k, v in conf.items()), "spark.master=yarn"] == [
        *(word for word in given if not word.startswith("spark.master=")),
        "spark.master=yarn",
    ]
    (node,) = aws("emr").list_instances(ClusterId=cluster, InstanceGroupTypes=["MASTER"])[
        "Instances"
    ]
    command, address, *rest = found["JupyterHub"]
    assert f"--target {node['Ec2InstanceId']} " in command and '"portNumber": ["9443"]' in command
    assert "jovyan" in address and "Change that password" in rest[0]
    kept = aws("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Configurations"]
    assert {"s3.persistence.enabled": "true", "s3.persistence.bucket": BUCKET} in [
        one["Properties"] for one in kept
    ]


def test_nothing_that_was_uploaded_holds_a_key(running, emr, aws):
    emr("submit")
    for entry in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]:
        content = aws("s3").get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        assert KEY.encode() not in content and SECRET.encode() not in content
