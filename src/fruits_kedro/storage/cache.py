"""The folder for files that can be made again."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def ensure_home() -> None:
    """Give a user without a name, as some containers run, a home: libraries ask for it."""
    try:
        Path.home()
    except RuntimeError:
        home = Path(tempfile.gettempdir(), f"fruits-kedro-home-{os.getuid()}")
        home.mkdir(mode=0o700, exist_ok=True)
        os.environ["HOME"] = str(home)


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/fruits-kedro``, else ``~/.cache/fruits-kedro``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "fruits-kedro")
