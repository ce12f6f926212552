"""Wrong settings are named all at once, and no secret is shown."""

from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import StrictModel, validate


class Limits(StrictModel):
    renamed: ClassVar[dict[str, str]] = {"size": "bytes"}
    bytes: Annotated[int, Field(gt=0)] = 1


class Settings(StrictModel):
    engine: Literal["fast", "exact"] = "fast"
    secret: str = ""
    limits: Limits = Limits()
    sets: dict[str, Limits] = Field(default={})


def test_all_faults_are_named_and_no_secret_is_shown():
    assert validate(Settings, {"engine": "exact"}, "x").engine == "exact"
    with pytest.raises(FruitsError) as caught:
        wrong = {"engine": "slow", "secret": 1234, "engin": 1, "colour": 2}
        nested = {"limits": {"size": 3, "byte": 4}, "sets": {"small": {"bytes": 0}, "large": 5}}
        validate(Settings, wrong | nested, "x.yml is wrong")
    assert str(caught.value).splitlines() == [
        "x.yml is wrong:",
        "- engine: must be 'fast' or 'exact' (given: 'slow')",
        "- secret: must be text",
        "- limits.size: is called bytes now",
        "- limits.byte: there is no such setting (did you mean bytes?)",
        "- sets.small.bytes: must be greater than 0 (given: 0)",
        "- sets.large: must be a group of settings, such as {name: value} (given: 5)",
        "- engin: there is no such setting (did you mean engine?)",
        "- colour: there is no such setting",
    ]
