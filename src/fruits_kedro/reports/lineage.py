"""Which outputs of a store are older than what they were made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

# Of each stored dataset: its version, and the versions of the stored datasets that it was made
# from, those before a dataset in memory included.
Lineage = dict[str, dict[str, Any]]


def made_from(inputs: Iterable[str], lineage: Lineage, in_memory: Lineage) -> dict[str, str]:
    """The present versions of the stored datasets that a node's inputs are or were made from."""
    versions: dict[str, str] = {}
    for name in inputs:
        if name in in_memory:
            versions |= in_memory[name]["made_from"]
        elif name in lineage:
            versions[name] = lineage[name]["version"]
    return versions


def version_of(data: Any, node: str, settings: list[Any], versions: dict[str, str]) -> str:
    """The version of a dataset: the same where a node makes the same of the same.

    Args:
        data: what is saved; its content counts where it was made from no stored dataset.
        versions: of what it was made from.
    """
    parts = [node, *map(repr, settings), *map(repr, sorted(versions.items()))]
    if hasattr(data, "to_batches") and not versions:  # a table of Arrow
        parts += [hashlib.sha256(buffer).hexdigest() for buffer in _buffers(data)]
    elif not versions:
        parts.append(_text_of(data))
    fingerprint = getattr(data, "fingerprint", None)
    if isinstance(fingerprint, str):  # of a backbone, whose file of weights may have changed
        parts.append(fingerprint)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _text_of(data: Any) -> str:
    if hasattr(data, "to_csv"):  # a frame of pandas, whose repr leaves rows out
        return str(data.to_csv())
    has_address = type(data).__repr__ is object.__repr__
    return type(data).__name__ if has_address else repr(data)


def _buffers(table: Any) -> Iterator[Any]:
    """The columns' bytes, whatever pieces they lie in."""
    for column in table.columns:
        chunk = column.combine_chunks()
        pieces = chunk.chunks if hasattr(chunk, "chunks") else [chunk]
        yield from (buffer for piece in pieces for buffer in piece.buffers() if buffer is not None)


def find_stale(lineage: Lineage) -> list[str]:
    """The outputs that are older than something that they were made from, directly or not."""
    stale: set[str] = set()
    while True:
        found = {
            name
            for name, known in lineage.items()
            for one, version in known["made_from"].items()
            if one in stale or lineage.get(one, {}).get("version") != version
        }
        if found == stale:
            return sorted(stale)
        stale = found
