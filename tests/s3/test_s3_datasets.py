"""In a bucket, what loads is what one complete job has written: no Spark is needed to tell."""

import json

import pytest
from kedro.io import DatasetError
from tests.s3.server import BUCKET

from fruits_kedro.datasets import ParquetDataset
from fruits_kedro.storage.atomic import Target
from fruits_kedro.storage.filesystem import file_system

ONE, TWO = "0a-b1-c2", "9f-e8-d7"
NAME = "part-{:05d}-{}-c000.snappy.parquet"


@pytest.fixture
def put(s3_environment, request):
    """Write objects of one test; gives the URL below which they lie."""
    folder = f"datasets/{request.node.name}"

    def write(**objects):
        for name, body in objects.items():
            s3_environment.client.put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=body)
        return f"s3://{BUCKET}/{folder}"

    return write


def mark(job, names=3):
    return json.dumps({"files": [NAME.format(i, job) for i in range(names)]}).encode()


def parts(job, n=3):
    return {NAME.format(i, job): b"x" for i in range(n)}


def test_the_files_of_the_last_complete_job_are_loaded(put):
    url = put(**parts(ONE), **parts(TWO, 5), _SUCCESS=mark(ONE))
    dataset = ParquetDataset(filepath=url)
    assert dataset._files() == [f"{url[5:]}/{NAME.format(i, ONE)}" for i in range(3)]
    put(_SUCCESS=mark(TWO, 5))
    assert len(dataset._files()) == 5 and all(TWO in name for name in dataset._files())


def test_without_its_mark_there_is_nothing(put):
    assert not ParquetDataset(filepath=put(**parts(ONE))).exists()


def test_an_empty_mark_is_that_of_a_whole_folder(put):
    url = put(**parts(ONE), _SUCCESS=b"")
    names = [f"{url[5:]}/{NAME.format(i, ONE)}" for i in range(3)]
    assert ParquetDataset(filepath=url)._files() == names


def test_a_lost_file_is_an_error(put):
    dataset = ParquetDataset(filepath=put(**parts(ONE), _SUCCESS=mark(ONE, 4)), optional=True)
    with pytest.raises(DatasetError, match="has lost 1 of its 4 files"):
        dataset.load()


def test_a_folder_is_replaced_and_its_head_comes_last(put, monkeypatch):
    url = put(**{f"model/{n}": b"1" for n in ("metadata/part-0", "stages/0_a/x", "stages/1_b/x")})
    put(**{f"new/{name}": b"2" for name in ("metadata/part-0", "stages/0_c/x")})
    fs, path = file_system(url, {})
    copied, removed = [], []
    copy, remove = fs.cp_file, fs.rm
    monkeypatch.setattr(fs, "cp_file", lambda a, b: (copied.append(b), copy(a, b)))
    monkeypatch.setattr(fs, "rm", lambda names: (removed.append(len(copied)), remove(names)))
    Target(fs, f"{path}/model", f"{path}/new").replace(f"{path}/new", last="metadata/part-0")
    assert copied == [f"{path}/model/stages/0_c/x", f"{path}/model/metadata/part-0"]
    assert removed == [2]  # after the last copy
    found = {
        name.removeprefix(f"{path}/model/"): fs.cat_file(name) for name in fs.find(f"{path}/model")
    }
    assert found == {"metadata/part-0": b"2", "stages/0_c/x": b"2"}
