"""What goes with the installed Spark: its Java, and its client of S3."""

from __future__ import annotations

import re
from pathlib import Path

from fruits_kedro.errors import FruitsError

# By Spark's major version. The committer's classes are the same in all minor versions.
_JAVA = {3: (8, 11, 17), 4: (17, 21)}
JAVA_MODULE = "jdk.incubator.vector"  # with which Spark 4 starts Java
_COMMITTER = {3: "spark-hadoop-cloud_2.12:3.5.8", 4: "spark-hadoop-cloud_2.13:4.1.2"}


def java_versions() -> tuple[int, ...]:
    """The versions of Java that Spark runs on."""
    return _JAVA[spark_major()]


def s3_packages() -> str:
    """Maven's names of Spark's client of S3, which has to be of the version of Spark's Hadoop.

    Raises:
        FruitsError: PySpark brings no Hadoop.
    """
    committer = _COMMITTER[spark_major()]
    return f"org.apache.hadoop:hadoop-aws:{hadoop_version()},org.apache.spark:{committer}"


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


def spark_major() -> int:
    """The major version of the installed PySpark: 3 or 4."""
    import pyspark

    return int(pyspark.__version__.partition(".")[0])
