"""Settings that are typed and closed: all typos and values out of range are named at once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from fruits_kedro.errors import FruitsError


class StrictModel(BaseModel):
    """A model that knows its settings and refuses all others.

    Attributes:
        renamed: the new name of each setting that once had another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    renamed: ClassVar[dict[str, str]] = {}


# --params splits at commas, so items of a list are joined by +; an empty text has none.
SPLIT = BeforeValidator(
    lambda value: list(filter(None, value.split("+"))) if isinstance(value, str) else value
)

_SECRET = re.compile("key|secret|token")

# What pydantic calls a fault, and what a user reads.
_WORDS = {
    "missing": "is missing",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "string": "must be text",
    "list": "must be a list, such as [a, b]",
    "dict": "must be a group of settings, such as {{name: value}}",
    "model": "must be a group of settings, such as {{name: value}}",
    "literal_error": "must be {expected}",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be {le:g} or less",
    "multiple_of": "must be a multiple of {multiple_of:g}",
    "too_short": "must not be empty",
    "value_error": "{error}",
}

Model = TypeVar("Model", bound=StrictModel)


def validate(model: type[Model], values: dict[str, Any], where: str) -> Model:
    """The values as a model; FruitsError with all that is wrong in ``where``."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "\n".join(f"- {_describe(fault, model)}" for fault in error.errors())
        raise FruitsError(f"{where}:\n{faults}") from None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`` (did you mean …?)`` with the closest known name, or nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f" (did you mean {close[0]}?)" if close else ""


def setting_names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All settings of a model and of the models in it, with dots, such as ``pca.n_components``."""
    names = []
    for name, field in model.model_fields.items():
        names.append(f"{prefix}{name}")
        if inner := _inner_model(field.annotation):
            names += setting_names(inner, f"{prefix}{name}.")
    return names


def _describe(fault: Any, model: type[StrictModel]) -> str:
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return _describe_unknown(name, fault["loc"], model)
    kind = fault["type"]
    words = _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0])
    text = words.format(**fault.get("ctx", {})) if words else fault["msg"]
    is_shown = not isinstance(fault["input"], dict) and not _SECRET.search(name)
    given = f" (given: {fault['input']!r})" if is_shown else ""
    return f"{name}: {text}{given}".removeprefix(": ")


def _describe_unknown(name: str, path: tuple[str | int, ...], model: type[BaseModel]) -> str:
    for part in path[:-1]:
        field = model.model_fields.get(str(part))
        model = (_inner_model(field.annotation) if field else None) or model
    last = str(path[-1])
    if new := getattr(model, "renamed", {}).get(last):
        return f"{name}: is called {new} now"
    return f"{name}: there is no such setting{did_you_mean(last, setting_names(model))}"


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None
