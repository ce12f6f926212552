"""Settings that are typed and closed: a typo or a value out of range is an error, all at once."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from fruits_kedro.errors import FruitsError


class Closed(BaseModel):
    """A model that knows its settings and refuses all others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Model = TypeVar("Model", bound=Closed)


def checked(model: type[Model], values: dict[str, Any], where: str) -> Model:
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
        faults = [f"- {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise FruitsError(f"{where} is wrong:\n" + "\n".join(faults)) from None
