"""Packages in an environment of a test's own."""

import os
import subprocess
import sys
from pathlib import Path

UV = Path(sys.executable).with_name("uv")
# That of before the tests got a cache of their own: uv's has the packages.
_ENVIRONMENT = dict(os.environ)


def install(python: Path, *what: str) -> None:
    """Install into an environment: from uv's cache where it has all, else from the registry.

    Args:
        python: of the environment.
        what: packages, and options of ``uv pip install``.
    """
    command = [UV, "pip", "install", "--quiet", "--system-certs", "--python", python, *what]
    # A registry is asked for each package, and what has no wheel is built again.
    offline = subprocess.run([*command, "--offline"], env=_ENVIRONMENT, capture_output=True)
    if offline.returncode != 0:
        subprocess.run(command, env=_ENVIRONMENT, check=True)
