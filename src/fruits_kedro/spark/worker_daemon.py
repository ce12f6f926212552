"""Forks Spark's Python workers, like ``pyspark.daemon``, after importing what they need.

``spark.python.daemon.module`` names this module. Otherwise each worker spends 2 to 3 s on imports,
some of them during the extraction: pyarrow imports pandas at its first conversion.
"""

import gc
import importlib
import sys
from collections.abc import Iterable
from pathlib import Path

_ZIP = ("pyspark", "python", "lib", "pyspark.zip")
# Threads must survive a fork: those of numpy and pyarrow do, those of TensorFlow do not.
_NEEDED = (
    "pandas",
    "pyarrow.parquet",
    "fruits_kedro.backbones.litert",
    "fruits_kedro.features.checkpoint",
    "fruits_kedro.features.extract",
    "fruits_kedro.spark.parquet_writer",
)


def without_zip(paths: Iterable[str]) -> list[str]:
    """Entries of ``sys.path`` without PySpark's zip, if PySpark is installed as a package.

    Spark gives workers PySpark as a zip, which Python compiles at each start. The package around
    that zip holds the same code, compiled.
    """
    entries = list(paths)
    zips = [entry for entry in entries if Path(entry).parts[-len(_ZIP) :] == _ZIP]
    spare = {entry for entry in zips if str(Path(entry).parents[3]) in entries}
    return [entry for entry in entries if entry not in spare]


def main() -> None:
    """Import what workers need, and fork workers until Spark has no more work."""
    sys.path[:] = without_zip(sys.path)
    for name in _NEEDED:
        importlib.import_module(name)
    from pyspark import daemon

    gc.freeze()  # no garbage collection of what all workers share
    daemon.manager()


if __name__ == "__main__":
    main()
