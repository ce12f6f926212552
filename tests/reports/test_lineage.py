"""An output is out of date when something that it was made from has changed since."""

import pyarrow as pa
import pyarrow.compute as pc

from fruits_kedro.reports.lineage import find_stale, made_from, version_of

PHOTOS = pa.table({"path": ["a", "b"], "bytes": [1, 2]})


def save(lineage, name, inputs, data=None, settings=(), in_memory=None):
    versions = made_from(inputs, lineage, in_memory or {})
    entry = {"version": version_of(data, "node", list(settings), versions), "made_from": versions}
    return lineage | {name: entry}


def run(lineage, photos=PHOTOS, k=2):
    lineage = save(lineage, "index", [], photos)
    lineage = save(lineage, "features", ["index", "params:extraction"], settings=["f32"])
    lineage = save(lineage, "pca", ["features"], settings=[k])
    return save(lineage, "scores", ["features", "pca"])


def test_a_run_over_the_same_leaves_nothing_out_of_date():
    first = run({})
    assert find_stale(first) == []
    assert run(first) == first


def test_what_follows_from_a_change_is_out_of_date():
    changed = PHOTOS.set_column(1, "bytes", pc.add(PHOTOS["bytes"], 1))
    assert find_stale(save(run({}), "index", [], changed)) == ["features", "pca", "scores"]
    assert find_stale(save(run({}), "pca", ["features"], settings=[3])) == ["scores"]
    assert find_stale(run(run({}), changed, 3)) == []


def test_what_is_in_memory_passes_on_what_it_was_made_from():
    lineage = save({}, "index", [], PHOTOS)
    versions = made_from(["index"], lineage, {})
    in_memory = {"plan": {"version": "x", "made_from": versions}}
    lineage = save(lineage, "features", ["plan"], in_memory=in_memory)
    assert lineage["features"]["made_from"] == versions
    assert find_stale(save(lineage, "index", [], PHOTOS[:1])) == ["features"]


def test_another_file_of_weights_is_a_change():
    class Backbone:
        fingerprint = "one"

    one = version_of(Backbone(), "node", [], {"index": "1"})
    Backbone.fingerprint = "two"
    assert version_of(Backbone(), "node", [], {"index": "1"}) != one
