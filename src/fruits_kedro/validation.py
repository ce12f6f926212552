"""Settings that are typed and closed: a typo or a value out of range is an error, all at once."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fruits_kedro.errors import FruitsError


class StrictModel(BaseModel):
    """A model that knows its settings and refuses all others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_SECRET = re.compile("key|secret|token")

Model = TypeVar("Model", bound=StrictModel)


def validate(model: type[Model], values: dict[str, Any], where: str) -> Model:
    """Check values against a model.

    Args:
        model: what they have to be.
        values: as they were read.
        where: what they were read from.

    Raises:
        FruitsError: what is wrong, all at once.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = "\n".join(f"- {_in_words(fault)}" for fault in error.errors())
        raise FruitsError(f"{where}:\n{faults}") from None


def _in_words(fault: Any) -> str:
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{name}: there is no such setting"
    message = fault["msg"].removeprefix("Value error, ")
    is_shown = not isinstance(fault["input"], dict) and not _SECRET.search(name)
    given = f" (given: {fault['input']!r})" if is_shown else ""
    return f"{name}: {message}{given}".removeprefix(": ")
