"""The synthetic fruits: the same bytes for the same seed, in the layout of Fruits-360."""

import io
import itertools

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from fruits_kedro.cli import sample as sample_command
from fruits_kedro.commands.sample import BROKEN_KINDS, class_names, draw_class


def test_photos_are_fruits_on_white_that_turn():
    photos = [
        np.asarray(Image.open(io.BytesIO(content)), np.int16)
        for _, _, content in draw_class("Apple 1", 8, seed=0)
    ]
    for photo in photos:
        assert photo.shape == (100, 100, 3)
        assert photo[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 240
        assert photo[40:60, 40:60].mean() < 200
    assert all(np.abs(a - b).mean() > 1 for a, b in itertools.pairwise(photos))


def test_a_seed_decides_every_byte():
    one, same, other = (list(draw_class("Pear 2", 4, seed)) for seed in (1, 1, 2))
    assert one == same and one != other


def test_names_go_round_the_kinds():
    names = class_names(200)
    assert names[:2] == ["Apple 1", "Cherry 1"] and names[10] == "Apple 2"
    assert len(set(names)) == 200


def test_command_fills_an_empty_folder_only(tmp_path):
    arguments = [
        "--output",
        str(tmp_path / "f"),
        "--classes",
        "2",
        "--images",
        "8",
        "--broken",
        "11",
    ]
    result = CliRunner().invoke(sample_command, arguments)
    assert result.exit_code == 0, result.output
    assert "16 photos of 2 varieties and 11 broken files" in result.output
    files = sorted(p.relative_to(tmp_path / "f").as_posix() for p in tmp_path.rglob("*.jpg"))
    good = [f for f in files if "broken" not in f]
    assert [
        sum(f.startswith(f"{s}/{c}/") for f in good)
        for s in ("Training", "Test")
        for c in ("Apple 1", "Cherry 1")
    ] == [6, 6, 2, 2]
    assert {f.split("_", 2)[2] for f in files if "broken" in f} == {
        f"{k}.jpg" for k in BROKEN_KINDS
    }
    again = CliRunner().invoke(sample_command, arguments)
    assert again.exit_code == 1 and "is not an empty folder" in again.output


@pytest.mark.parametrize("option", ["--classes", "--images"])
def test_command_refuses_nonsense(option):
    assert CliRunner().invoke(sample_command, [option, "0"]).exit_code == 2
