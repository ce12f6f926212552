"""Photos that a store has more than once."""

from fruits_kedro.pipelines.duplicates.pipeline import create_pipeline

__all__ = ["create_pipeline"]
