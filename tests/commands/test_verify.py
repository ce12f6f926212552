"""``kedro verify`` finds what is off in a finished store, and nothing else."""

import json
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner


@pytest.fixture
def verify(finished, sample, tmp_path):
    """``kedro verify`` of a copy of a finished store: the names of the checks that fail."""
    from fruits_kedro.cli import cli

    copy = tmp_path / "store"
    shutil.copytree(finished[0], copy)

    def run(spoil=None):
        if spoil is not None:
            spoil(copy)
        params = f"images={sample},store={copy},extraction.weights=embedded"
        result = CliRunner().invoke(cli, ["verify", "--json", "--images", "4", "--params", params])
        found = json.loads(result.stdout)["checks"]
        failed = {row["check"]: row["found"] for row in found if row[""] != "ok"}
        assert result.exit_code == (1 if failed else 0), result.output
        assert len(found) == 10
        return failed

    return run


def rewrite(folder, change):
    table = pq.read_table(folder).to_pandas()
    types = pq.read_schema(next(folder.glob("*.parquet")))
    for path in folder.glob("*part-*"):
        path.unlink()
    for path in folder.glob(".*crc"):
        path.unlink()
    changed = pa.Table.from_pandas(change(table), schema=types, preserve_index=False)
    pq.write_table(changed, folder / "part-0.parquet")
    (folder / "_SUCCESS").write_text('{"files": ["part-0.parquet"]}')


def nan_in_features(table):
    first = table["error"].isna().idxmax()
    table.at[first, "features"] = [float("nan"), *table.at[first, "features"][1:]]
    return table


def other_features(table):
    return table.assign(
        features=[
            None if row is None else [value + 1 for value in row] for row in table["features"]
        ]
    )


def other_counts(store):
    path = store / "08_reporting/model_info.json"
    info = json.loads(path.read_text())
    info["counts"]["features"] += 1
    path.write_text(json.dumps(info))


def other_backbone(table):
    return table.assign(fingerprint="mobilenetv2-96-f32-0000000000000000")


def older_scores(store):
    path = store / "08_reporting/lineage.json"
    lineage = json.loads(path.read_text())
    lineage["pca_model"]["version"] = "another"
    path.write_text(json.dumps(lineage))


def edit(name, change):
    return lambda store: rewrite(store / name, change)


FEATURES, SCORES = "04_feature/extracted_features", "05_model_input/pca_features"
FAULTS = {
    "a row is missing": (edit(FEATURES, lambda t: t[1:]), {"one row for each photo"}),
    "a row is doubled": (
        edit(FEATURES, lambda t: pd.concat([t, t[:1]])),
        {"one row for each photo"},
    ),
    "NaN": (edit(FEATURES, nan_in_features), {"features"}),
    "other features": (edit(FEATURES, other_features), {"components", "extracted again"}),
    "another backbone": (edit(FEATURES, other_backbone), {"backbone", "extracted again"}),
    "scores are missing": (edit(SCORES, lambda t: t[3:]), {"components"}),
    "an unknown split": (
        edit("02_intermediate/image_index", lambda t: t.assign(split="Tset")),
        {"index", "one row for each photo"},
    ),
    "rejected rows are missing": (
        edit("08_reporting/rejected_images", lambda t: t[2:]),
        {"rejected", "model_info"},
    ),
    "scores of another PCA": (older_scores, {"up to date"}),
    "a lost file": (
        lambda store: next((store / SCORES).glob("*.parquet")).unlink(),
        {"complete", "components"},
    ),
    "other counts": (other_counts, {"model_info"}),
    "not complete": (
        lambda store: (store / SCORES / "_SUCCESS").unlink(),
        {"complete", "components"},
    ),
    "a damaged file": (
        lambda store: next((store / SCORES).glob("*.parquet")).write_bytes(b"PAR1"),
        {"components"},
    ),
}


def test_a_finished_store_is_in_order(verify):
    assert verify() == {}
    assert verify(lambda store: (store / "06_models/model.backbone").unlink()) == {}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_off_is_found(verify, fault):
    spoil, expected = FAULTS[fault]
    found = verify(spoil)
    assert expected <= set(found), found
    mended = "kedro run --pipelines reduction,reporting"
    assert fault != "scores of another PCA" or mended in found["up to date"]
    assert not any("\tat " in text or len(text) > 1000 for text in found.values())
