"""Whole runs on a real S3 server: the same numbers as on a disk, whatever happens meanwhile."""

import json
import re
import shutil
import tarfile
import time
from dataclasses import dataclass

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.s3.fixtures import ODD
from tests.s3.results import NUMBERS, assert_same, results
from tests.s3.server import BUCKET, KEY, SECRET

from fruits_kedro.curation.similarity_index import SimilarityIndex

IN_BUCKET = {"images": f"s3://{BUCKET}/photos", "store": f"s3://{BUCKET}/store"}


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
    outcome = kedro_run(*NUMBERS, images=photos, store=store)
    assert outcome.exit_code == 0, outcome.output
    return results(store)


@dataclass
class Ended:
    """A run that has ended: its exit code, what it said, the keys of the marks of its features."""

    code: int
    output: str
    seconds: float
    marks: list[str]


@pytest.fixture(scope="module")
def without_server(bucket, kedro_process):
    """A run whose server dies once the first features are in the bucket."""
    process = kedro_process(**IN_BUCKET)
    checkpoint = "store/04_feature/extraction_checkpoint"
    while not bucket.keys(checkpoint):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.02)
    bucket.stop()
    died = time.monotonic()
    output, _ = process.communicate(timeout=300)
    seconds = time.monotonic() - died
    bucket.start()
    marks = [key for key in bucket.keys("store/04_feature") if key.endswith("_SUCCESS")]
    return Ended(process.returncode, output, seconds, marks)


@pytest.fixture(scope="module")
def in_bucket(bucket, without_server, kedro_process):
    """The next run over the same store: what it said."""
    code, output = run(kedro_process, **IN_BUCKET)
    assert code == 0, output[-3000:]
    return output


def test_a_server_that_dies_meanwhile(without_server):
    message = without_server.output.partition("Error: ")[2]
    assert without_server.code == 1 and message, without_server.output[-3000:]
    assert "the bucket stopped answering" in message and without_server.seconds < 120
    assert len(message.splitlines()) < 12 and "\tat " not in message
    assert not without_server.marks


def test_the_numbers_are_those_of_a_local_run(in_bucket, bucket, local, photos, tmp_path):
    store = bucket.download("store", tmp_path)
    assert_same(results(store), local)
    assert set(local["classes"]["label"]) > set(ODD)
    info = json.loads((store / "08_reporting/model_info.json").read_text())
    assert info["counts"]["images"] == len(list(photos.rglob("*.jpg"))) > 233
    assert info["counts"]["rejected"] == 10 and info["counts"]["reused"] > 0
    assert f"s3://{BUCKET}/store/08_reporting/report.html" in in_bucket


def test_outputs_were_committed_not_renamed(in_bucket, bucket, tmp_path):
    store = bucket.download("store", tmp_path)
    for name in ("08_reporting/rejected_images", "05_model_input/pca_features"):
        listed = bucket.client.list_objects_v2(Bucket=BUCKET, Prefix=f"store/{name}/part-")
        assert listed["Contents"]
        # S3A's committers complete an upload of parts where a renaming would have made a copy.
        assert all(re.search(r'-\d+"$', entry["ETag"]) for entry in listed["Contents"])
    for name in ("04_feature/extracted_features", "05_model_input/pca_features"):
        named = json.loads((store / name / "_SUCCESS").read_text())["files"]
        assert named == sorted(path.name for path in (store / name).glob("*.parquet"))
    assert not (store / "08_reporting/progress.json").exists()  # of the extraction, which is over
    uploads = bucket.client.list_multipart_uploads(Bucket=BUCKET)
    assert not uploads.get("Uploads")


def test_no_key_was_written_anywhere(in_bucket, bucket, tmp_path):
    for path in bucket.download("store", tmp_path).rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert KEY.encode() not in content and SECRET.encode() not in content, path


SUBSET = {"subset": "mine", "subsets.mine.total": 150}
FEW = {
    "gradient_boosting.n_estimators": 3,
    "random_forest.numTrees": 3,
    "models": "gradient_boosting+random_forest",
    "inputs": "pca_features",
    "folds": 2,
}


@pytest.fixture(scope="module")
def replaced(in_bucket, bucket, kedro_process, photos, project, tmp_path_factory):
    """A second run, over photos on a disk, with all questions: the results of the first go.

    Keys, endpoint and region come from credentials.yml; the shell has a leftover of another bucket.
    """
    conf = shutil.copytree(project / "conf", tmp_path_factory.mktemp("conf") / "conf")
    settings = bucket.settings
    (conf / "test" / "credentials.yml").write_text(json.dumps({"s3": settings}))
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    leftover = dict.fromkeys(names, "leftover")
    place = {"images": photos, "store": f"s3://{BUCKET}/store", "replace_images": "true"}
    chosen = {f"classification.{name}": value for name, value in FEW.items()}
    chosen["curation.index_images"] = 0
    given = ("--pipelines", "__default__,classification,curation", "--conf-source", str(conf))
    code, output = run(kedro_process, *given, variables=leftover, **place, **SUBSET, **chosen)
    assert code == 0, output[-3000:]


