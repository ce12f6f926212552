"""The pipelines, in the order the data flows: ingestion, extraction, reduction, reporting."""
