"""Whole runs on a real S3 server: the same numbers as on a disk, whatever happens meanwhile."""

import json
import time

import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.s3.fixtures import ODD
from tests.s3.results import assert_same, results
from tests.s3.server import BUCKET, KEY, SECRET


@pytest.fixture(scope="module")
def bucket(s3_server, photos, maven):
    s3_server.upload(photos, "photos")
    return s3_server


def run(kedro_process, *arguments, **params):
    process = kedro_process(*arguments, **params)
    output, _ = process.communicate(timeout=400)
    assert KEY not in output and SECRET not in output
    return process.returncode, output


@pytest.fixture(scope="module")
def local(kedro_run, photos, tmp_path_factory):
    store = tmp_path_factory.mktemp("local")
    outcome = kedro_run(images=photos, store=store)
    assert outcome.exit_code == 0, outcome.output
    return results(store)


@pytest.fixture(scope="module")
def in_bucket(bucket, kedro_process):
    code, output = run(kedro_process, images=f"s3://{BUCKET}/photos", store=f"s3://{BUCKET}/store")
    assert code == 0, output[-3000:]
    return output


def test_the_numbers_are_those_of_a_local_run(in_bucket, bucket, local, tmp_path):
    store = bucket.download("store", tmp_path)
    assert_same(results(store), local)
    assert set(local["classes"]["label"]) > set(ODD)
    info = json.loads((store / "08_reporting/model_info.json").read_text())
    assert info["counts"]["images"] == 310 and info["counts"]["rejected"] == 10
    assert f"s3://{BUCKET}/store/08_reporting/model_info.json" in in_bucket.replace("\n", "")


def test_outputs_were_committed_not_renamed(in_bucket, bucket, tmp_path):
    store = bucket.download("store", tmp_path)
    for name in ("02_intermediate/image_index", "05_model_input/pca_features"):
        success = json.loads((store / name / "_SUCCESS").read_text())
        assert success["committer"] == "magic"
    written = store / "04_feature/extracted_features"
    named = json.loads((written / "_SUCCESS").read_text())["files"]
    assert named == sorted(path.name for path in written.glob("*.parquet"))
    uploads = bucket.client.list_multipart_uploads(Bucket=BUCKET)
    assert not uploads.get("Uploads")


def test_no_key_was_written_anywhere(in_bucket, bucket, tmp_path):
    for path in bucket.download("store", tmp_path).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content and SECRET.encode() not in content, path


def test_classifiers_in_a_bucket(in_bucket, bucket, kedro_process, tmp_path):
    images, store = f"s3://{BUCKET}/photos", f"s3://{BUCKET}/store"
    few = {
        "gradient_boosting.n_estimators": 3,
        "models": "logistic_regression+gradient_boosting",
        "inputs": "pca_features",
        "folds": 2,
    }
    chosen = {f"classification.{name}": value for name, value in few.items()}
    arguments = ("--pipeline", "classification")
    code, output = run(kedro_process, *arguments, images=images, store=store, **chosen)
    assert code == 0, output[-3000:]
    local = bucket.download("store", tmp_path)
    names = json.loads((local / "06_models/classifiers/names.json").read_text())
    assert {name.partition(".")[0] for name in names} >= {*few["models"].split("+")}
    table = tmp_path / "named.csv"
    arguments = (f"{images}/Test", "--output", str(table))
    code, output = run(kedro_process, *arguments, command="predict", store=store)
    assert code == 0, output[-3000:]
    named = pd.read_csv(table).dropna(subset="predicted").set_index("path")["predicted"]
    stored = pq.read_table(local / "07_model_output/predictions").to_pandas().set_index("path")
    assert len(named) == len(stored) > 50
    assert (stored["predicted"].rename(lambda path: path.removeprefix("Test/")) == named).all()


def test_a_second_run_replaces(in_bucket, bucket, kedro_process, kedro_run, photos, tmp_path):
    """This one over photos on a disk."""
    subset = {"subset": "mine", "subsets.mine.total": 40}
    place = {"images": photos, "store": f"s3://{BUCKET}/store"}
    code, output = run(kedro_process, **place, **subset)
    assert code == 0, output[-3000:]
    assert kedro_run(images=photos, store=tmp_path / "local", **subset).exit_code == 0
    found = results(bucket.download("store", tmp_path / "s3"))
    assert len(found["features"]) == 40
    assert_same(found, results(tmp_path / "local"))


def test_photos_in_a_bucket(bucket, kedro_process, local, tmp_path):
    code, output = run(kedro_process, images=f"s3://{BUCKET}/photos", store=tmp_path)
    assert code == 0, output[-3000:]
    assert "hadoop-aws" not in output  # Spark itself never sees the bucket
    assert_same(results(tmp_path), local)


def test_a_server_that_dies_meanwhile(bucket, kedro_process, local, tmp_path):
    place = {"images": f"s3://{BUCKET}/photos", "store": f"s3://{BUCKET}/broken"}
    process = kedro_process(**place)
    for line in process.stdout:
        if "Saving data to extraction_checkpoint" in line:
            time.sleep(3)
            bucket.stop()
            break
    killed = time.monotonic()
    rest, _ = process.communicate(timeout=300)
    seconds = time.monotonic() - killed
    message = rest.partition("Error: ")[2]
    bucket.start()
    assert process.returncode == 1 and message, rest[-3000:]
    assert seconds < 120 and "the bucket stopped answering" in message, (
        f"{seconds:.0f} s: {message}"
    )
    assert len(message.splitlines()) < 12 and "\tat " not in message
    listed = bucket.client.list_objects_v2(Bucket=BUCKET, Prefix="broken/04_feature")
    assert not [e for e in listed.get("Contents", []) if e["Key"].endswith("_SUCCESS")]
    code, output = run(kedro_process, **place)
    assert code == 0, output[-3000:]
    assert_same(results(bucket.download("broken", tmp_path)), local)
