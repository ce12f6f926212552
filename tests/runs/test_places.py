"""Photos and results in places whose names are grammar to Spark, fsspec or YAML."""

import shutil

from click.testing import CliRunner

from fruits_kedro.cli import verify


def test_odd_names_are_names(kedro_run, sample, tmp_path):
    images, store = tmp_path / "in" / "a::b *? #1", tmp_path / "out" / "[2024] {a,b}, x\\y #3 %41"
    for name in ("Apple 1", "Cherry 1"):
        shutil.copytree(sample / "Training" / name, images / name)
    for path in images.rglob("broken*"):
        path.unlink()
    params = {"images": images, "store": store, "pca.n_components": 2}
    result = kedro_run(**params)
    assert result.exit_code == 0, result.output
    text = ",".join(f"{k}={v}" for k, v in params.items()) + ",extraction.weights=embedded"
    checked = CliRunner().invoke(verify, ["--params", text])
    assert checked.exit_code == 0, checked.output
    assert list(store.parent.iterdir()) == [store]
