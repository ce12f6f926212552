"""Forks Spark's Python workers, as ``pyspark.daemon``, after importing what they need.

``spark.python.daemon.module`` names it. Else each worker imports it all by itself: 2 to 3 s, a part
of it in the middle of the extraction, as pyarrow looks for pandas at its first conversion.
"""

import gc
import importlib
import socket
import sys
import zipimport
from collections.abc import Callable, Iterable
from pathlib import Path

_ZIP = ("pyspark", "python", "lib", "pyspark.zip")
# None of these may start a thread that does not outlive a fork: numpy's and pyarrow's do,
# TensorFlow's do not.
_NEEDED = (
    *(
        "pandas",
        "pyarrow.parquet",
        "fruits_kedro.spark.parquet_writer",
        "fruits_kedro.backbones.litert",
    ),
    *("fruits_kedro.features.checkpoint", "fruits_kedro.features.extract"),
)


def without_zip(paths: Iterable[str]) -> list[str]:
    """Entries of ``sys.path`` without PySpark's zip, if PySpark is a package in another of them.

    Spark gives its workers PySpark as a zip, which Python compiles at each start. Where it was
    installed as a package, the zip is a part of that, and the same code lies around it, compiled.
    """
    entries = list(paths)
    zips = [entry for entry in entries if Path(entry).parts[-len(_ZIP) :] == _ZIP]
    spare = {entry for entry in zips if str(Path(entry).parents[3]) in entries}
    return [entry for entry in entries if entry not in spare]


def main() -> None:
    """Import, and fork workers until Spark has no more work."""
    sys.path[:] = without_zip(sys.path)
    # Each task begins with importlib.invalidate_caches(), at which Python before 3.13 reads the
    # directory of each zip again, for each package in it: 70 ms. They are the same ones.
    zipimport.zipimporter.invalidate_caches = lambda self: None  # type: ignore[method-assign]
    for name in _NEEDED:
        importlib.import_module(name)
    from pyspark import daemon

    daemon.worker = at_once(daemon.worker)
    gc.freeze()  # what is shared by all workers: not looked through for garbage in each
    daemon.manager()


def at_once(worker: Callable[[socket.socket, bool], int]) -> Callable[[socket.socket, bool], int]:
    """A worker that acknowledges what it gets at once.

    Spark sends a task in two parts, the second once the first is acknowledged, with which Linux
    otherwise waits for 40 ms.
    """

    def quick(sock: socket.socket, authenticated: bool) -> int:
        if hasattr(socket, "TCP_QUICKACK"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return worker(sock, authenticated)

    return quick


if __name__ == "__main__":
    main()
