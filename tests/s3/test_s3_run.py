"""Whole runs on a real S3 server: the same numbers as on a disk, whatever happens meanwhile."""

import json
import time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fruits_kedro.sample import write_sample

from .server import BUCKET, KEY, SECRET

ODD = ["Pêche + mûre [été]", "50% off #1", "a=b & 'c'"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """300 photos, of which some have names that URLs do not love, and 10 broken ones."""
    root = tmp_path_factory.mktemp("photos")
    sum(write_sample(root, classes=6, images=50, seed=1, broken=10))
    for folder, name in zip(sorted((root / "Training").iterdir()), ODD):
        (root / "Training" / name).mkdir()
        for path in sorted(folder.glob("r0_1*")):
            path.rename(root / "Training" / name / f"{name} {path.name}")
    return root


@pytest.fixture(scope="module")
def bucket(s3_server, photos, maven):
    s3_server.upload(photos, "photos")
    return s3_server


def results(store):
    """All that a run found out, in an order of its own making."""
    features = pq.read_table(store / "04_feature/extracted_features").to_pandas()
    scores = pq.read_table(store / "05_model_input/pca_features").to_pandas()
    return {
        "features": features.sort_values("path").reset_index(drop=True),
        "scores": scores.sort_values("path").reset_index(drop=True),
        "variance": pd.read_csv(store / "08_reporting/explained_variance.csv"),
        "counts": pd.read_csv(store / "04_feature/extraction_counts.csv"),
        "rejected": pd.read_csv(store / "08_reporting/rejected_images.csv"),
        "matrix": pd.read_csv(store / "05_model_input/pca_matrix.csv"),
        "classes": pd.read_csv(store / "02_intermediate/class_counts.csv"),
    }


def assert_same(ours, theirs):
    for name, frame in theirs.items():
        found = ours[name]
        for column in frame.columns:
            if column in ("features", "pca_features"):
                stack = [[v for v in f[column] if v is not None] for f in (found, frame)]
                np.testing.assert_array_equal(np.stack(stack[0]), np.stack(stack[1]), column)
            else:
                pd.testing.assert_series_equal(found[column], frame[column])


def run(kedro_process, **params):
    process = kedro_process(**params)
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
    for name in ("02_intermediate/image_index", "04_feature/extracted_features"):
        success = json.loads((store / name / "_SUCCESS").read_text())
        assert success["committer"] == "magic"
    uploads = bucket.client.list_multipart_uploads(Bucket=BUCKET)
    assert not uploads.get("Uploads")


def test_no_key_was_written_anywhere(in_bucket, bucket, tmp_path):
    for path in bucket.download("store", tmp_path).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content and SECRET.encode() not in content, path


def test_a_second_run_replaces(in_bucket, bucket, kedro_process, kedro_run, photos, tmp_path):
    subset = {"subset": "mine", "subsets.mine.total": 40}
    place = {"images": f"s3://{BUCKET}/photos", "store": f"s3://{BUCKET}/store"}
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


def test_results_in_a_bucket(bucket, kedro_process, photos, local, tmp_path):
    code, output = run(kedro_process, images=photos, store=f"s3://{BUCKET}/other")
    assert code == 0, output[-3000:]
    assert_same(results(bucket.download("other", tmp_path)), local)


def test_a_server_that_dies_meanwhile(bucket, kedro_process, local, tmp_path):
    place = {"images": f"s3://{BUCKET}/photos", "store": f"s3://{BUCKET}/broken"}
    process = kedro_process(**place)
    for line in process.stdout:
        if "Saving data to extracted_features" in line:
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
