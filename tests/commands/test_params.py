"""Places in ``--params`` are taken as they are written; all else is Kedro's YAML."""

import click
import pytest

from fruits_kedro.commands.params import parse_params


@pytest.mark.parametrize(
    "place",
    ["/lot #3", "@home/x", "[2024] photos", "2024_01_15", "1e3", "null", "a=b", "a, b,c", "", " x"],
)
def test_places_are_taken_as_they_are_written(place):
    found = parse_params(f"subset=mini,store={place},pca.n_components=3")
    assert found == {"subset": "mini", "store": place, "pca": {"n_components": 3}}


def test_weights_are_a_place_as_well():
    found = parse_params("extraction.weights=my weights #3.h5,extraction.input_size=96")
    assert found == {"extraction": {"weights": "my weights #3.h5", "input_size": 96}}


@pytest.mark.parametrize("text", ["subset=@home", "subset=[a", "subset", "=x"])
def test_what_cannot_be_read_is_named(text):
    with pytest.raises(click.UsageError, match=r"--params|params"):
        parse_params(text)
