"""Adds the configuration and the notebooks of the checkout to the wheel; all else is in
pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

LEFT = shutil.ignore_patterns("local", "test", "__pycache__", ".*")  # of the user, of the tests


class BuildWithTemplate(build_py):
    """Copies them to ``fruits_kedro/template``, where ``fruits-kedro init`` finds them."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        template = Path(self.build_lib, "fruits_kedro", "template")
        for name in ("conf", "notebooks"):
            shutil.copytree(name, template / name, ignore=LEFT, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithTemplate})
