"""What is unusual in a photo's quality is so for its label."""

import numpy as np
import pandas as pd
import pytest

from fruits_kedro.curation.quality import FLAGS, flag_quality

N = 40
USUAL = {"width": 100, "height": 80, "sharpness": 900.0, "brightness": 0.6, "contrast": 0.2}
USUAL |= {"entropy": 6.0, "background": 0.3}
UNUSUAL = {
    "blurry": {"sharpness": 20.0},
    "dark": {"brightness": 0.1},
    "light": {"brightness": 0.97},
    "low_information": {"entropy": 1.0},
    "odd_size": {"width": 10, "height": 8},
    "odd_aspect_ratio": {"width": 200, "height": 40},
}


def photos(labels):
    """Usual ones, with some noise in what varies."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame([USUAL] * len(labels)).assign(split="Training", label=labels)
    for name in ("sharpness", "brightness", "contrast", "entropy"):
        table[name] *= rng.normal(1, 0.03, len(labels))
    return table.assign(path=[f"{i:03d}.jpg" for i in range(len(labels))])


@pytest.mark.parametrize("flag", FLAGS)
def test_each_fault_has_its_flag(flag):
    table = photos(["a"] * N)
    assert (flag_quality(table, 5)["flags"] == "").all()
    for name, value in UNUSUAL[flag].items():
        table.loc[7, name] = value
    found = flag_quality(table, 5)
    assert found["flags"][7] == flag and (found["flags"].drop(7) == "").all()
    assert found["aspect_ratio"][7] == table["width"][7] / table["height"][7]


def test_what_is_usual_in_one_label_is_not_in_another():
    """All photos of ``b`` are dark; one of ``a`` is as dark as they are."""
    table = photos(["a"] * N + ["b"] * N)
    table.loc[N:, "brightness"] *= 0.2
    table.loc[3, "brightness"] = 0.12
    found = flag_quality(table, 5).set_index("path")["flags"]
    assert found[found != ""].to_dict() == {"003.jpg": "dark"}


def test_a_dark_photo_is_not_blurred():
    """A tenth of the light leaves a hundredth of both variances."""
    table = photos(["a"] * N)
    for name, factor in {"brightness": 0.1, "contrast": 0.1, "sharpness": 0.01}.items():
        table.loc[3, name] *= factor
    assert flag_quality(table, 5)["flags"][3] == "dark"


def test_a_small_label_is_compared_with_all_photos():
    """Labels differ by much more than photos of a label do; three photos make no label."""
    table = photos([label for label in "abcde" for _ in range(N)] + ["few"] * 3)
    levels = np.repeat([0.2, 0.35, 0.5, 0.65, 0.8], N)
    table["brightness"] = np.append(levels * (table["brightness"][: 5 * N] / 0.6), [0.3, 0.31, 0.7])
    assert (flag_quality(table, 5)["flags"] == "").all()


def test_a_photo_may_have_several_and_few_photos_are_compared_with_all():
    table = photos(["a"] * N + [None, "few"])
    for row in (N, N + 1):
        table.loc[row, ["sharpness", "entropy"]] = [5.0, 0.0]
    found = flag_quality(table, 5)["flags"]
    assert found[N] == found[N + 1] == "blurry, low_information" and (found[:N] == "").all()
    assert flag_quality(table.iloc[:0], 5).empty
