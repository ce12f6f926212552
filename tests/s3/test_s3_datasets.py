"""In a bucket, what loads is what one complete job has written: no Spark is needed to tell."""

import json
import shutil

import pandas as pd
import pytest
from kedro.framework.session import KedroSession
from kedro.io import DatasetError
from kedro_viz.integrations.kedro.data_loader import _VizNullPluginManager
from tests.s3.server import BUCKET

from fruits_kedro.datasets import JsonDataset, ParquetDataset
from fruits_kedro.storage.atomic import NewVersion
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
    monkeypatch.setattr(fs, "rm", lambda *a, **k: (removed.append(len(copied)), remove(*a, **k)))
    NewVersion(fs, f"{path}/model", f"{path}/new", last="metadata/part-0").replace()
    assert copied == [f"{path}/model/stages/0_c/x", f"{path}/model/metadata/part-0"]
    assert removed == [2, 2]  # after the last copy
    found = {
        name.removeprefix(f"{path}/model/"): fs.cat_file(name) for name in fs.find(f"{path}/model")
    }
    assert found == {"metadata/part-0": b"2", "stages/0_c/x": b"2"}
    assert not fs.exists(f"{path}/new/metadata/part-0")


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_held_back_takes_its_place_later_or_never(put, s3_environment, kept):
    url = put(other=b"")
    fs, path = file_system(url, {})
    info = JsonDataset(filepath=f"{url}/info.json")
    rows = ParquetDataset(filepath=f"{url}/rows")
    info.save({"n": 1})
    rows.save(pd.DataFrame({"n": [1]}))
    before = sorted(fs.find(path))
    manifest = fs.cat_file(f"{path}/rows/_SUCCESS")
    for dataset, value in ((info, {"n": 2}), (rows, pd.DataFrame({"n": [2]}))):
        dataset.hold_back()
        dataset.save(value)
    assert info.load() == {"n": 2} and json.loads(fs.cat_file(f"{path}/info.json")) == {"n": 1}
    (new,) = rows._files()
    assert new not in before and fs.cat_file(f"{path}/rows/_SUCCESS") == manifest
    for dataset in (info, rows):
        dataset.publish() if kept else dataset.discard()
    assert info.load() == {"n": 2 if kept else 1}
    if kept:
        assert rows._files() == [new]
        assert {name for name in fs.find(path) if "/rows/" in name} == {
            new,
            f"{path}/rows/_SUCCESS",
        }
    else:
        assert sorted(fs.find(path)) == before


def test_kedro_viz_reads_with_the_keys_of_credentials_yml(put, project, s3_server, tmp_path):
    """Without the hooks that fill the entry in a run; the shell has no AWS variables."""
    url = put(**{"02_intermediate/class_counts.csv": b"split,label,images\nTest,1,2\n"})
    conf = shutil.copytree(project / "conf", tmp_path / "conf")
    (conf / "test" / "credentials.yml").write_text(json.dumps({"s3": s3_server.settings}))
    with pytest.MonkeyPatch.context() as shell:
        for name in s3_server.environment:
            shell.delenv(name)
        session = KedroSession.create(project, conf_source=str(conf), runtime_params={"store": url})
        session._hook_manager = _VizNullPluginManager()  # as Kedro-Viz does
        found = session.load_context().catalog.load("class_counts")
    assert found.to_dict("records") == [{"split": "Test", "label": "1", "images": 2}]
