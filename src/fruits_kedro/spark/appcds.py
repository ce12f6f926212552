"""AppCDS archives of Java's and Spark's classes, with which Spark's JVM starts 2 seconds sooner.

    python -m fruits_kedro.commands.appcds

makes them once, in the Python environment; ``make setup`` does so. Without them, or with those of
another Java or other jars, a JVM loads its classes as usual. https://openjdk.org/jeps/350
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(sys.prefix) / "share" / "fruits-kedro"
JAVA, SPARK = "java.jsa", "spark.jsa"  # spark.jsa builds on java.jsa


def archive_options() -> str:
    """Options for Java 17 to use the archives; empty if there are none."""
    archives = [FOLDER / JAVA, FOLDER / SPARK]
    if " " in str(FOLDER) or not all(map(Path.is_file, archives)):  # Spark splits options at spaces
        return ""
    used = os.pathsep.join(map(str, archives))
    return f"-XX:SharedArchiveFile={used} -Xlog:cds=off -Xlog:cds+dynamic=off"
