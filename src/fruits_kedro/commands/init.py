"""Writes a Kedro project: configuration and notebooks to change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from fruits_kedro.config.template import PACKAGE, TEMPLATE
from fruits_kedro.errors import FruitsError

_PYPROJECT = """\
[tool.kedro]
package_name = "{package}"
project_name = "{name}"
kedro_init_version = "{kedro}"
source_dir = "."
"""
_GITIGNORE = """\
conf/local/
data/
.viz/
.ipynb_checkpoints/
"""


def init_project(folder: Path) -> Iterator[Path]:
    """Write a project into a folder; yields what was written, below the folder.

    Raises:
        FruitsError: the folder has one of these files already, or the package brings none (it
            does so if it is installed from a wheel).
    """
    import kedro

    if not TEMPLATE.is_dir():
        raise FruitsError(
            "This fruits-kedro is that of a checkout, which is a project itself.\n"
            "Work in the checkout, or install the package from its wheel."
        )
    texts = {
        "pyproject.toml": _PYPROJECT.format(
            package=PACKAGE, name=folder.resolve().name, kedro=kedro.__version__
        ),
        ".gitignore": _GITIGNORE,
        ".telemetry": "consent: false\n",  # of Kedro, which would ask or send
    }
    names = [*texts, *(path.name for path in sorted(TEMPLATE.iterdir()))]
    if there := [name for name in names if (folder / name).exists()]:
        raise FruitsError(
            f"{folder} has {', '.join(there)} already: nothing was written.\nGive another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in texts:
            (folder / name).write_text(texts[name], "utf-8")
        else:
            shutil.copytree(TEMPLATE / name, folder / name)
        yield folder / name
    (folder / "conf" / "local").mkdir()
