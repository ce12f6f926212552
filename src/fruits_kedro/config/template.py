"""What the wheel brings for folders that are no project: configuration and notebooks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from kedro.utils import find_kedro_project

PACKAGE = "fruits_kedro"
TEMPLATE = Path(__file__).parents[1] / "template"  # in a wheel only
_OWN = re.compile(r"(?<![\w-])kedro (?=(run|report|sample|predict|similar|verify|emr)\b)")


def own_project() -> Path | None:
    """The project of this package that the working folder is in; None if it is in none."""
    found: Path | None = find_kedro_project(Path.cwd())
    if found is None:
        return None
    settings = tomllib.loads((found / "pyproject.toml").read_text("utf-8"))
    return found if settings["tool"]["kedro"].get("package_name") == PACKAGE else None


def in_project() -> bool:
    """Whether there is a project here, whose configuration and Kedro's own commands serve."""
    return own_project() is not None or not TEMPLATE.is_dir()


def conf_source() -> str:
    """Kedro's ``CONF_SOURCE``: ``conf`` of the project, or what the wheel brings outside of one."""
    return "conf" if in_project() else str(TEMPLATE / "conf")


def default_environment() -> str:
    """The environment of a run that names none: ``local``.

    Where the wheel brings the configuration, it is ``conf/local`` of the working folder. Without
    such a folder there is ``base`` alone.
    """
    if in_project():
        return "local"
    local = Path.cwd() / "conf" / "local"
    return str(local) if local.is_dir() else "base"


def as_typed(text: str) -> str:
    """A text whose commands of Kedro are those that exist outside of a project, if that is here."""
    return text if in_project() else _OWN.sub("fruits-kedro ", text)
