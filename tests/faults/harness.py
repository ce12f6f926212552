"""Runs that are disturbed, and what the store looks like then.

A store with the results of some photos; some of the photos change; a run over them is disturbed.
Then all outputs have to be those of before. At its very end, while they are replaced, each has to
be that of before or that of an undisturbed run. After one more run all have to be those of the
undisturbed one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from fruits_kedro.commands.sample import write_sample

PROJECT = Path(__file__).parents[2]
CHECKPOINT = "04_feature/extraction_checkpoint"
OUTPUTS = {
    "image_index": "02_intermediate/image_index",
    "class_counts": "02_intermediate/class_counts.csv",
    "extracted_features": "04_feature/extracted_features",
    "extraction_counts": "04_feature/extraction_counts.csv",
    "rejected_images": "08_reporting/rejected_images",
    "rejected_images_csv": "08_reporting/rejected_images.csv",
    "pca_model": "06_models/pca_model",
    "explained_variance": "08_reporting/explained_variance.csv",
    "pca_features": "05_model_input/pca_features",
    "pca_matrix": "05_model_input/pca_matrix.csv",
    "scree_plot": "08_reporting/scree_plot.json",
    "model_info": "08_reporting/model_info.json",
}
Event = Callable[[Path], bool]


def extracts(store: Path) -> bool:
    """A run over the store has extracted some photos, and is not done with them."""
    return any((store / CHECKPOINT).glob("*.parquet"))


def writes(name: str) -> Event:
    """A run is writing an output, beside the last one."""
    path = Path(OUTPUTS[name])
    return lambda store: any((store / path.parent).glob(f".{path.name}.*.new"))


def read(store: Path, name: str) -> str | None:
    """An output's values as text, by readers of other libraries; None where there is none."""
    path = store / OUTPUTS[name]
    if not path.exists():
        return None
    if name == "pca_model":
        (stage,) = (path / "stages").glob("1_pca*")
        row = pq.read_table(stage / "data").to_pylist()[0]
        assert (path / "metadata" / "part-00000").is_file()
        return json.dumps(row["pc"])
    if path.suffix == ".json":
        found = json.loads(path.read_text())
        return json.dumps([found["counts"]["features"], found["pca"]] if "pca" in found else found)
    if path.suffix == ".csv":
        return pd.read_csv(path).to_csv()
    assert (path / "_SUCCESS").is_file(), f"{path} loads without being complete"
    table = pq.read_table(path).to_pandas().sort_values("path", ignore_index=True)
    for name in {"thumbnail", "picture"} & set(table.columns):
        table[name] = table[name].map(bytes.hex, na_action="ignore")
    return table.to_json(double_precision=15)


def read_all(store: Path) -> dict[str, str | None]:
    """All outputs."""
    return {name: read(store, name) for name in OUTPUTS}


@dataclass
class Bench:
    """Two states of a folder of photos, and what runs over them end with.

    Attributes:
        folder: for photos and stores.
        weights: of the backbone.
        images: photos of each of 4 classes: 200 are three files of the checkpoint for each of two
            cores, so that a run is in the middle of its work when the first one shows.
        environment: of the runs.
        run: a quicker way to a run that nobody disturbs.
    """

    folder: Path
    weights: str = "embedded"
    images: int = 200
    environment: str = "test"
    run: Callable[..., object] | None = None
    before: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str | None] = field(default_factory=dict)

    def prepare(self) -> None:
        photos = self.folder / "photos"
        sum(write_sample(photos, classes=4, images=self.images, seed=1, broken=4))
        self.finish(self.folder / "first")
        self.before = read_all(self.folder / "first")
        names = sorted(photos.rglob("r[0-9]*.jpg"))
        for path in names[: len(names) // 2]:
            path.rename(path.with_name(f"moved {path.name}"))
        for path in names[-3:]:
            path.unlink()
        self.finish(self.folder / "undisturbed")
        self.after = read_all(self.folder / "undisturbed")
        assert None not in self.after.values() and self.before != self.after

    def store(self, name: str) -> Path:
        """A store in which a run over the photos as they were has ended."""
        return Path(shutil.copytree(self.folder / "first", self.folder / name))

    def params(self, store: Path) -> dict[str, object]:
        return {
            "images": self.folder / "photos",
            "store": store,
            "extraction.weights": self.weights,
            "pca.n_components": 3,
        }

    def start(self, store: Path, event: Event | None = None) -> subprocess.Popen:
        """Start a run; its output goes to a file with the store's name.

        Args:
            store: to write to.
            event: to wait for.
        """
        log = store.name
        text = ",".join(f"{key}={value}" for key, value in self.params(store).items())
        with self._log(log).open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "kedro", "run", "--params", text],
                cwd=PROJECT,
                env={**os.environ, "KEDRO_ENV": self.environment, "PYTHONUNBUFFERED": "1"},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        while event is not None and not event(store):
            assert process.poll() is None, f"the run has ended before:\n{self.output(log)}"
            time.sleep(0.005)
        return process

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def output(self, log: str) -> str:
        """What the last run with this log has said."""
        return self._log(log).read_text()

    def finish(self, store: Path) -> None:
        """A run that nobody disturbs."""
        if self.run is not None:
            self.run(**self.params(store))
            return
        code = self.start(store).wait(timeout=600)
        assert code == 0, self.output(store.name)[-3000:]

    def check_between(self, store: Path) -> dict[str, str]:
        """What each output is after a disturbance: ``before``, ``after`` or ``absent``."""
        found = read_all(store)
        states = {}
        for name, value in found.items():
            # A folder is away between two renamings; the next run brings it back.
            away = store / Path(OUTPUTS[name]).parent / f".{Path(OUTPUTS[name]).name}.old"
            if value is None:
                assert away.exists(), f"{name} is lost"
                states[name] = "absent"
            else:
                assert value in (self.before[name], self.after[name]), f"{name} is neither"
                states[name] = "after" if value == self.after[name] else "before"
        return states

    def check_after(self, store: Path) -> None:
        """One more run ends with what an undisturbed one ends with, and leaves nothing behind."""
        self.finish(store)
        found = read_all(store)
        for name, value in self.after.items():
            assert found[name] == value, f"{name} differs"
        left = [p for p in store.rglob(".*") if p.name.endswith((".new", ".old"))]
        assert not left and not (store / CHECKPOINT).exists()
