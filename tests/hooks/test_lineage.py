"""What is written down about an output while it is made, and after."""

from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node

from fruits_kedro.datasets import JsonDataset
from fruits_kedro.hooks.lineage import LineageHooks


def test_a_run_that_dies_while_it_saves_leaves_a_doubt(tmp_path):
    names = ("photos", "features", "lineage")
    stored = {name: JsonDataset(filepath=str(tmp_path / f"{name}.json")) for name in names}
    catalog = DataCatalog({**stored, "plan": MemoryDataset()})
    index = Node(lambda: 1, None, "photos", name="index")
    plan = Node(lambda x: x, "photos", "plan", name="plan")
    extract = Node(lambda x: x, "plan", "features", name="extract")

    def run(hooks, *, dies=False):
        hooks.before_pipeline_run(catalog)
        for node, name in ((index, "photos"), (plan, "plan"), (extract, "features")):
            hooks.before_dataset_saved(name, {"n": 1}, node)
            if dies and name == "features":
                return
            hooks.after_dataset_saved(name)
        hooks.after_pipeline_run()

    whole = LineageHooks()
    run(whole)
    assert whole.stale() == [] and set(catalog.load("lineage")) == {"photos", "features"}
    run(LineageHooks(), dies=True)
    next_one = LineageHooks()
    next_one.before_pipeline_run(catalog)
    assert next_one.stale() == ["features"]
    run(next_one)
    assert next_one.stale() == []
