"""The pipelines: their nodes, and the functions that the nodes run."""
