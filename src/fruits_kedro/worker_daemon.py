"""Forks Spark's Python workers, as ``pyspark.daemon``, after importing what they need.

``spark.python.daemon.module`` names it. Else each worker imports it all by itself: 2 to 3 s, a part
of it in the middle of the extraction, as pyarrow looks for pandas at its first conversion.
Nothing that is imported here may start a thread that does not outlive a fork: numpy's and
pyarrow's do, TensorFlow's do not.
"""

import gc

import pandas  # noqa: F401
import pyarrow.parquet  # noqa: F401
from pyspark.daemon import manager

import fruits_kedro.arrow_writer
import fruits_kedro.backbones.litert
import fruits_kedro.extraction_checkpoint
import fruits_kedro.extractor  # noqa: F401

if __name__ == "__main__":
    gc.freeze()  # what is shared by all workers: not looked through for garbage in each
    manager()
