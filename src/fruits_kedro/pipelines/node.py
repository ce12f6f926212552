"""How the pipelines name their nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedro.pipeline import Node


def node(function: Callable[..., Any], inputs: str | list[str], outputs: str | list[str]) -> Node:
    """A ``kedro.pipeline.Node`` that is named after its function."""
    return Node(function, inputs, outputs, name=function.__name__)
