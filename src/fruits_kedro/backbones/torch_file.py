"""Reads the arrays of a file that PyTorch wrote before 1.6, without PyTorch."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_LENGTH = np.dtype("<i8")


class _Reader(pickle.Unpickler):
    """Builds dictionaries and arrays; any other name in a file is refused, so no code runs."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.storages: dict[str, NDArray[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        known = {
            "collections.OrderedDict": OrderedDict,
            "torch.FloatStorage": np.dtype("<f4"),
            "torch.LongStorage": np.dtype("<i8"),
            "torch._utils._rebuild_tensor_v2": _array,
        }
        try:
            return known[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"the file asks for {module}.{name}") from None

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        _, dtype, key, _, length, _ = pid
        return self.storages.setdefault(key, np.empty(length, dtype))


def _array(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> NDArray[Any]:
    last = sum((length - 1) * stride for length, stride in zip(shape, strides))
    if min(offset, last, *shape, *strides) < 0 or offset + last >= len(storage):
        raise ValueError("an array reaches beyond its storage")
    steps = tuple(stride * storage.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps, writeable=False)


def read_torch_file(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a ``state_dict`` by name, of float32 or int64.

    The format: a magic number, a version and a description of the machine; the dictionary, whose
    arrays name storages; the names of these in the order in which their bytes follow.

    Raises:
        ValueError, pickle.UnpicklingError: the file is damaged, or holds something else.
    """
    with path.open("rb") as file:
        if _Reader(file).load() != _MAGIC:
            raise ValueError("it is not a file of PyTorch 1.5 or earlier")
        _Reader(file).load(), _Reader(file).load()
        reader = _Reader(file)
        arrays: dict[str, NDArray[Any]] = reader.load()
        for key in _Reader(file).load():
            storage = reader.storages[key]
            if np.frombuffer(file.read(_LENGTH.itemsize), _LENGTH)[0] != len(storage):
                raise ValueError("its storages have other lengths than its arrays")
            storage[:] = np.frombuffer(file.read(storage.nbytes), storage.dtype)
    return arrays
