"""What the cluster installs: wheel, configuration, wheelhouse and backbone, each with its hash."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from fruits_kedro.backbones.find import BackboneSettings, find_backbone
from fruits_kedro.config.template import PACKAGE, conf_source
from fruits_kedro.emr.archive import write_tar_gz
from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.filesystem import sha256_of

SUMS = "SHA256SUMS"  # the list of all hashes
_SECRET = re.compile(
    rb"(AKIA|ASIA)[0-9A-Z]{16}|aws_secret_access_key\s*[:=]|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    rb"|fs\.s3a\.(access\.key|secret\.key|session\.token)|gh[pousr]_\w{36}|hf_[A-Za-z]{30}"
    rb"|(?im:^\s*(\w+[._])*(password|passwd|secret|api_?key|account_?key)\s*:\s*[^\s{$#])"
)
_SAME_BYTES = {"SOURCE_DATE_EPOCH": "1700000000"}  # of a wheel that is built again
_OF_PIP = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_cache.json")
_NO_WHEEL = ("antlr4-python3-runtime==",)  # on PyPI only as source
_GLIBC = range(34, 16, -1)  # Amazon Linux 2023 has 2.34; pip needs every older one named


@dataclass(frozen=True)
class Package:
    """Files to upload.

    Attributes:
        hashes: sha256 of each, by its path in the folder.
    """

    folder: Path
    hashes: dict[str, str]

    @property
    def id(self) -> str:
        """A short name of exactly this content."""
        text = json.dumps(self.hashes, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def build_package(
    project: Path, folder: Path, python: str, arch: str, asked: BackboneSettings
) -> Package:
    """All that the cluster needs.

    Args:
        project: a checkout, a project that ``fruits-kedro init`` wrote, or any other folder, where
            the configuration is that of the installed wheel.
        folder: to build in; wheels that are there are kept.
        python: version on the nodes, such as ``3.11``.
        arch: of the nodes, ``x86_64`` or ``aarch64``.
        asked: the backbone to compile.

    Raises:
        FruitsError: a package cannot be fetched or built, or the configuration holds a secret.
    """
    from fruits_kedro.backbones.backbone_file import to_bytes

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bootstrap.sh", "run.py"):
        (folder / name).write_bytes((files("fruits_kedro.emr") / "node" / name).read_bytes())
    (folder / "conf.tar.gz").write_bytes(archive_configuration(project / conf_source()))
    backbone = find_backbone(asked, None)
    assert backbone is not None  # nothing to calibrate
    if backbone.engine == "onnx":
        raise FruitsError("The nodes have no ONNX Runtime: give a .keras or .tflite file.")
    (folder / "model.backbone").write_bytes(to_bytes(backbone))
    own, is_checkout = folder / "project", (project / "src" / PACKAGE).is_dir()
    for old in own.glob("*.whl"):
        old.unlink()
    wheel = _build_wheel(project, own) if is_checkout else pack_installed(own)
    wheels = fetch_wheels(folder / "wheels", python, arch)
    lines = sorted(f"{_pinned(path)} --hash=sha256:{sha256_of(path)}" for path in wheels)
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n")
    names = ["bootstrap.sh", "run.py", "conf.tar.gz", "model.backbone", "requirements.txt"]
    paths = [*(folder / name for name in names), wheel, *wheels]
    hashes = {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    (folder / SUMS).write_text(sums)
    return Package(folder, hashes | {SUMS: sha256_of(folder / SUMS)})


def archive_configuration(conf: Path) -> bytes:
    """A ``tar.gz`` of ``conf`` without ``local``, credentials and prices.

    Equal files give equal bytes.

    Raises:
        FruitsError: a file looks as if it held a secret.
    """
    buffer = io.BytesIO()
    write_tar_gz(buffer, _configuration(conf))
    return buffer.getvalue()


def _configuration(conf: Path) -> Iterator[tuple[str, bytes, int]]:
    for path in sorted(conf.rglob("*")):
        name = path.relative_to(conf)
        is_own = name.parts[0] == "local" or "credentials" in path.name
        if not path.is_file() or is_own or path.name == "prices.yml":  # nodes read no prices
            continue
        content = path.read_bytes()
        if _SECRET.search(content):
            raise FruitsError(
                f"{path} looks as if it held a key or a password: it is not packed.\n"
                "Keep keys in conf/local or in the AWS variables; on the cluster, roles serve."
            )
        yield f"conf/{name.as_posix()}", content, 0o644


def fetch_wheels(folder: Path, python: str, arch: str) -> list[Path]:
    """The wheels of ``cluster.lock`` for the nodes, checked against its hashes.

    A package without a wheel is built from source, which works for pure Python only.

    Raises:
        FruitsError: a wheel cannot be fetched, or is for other nodes.
    """
    lock = files("fruits_kedro.emr") / "cluster.lock"
    folder.mkdir(parents=True, exist_ok=True)
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())
    wanted = {re.match(r"[^=]+==[^\s;\\]+", entry)[0]: entry for entry in entries}  # type: ignore[index]
    have = {_pinned(path): path for path in folder.glob("*.whl")}
    for stale in set(have) - {_normal(name) for name in wanted}:
        have[stale].unlink()
    missing = [entry for name, entry in wanted.items() if _normal(name) not in have]
    if missing:
        built = [entry for entry in missing if entry.startswith(_NO_WHEEL)]
        ready = [entry for entry in missing if entry not in built]
        options = download_options(python, arch)
        _fetch(ready, folder, "download", "--dest", str(folder), *options)
        _fetch(built, folder, "wheel", "--wheel-dir", str(folder))
    found = sorted(folder.glob("*.whl"))
    foreign = [p.name for p in found if not p.name.endswith("-any.whl") and arch not in p.name]
    if foreign or len(found) != len(wanted):
        raise FruitsError(
            f"The wheelhouse {folder} is not for {arch}: {', '.join(foreign) or 'incomplete'}.\n"
            "Delete that folder and package again."
        )
    return found


def download_options(python: str, arch: str) -> list[str]:
    """pip's options for wheels that a node of this Python and architecture takes."""
    tags = [*(f"manylinux_2_{minor}" for minor in _GLIBC), "manylinux2014"]
    platforms = [f"--platform={tag}_{arch}" for tag in tags]
    return ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]