def test_a_second_run_replaces(replaced, bucket, kedro_run, photos, tmp_path):
    place = {"images": photos, "store": tmp_path / "local"}
    assert kedro_run(*NUMBERS, **place, **SUBSET).exit_code == 0
    found = results(bucket.download("store", tmp_path / "s3"))
    assert len(found["features"]) == 150
    assert_same(found, results(tmp_path / "local"))


def test_a_curation_in_a_bucket(replaced, bucket, tmp_path):
    store = bucket.download("store", tmp_path)
    features = pq.read_table(store / "04_feature/extracted_features").to_pandas()
    usable = features[features["in_subset"] & features["error"].isna()]
    neighbours = pq.read_table(store / "07_model_output/neighbours").to_pandas()
    assert set(neighbours["path"]) == set(usable["path"]) and len(neighbours) == 10 * len(usable)
    info = json.loads((store / "08_reporting/curation_info.json").read_text())
    assert info["photos"] == len(usable) and info["fingerprint"] == usable["fingerprint"].iloc[0]
    index = SimilarityIndex(store / "06_models/similarity_index")
    assert set(index.photos()["path"]) == set(usable["path"])
    quality = pq.read_table(store / "07_model_output/image_quality").to_pandas()
    assert len(quality) == len(usable) and (quality["width"] > 0).all()


def test_classifiers_in_a_bucket(replaced, bucket, kedro_process, tmp_path):
    local = bucket.download("store", tmp_path)
    names = json.loads((local / "06_models/classifiers/names.json").read_text())
    assert {name.partition(".")[0] for name in names} >= {*FEW["models"].split("+")}
    assert not [key for key in bucket.keys("store/06_models") if "scratch" in key]
    arguments = (f"{IN_BUCKET['images']}/Test",)
    code, output = run(kedro_process, *arguments, command="predict", store=IN_BUCKET["store"])
    assert code == 0, output[-3000:]
    place = "07_model_output/new_photos.csv"
    assert f"s3://{BUCKET}/store/{place}" in output.replace("\n", "")
    table = pd.read_csv(bucket.download(f"store/{place}", tmp_path / "new") / "new_photos.csv")
    named = table.dropna(subset="predicted").set_index("path")["predicted"]
    stored = pq.read_table(local / "07_model_output/predictions").to_pandas().set_index("path")
    stored = stored["predicted"].rename(lambda path: path.removeprefix("Test/"))
    assert len(named) >= len(stored) > 25
    assert (stored == named[stored.index]).all()


def test_a_service_over_a_bucket(replaced, bucket, kedro_process, photos, tmp_path):
    predictions = bucket.download("store/07_model_output/predictions", tmp_path)
    stored = pq.read_table(predictions).to_pandas()[:20]
    options = ("--port", "0", "--processes", "1")
    process = kedro_process(*options, command="serve", store=IN_BUCKET["store"])
    try:
        said = []
        while not (said and "answers after" in said[-1]):
            said.append(process.stdout.readline())
            assert said[-1], "".join(said)
        url = re.search(r"http://\S+", said[-1])[0]
        with httpx.Client(base_url=url, timeout=60) as client:
            for path, expected in zip(stored["path"], stored["predicted"]):
                answer = client.post("/predict", content=(photos / path).read_bytes())
                assert answer.json()["photos"][0]["label"] == expected
    finally:
        process.terminate()
    assert process.wait(timeout=60) == 0


def test_photos_in_a_bucket(bucket, s3_environment, kedro_run, local, tmp_path):
    """The session of the tests has no S3 client: Spark itself never sees the bucket."""
    outcome = kedro_run(*NUMBERS, images=f"s3://{BUCKET}/photos", store=tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert_same(results(tmp_path), local)


def test_photos_in_archives_in_a_bucket(bucket, s3_environment, photos, kedro_run, local, tmp_path):
    for i, part in enumerate(sorted(photos.iterdir())):
        with tarfile.open(tmp_path / f"shard-{i}.tar", "w") as archive:
            archive.add(part, part.name)
    bucket.upload(tmp_path, "shards")
    images = f"s3://{BUCKET}/shards/shard-{{0..{i}}}.tar"
    outcome = kedro_run(*NUMBERS, images=images, store=tmp_path / "store")
    assert outcome.exit_code == 0, outcome.output
    assert_same(results(tmp_path / "store"), local)
