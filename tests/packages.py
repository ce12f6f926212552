"""Packages in an environment of a test's own."""

import subprocess
import sys
from pathlib import Path

UV = Path(sys.executable).with_name("uv")
# Asked for now: tests get a cache folder of their own.
_CACHE = subprocess.run([UV, "cache", "dir"], capture_output=True, text=True).stdout.strip()


def install(python: Path, *what: str) -> None:
    """Install into an environment: from uv's cache where it has all, else from the registry.

    Args:
        python: of the environment.
        what: packages, and options of ``uv pip install``.
    """
    given = ["--quiet", "--system-certs", "--cache-dir", _CACHE, "--python", python, *what]
    command = [UV, "pip", "install", *given]
    # A registry is asked for each package, and what has no wheel is built again.
    if subprocess.run([*command, "--offline"], capture_output=True).returncode != 0:
        subprocess.run(command, check=True)
