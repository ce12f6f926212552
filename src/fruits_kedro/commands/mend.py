"""The cheapest run that makes outputs anew."""

from __future__ import annotations

from collections.abc import Collection


def mending_runs(outputs: Collection[str]) -> list[str]:
    """The runs, such as ``run --pipelines reduction``, that make these outputs of the store anew.

    Nothing is run that need not be.
    """
    from kedro.framework.project import pipelines

    made = {
        name: {out for node in found.nodes if node.namespace == name for out in node.outputs}
        for name, found in pipelines.items()
    }
    names = [name for name in made if made[name] & set(outputs)]
    whole = pipelines["__default__"].all_outputs()
    if "extraction" in names:  # all of the main pipeline follows from it
        names = [name for name in names if not made[name] <= whole and name != "pretraining"]
        return ["run", *(f"run --pipelines {name}" for name in names)]
    return [f"run --pipelines {','.join(names)}"] if names else ["run"]
