"""The pipelines that ``kedro run --pipelines`` knows."""

from kedro.pipeline import Pipeline

from fruits_kedro.pipelines import (
    classification,
    extraction,
    ingestion,
    packing,
    pretraining,
    reduction,
    reporting,
)


def register_pipelines() -> dict[str, Pipeline]:
    """Each pipeline by name; ``__default__`` runs from ingestion to reporting."""
    pipelines = {
        "ingestion": ingestion.create_pipeline(),
        "extraction": extraction.create_pipeline(),
        "reduction": reduction.create_pipeline(),
        "reporting": reporting.create_pipeline(),
    }
    return {
        "__default__": sum(pipelines.values(), Pipeline([])),
        **pipelines,
        "classification": classification.create_pipeline(),
        "packing": packing.create_pipeline(),
        "pretraining": ingestion.create_pipeline() + pretraining.create_pipeline(),
    }
