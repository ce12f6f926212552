"""Photos and results whose names are grammar to Spark, fsspec, YAML or pandas."""

import shutil

import pandas as pd
from click.testing import CliRunner

from fruits_kedro.cli import verify


def test_odd_names_are_names(kedro_run, sample, tmp_path):
    images, store = tmp_path / "in" / "a::b *? #1", tmp_path / "out" / "[2024] {a,b}, x\\y #3 %41"
    labels = ["001", "NA", "null"]
    for label, folder in zip(labels, sorted((sample / "Training").iterdir())):
        shutil.copytree(folder, images / label)
    photo = next((images / "001").glob("r0*.jpg"))
    photo.rename(photo.with_name(' a\n,"b" .jpg'))
    params = {"images": images, "store": store, "pca.n_components": 2}
    result = kedro_run(**params)
    assert result.exit_code == 0, result.output
    text = ",".join(f"{k}={v}" for k, v in params.items()) + ",extraction.weights=embedded"
    checked = CliRunner().invoke(verify, ["--params", text])
    assert checked.exit_code == 0, checked.output
    assert list(store.parent.iterdir()) == [store]
    counts = pd.read_csv(store / "02_intermediate/class_counts.csv", dtype=str, na_filter=False)
    assert set(counts["label"]) == set(labels)
