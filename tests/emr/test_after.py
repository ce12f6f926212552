"""What comes after a run: results, logs, deletion and the bill."""

import gzip
import json
from datetime import UTC, datetime

import pytest

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


def test_logs_of_a_failed_bootstrap(running, emr, aws, monkeypatch):
    monkeypatch.setattr("fruits_kedro.emr.logs._MAX_FILES", 2)
    emr("down")
    text = "x\nBOOTSTRAP FAILED: comparing hashes (line 22, exit 1)\n"
    for i in range(3):  # more than are read
        put_log(aws, running, f"node/i-0/applications/{i}.gz", "x")
    put_log(aws, running, "node/i-1/bootstrap-actions/1/stderr.gz", text)
    found = emr("logs", "--json")["errors"]
    assert [error["says"] for error in found] == [text.splitlines()[1]]


def test_clean_shows_asks_and_spares_the_results(running, emr, aws):
    put_results(aws)
    put_log(aws, running, "steps/s-1/stderr.gz", "x")
    for key in ("fruits-kedro/of-a-run", "of-somebody", "fruits-kedro-emr/package/half"):
        aws("s3").create_multipart_upload(Bucket=BUCKET, Key=key)
    output = emr("clean", code=1, given="n\n")
    assert "logs: 1 objects" in output and "package: 1 unfinished uploads" in output
    assert emr("clean", "--yes", "--json")["deleted"] == {"objects": 5, "uploads": 1}
    left = [e["Key"] for e in aws("s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    uploads = aws("s3").list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert {u["Key"] for u in uploads} == {"fruits-kedro/of-a-run", "of-somebody"}
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
