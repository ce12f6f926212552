"""Wrong settings are named all at once, and no secret is shown."""

from typing import Literal

import pytest

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import StrictModel, validate


class Settings(StrictModel):
    engine: Literal["fast", "exact"] = "fast"
    secret: str = ""


def test_all_faults_are_named_and_no_secret_is_shown():
    assert validate(Settings, {"engine": "exact"}, "x").engine == "exact"
    with pytest.raises(FruitsError) as caught:
        validate(Settings, {"engine": "slow", "secret": 1234, "engin": 1}, "x.yml is wrong")
    assert str(caught.value).splitlines() == [
        "x.yml is wrong:",
        "- engine: Input should be 'fast' or 'exact' (given: 'slow')",
        "- secret: Input should be a valid string",
        "- engin: there is no such setting",
    ]
