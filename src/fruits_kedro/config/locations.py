"""The two roots: where the photos are, and where all that is written goes."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.framework.context import KedroContext

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import S3Settings, is_s3
from fruits_kedro.storage.s3_check import check_bucket

PROGRESS = "08_reporting/progress.json"  # in a store in a bucket, while a run extracts
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
# What Kedro, Spark and fsspec read as part of a URL's grammar, each in its own way.
_NOT_IN_A_BUCKET = set("#?*[]{}\\")
_FILES = re.compile(r"\{\d+\.\.\d+\}(?=[^/]*\.(tar|zip)$)|\*(?=[^/*]*\.parquet$)")


@dataclass(frozen=True)
class Locations:
    """The roots of a run.

    Attributes:
        images: input root, of the photos: a folder or a URL.
        store: output root, of all that is written: a folder or a URL.
        given: those of them that ``--params`` gave, as they were given.
        requester_pays: pay for reading the photos, where a bucket's owner does not.
    """

    images: str
    store: str
    given: dict[str, str] = field(default_factory=dict)
    requester_pays: bool = False

    @classmethod
    def of(cls, context: KedroContext) -> Locations:
        """The roots of ``--params``, else of ``globals.yml``; folders are below the project's.

        The catalog gets them in the same form.

        Raises:
            FruitsError: a root is not a place that all libraries understand in the same way.
        """
        config = context.config_loader
        runtime = config.runtime_params = config.runtime_params or {}
        given = {str(name): str(runtime[name]) for name in ("images", "store") if name in runtime}
        for name in ("images", "store"):
            value = runtime[name] if name in runtime else config["globals"].get(name)
            runtime[name] = read_root(name, value, context.project_path)
        pays = bool(config["globals"].get("requester_pays", False))
        return cls(runtime["images"], runtime["store"], given, pays)


def read_root(name: str, value: Any, project: Path) -> str:
    """A root as all libraries understand it: an absolute path, or ``s3://bucket/prefix``.

    Args:
        name: ``images`` or ``store``, for the message.
        project: where relative paths start.

    Raises:
        FruitsError: it is empty, not text, or not a place here.
    """
    if value is None or not str(value).strip():
        raise FruitsError(
            f"{name} is empty: perhaps a variable of your shell is not set.\n"
            f"Give --params {name}=<folder>."
        )
    if not isinstance(value, (str, Path)):
        kind = type(value).__name__
        raise FruitsError(f"{name}: {value!r} is a {kind}, not text.\nWrite it in quotes.")
    text = str(value)
    if "${" in text or any(ord(character) < 32 for character in text):
        raise FruitsError(f"{name}={text!r}: a place cannot have '${{' or control characters.")
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() != "file":
        return _read_bucket(name, text, scheme[1].lower())
    if sys.platform == "win32":
        raise FruitsError(
            f"{name}={text}: folders of Windows are not supported, as Hadoop, in Spark, needs "
            "programs there that it does not bring.\nRun it in WSL 2, which is Linux: "
            "https://learn.microsoft.com/windows/wsl/install"
        )
    if text.startswith("file:"):
        text = text.removeprefix("file:")
        if not text.startswith("/") or re.match("//[^/]", text):
            raise FruitsError(f"{name}=file:{text}: write file:///<absolute path>, or the path.")
    path = os.path.expanduser(text)
    if path.startswith("~"):
        raise FruitsError(f"{name}={text}: this home folder is not known. Write the whole path.")
    path = re.sub("^/+", "/", str(project / path))
    if name == "store" and ":" in path:
        raise FruitsError(f"store={path}: Spark cannot read models below a folder with ':'.")
    return path


def _read_bucket(name: str, text: str, scheme: str) -> str:
    if scheme not in ("s3", "s3a"):
        raise FruitsError(f"{name}={text}: only folders and s3://<bucket>/<prefix> are supported.")
    path = re.sub("/+", "/", text.partition("://")[2]).strip("/")
    if not path:
        raise FruitsError(f"{name}={text}: there is no bucket in it.")
    plain = _FILES.sub("", path) if name == "images" else path
    if found := sorted(_NOT_IN_A_BUCKET & set(plain)):
        raise FruitsError(
            f"{name}={text}: a root in a bucket cannot have {' '.join(found)} in its name: "
            "libraries read that in different ways.\nCopy it to another prefix."
        )
    return f"s3://{path}"


def check_store(store: str, settings: S3Settings | None = None) -> None:
    """Raise FruitsError unless a file can be written below the store's root.

    Args:
        settings: of a bucket; None: those that hold here.
    """
    if is_s3(store):
        check_bucket(store, settings, write=True)
        return
    try:
        Path(store).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=store).close()
    except OSError as error:
        raise FruitsError(
            f"The store {store} cannot be written: {error}.\nGive --params store=<folder>."
        ) from None


def short(place: str) -> str:
    """A path below the working folder as it is seen from there; any other place as it is."""
    return os.path.relpath(place) if Path(place).is_relative_to(Path.cwd()) else place
