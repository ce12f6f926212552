"""Versions that settings must match."""

from __future__ import annotations

import re
from pathlib import Path

from fruits_kedro.errors import FruitsError


def hadoop_version() -> str:
    """The Hadoop version of the installed PySpark; FruitsError if it brings none."""
    import pyspark

    jars = Path(pyspark.__file__).with_name("jars")
    for jar in jars.glob("hadoop-client-api-*.jar"):
        if found := re.fullmatch(r"hadoop-client-api-([\d.]+)\.jar", jar.name):
            return found[1]
    raise FruitsError(
        f"There is no Hadoop among the jars of PySpark ({jars}): Spark's S3 client cannot be "
        "chosen.\nInstall PySpark from PyPI, or name the jars in spark.jars.packages."
    )