def run_pip(*arguments: str, failure: str, cwd: str | None = None) -> None:
    """Run pip, without dependencies; FruitsError with its last lines if it fails."""
    command = [sys.executable, "-m", "pip", *arguments]
    command += ["--quiet", "--no-deps", "--disable-pip-version-check"]
    environment = os.environ | _SAME_BYTES
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise FruitsError(f"{failure}:\n{last}")


def _fetch(entries: Iterable[str], folder: Path, *arguments: str) -> None:
    """Let pip fetch or build entries of the lock file."""
    text = "\n".join(entries)
    if not text:
        return
    requirements = folder / "wanted.txt"
    requirements.write_text(text + "\n")
    given = (*arguments, "--require-hashes", "-r", str(requirements))
    try:
        run_pip(*given, failure="The wheels for the cluster cannot be fetched")
    finally:
        requirements.unlink()


def _build_wheel(project: Path, folder: Path) -> Path:
    failure = "The project's wheel cannot be built"
    with tempfile.TemporaryDirectory() as copy:  # keeps out what an earlier build left
        shutil.copytree(
            project / "src", Path(copy, "src"), ignore=shutil.ignore_patterns("*.egg-info")
        )
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(project / name, copy)
        given = ("wheel", "--wheel-dir", str(folder), "--no-build-isolation", ".")
        run_pip(*given, failure=failure, cwd=copy)
    built = list(folder.glob("*.whl"))
    if len(built) != 1:
        raise FruitsError(f"{failure}: {folder} has {len(built)} wheels.")
    return built[0]


def pack_installed(folder: Path) -> Path:
    """The wheel that this package was installed from, from its files."""
    folder.mkdir(parents=True, exist_ok=True)
    package = distribution(PACKAGE)
    wheel = folder / f"{PACKAGE}-{package.version}-py3-none-any.whl"
    # Not what pip has added: its notes, compiled files, and the command, which is not below.
    kept = [
        file
        for file in package.files or []
        if "__pycache__" not in file.parts and ".." not in file.parts and file.name not in _OF_PIP
    ]
    record = f"{PACKAGE}-{package.version}.dist-info/RECORD"
    lines = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as out:
        for file in sorted(kept, key=str):
            content = file.read_binary()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            lines.append(f"{file.as_posix()},sha256={digest.decode()},{len(content)}")
            out.writestr(zipfile.ZipInfo(file.as_posix()), content)  # of 1980: the same bytes
        out.writestr(zipfile.ZipInfo(record), "\n".join([*lines, f"{record},,", ""]))
    return wheel


def _pinned(wheel: Path) -> str:
    name, version, *_ = wheel.name.split("-")
    return _normal(f"{name}=={version}")


def _normal(requirement: str) -> str:
    name, _, version = requirement.partition("==")
    return f"{re.sub(r'[-_.]+', '-', name).lower()}=={version}"
