"""The pipelines that ``kedro run --pipelines`` knows."""

from importlib import import_module
from pkgutil import iter_modules

from kedro.pipeline import Pipeline

from fruits_kedro import pipelines as folder

MAIN = ("ingestion", "extraction", "reduction", "reporting")


def register_pipelines() -> dict[str, Pipeline]:
    """Each pipeline of ``pipelines/`` by its folder; ``__default__`` is the main one.

    The folder is tag and namespace of its nodes, such as ``extraction.merge_features``; Kedro-Viz
    folds them. Datasets and parameters keep their names.

    Kedro's ``find_pipelines`` knows only those that a run asks for: no run could say which other
    one makes what is missing.
    """
    names = [module.name for module in iter_modules(folder.__path__) if module.ispkg]
    found = {name: _in_namespace(name) for name in names}
    found["pretraining"] += found["ingestion"]
    report = found["reporting"].only_nodes_with_outputs("photo_map", "report")
    for name in ("curation", "classification"):
        found[name] += found["duplicates"] + report
    found["report"] = report
    return {"__default__": sum((found[name] for name in MAIN), Pipeline([])), **found}


def _in_namespace(name: str) -> Pipeline:
    nodes: Pipeline = import_module(f"{folder.__name__}.{name}").create_pipeline()
    return Pipeline(nodes, tags=name, namespace=name, prefix_datasets_with_namespace=False)
