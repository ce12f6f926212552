"""Forks Spark's Python workers, as ``pyspark.daemon``, after importing what they need.

``spark.python.daemon.module`` names it. Else each worker imports it all by itself: 2 to 3 s, a part
of it in the middle of the extraction, as pyarrow looks for pandas at its first conversion.
"""

import gc
import importlib
import sys
from collections.abc import Iterable
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
    for name in _NEEDED:
        importlib.import_module(name)
    from pyspark import daemon

    gc.freeze()  # what is shared by all workers: not looked through for garbage in each
    daemon.manager()


if __name__ == "__main__":
    main()
