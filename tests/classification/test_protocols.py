"""Which varieties are held out, and what fruit each is of."""

import pytest

from fruits_kedro.classification.protocols import NEVER, fruits_of, reason_of, variety_folds


def test_the_fruit_is_the_first_word_unless_the_rule_says_otherwise():
    labels = ["Apple 1", "Apple Red 2", "Cherry Wax", "Cherry", "#"]
    expected = {"Apple 1": "Apple", "Apple Red 2": "Apple", "Cherry Wax": "Cherry"}
    assert fruits_of(labels, r"^\w+") == expected | {"Cherry": "Cherry", "#": "#"}
    assert fruits_of(["pear_abate", "pear_red"], "^(.+?)_") == dict.fromkeys(
        ["pear_abate", "pear_red"], "pear"
    )


@pytest.mark.parametrize("folds", [2, 3, 5])
def test_each_variety_is_held_out_once_and_its_fruit_is_always_known(folds):
    varieties = {"Apple": 9, "Pear": 4, "Cherry": 2, "Fig": 1}
    fruits = {f"{fruit} {i}": fruit for fruit, n in varieties.items() for i in range(n)}
    found = variety_folds(fruits, folds, seed=0)
    assert found.keys() == fruits.keys()
    assert [v for v, fold in found.items() if fold == NEVER] == ["Fig 0"]
    for fold in range(folds):
        kept = {fruits[v] for v, held in found.items() if held != fold}
        assert kept == set(varieties)
    apples = [fold for v, fold in found.items() if v.startswith("Apple")]
    assert max(map(apples.count, range(folds))) - min(map(apples.count, range(folds))) <= 1


def test_the_seed_alone_decides():
    fruits = {f"{fruit} {i}": fruit for fruit in ("Apple", "Pear") for i in range(20)}
    assert variety_folds(fruits, 3, 1) == variety_folds(dict(reversed(fruits.items())), 3, 1)
    assert variety_folds(fruits, 3, 1) != variety_folds(fruits, 3, 2)


def test_a_pattern_may_have_a_group_that_does_not_match():
    assert fruits_of(["Apple 1", "Pear 1", "!"], r"^(Apple)|\w+") == {
        "Apple 1": "Apple",
        "Pear 1": "Pear",
        "!": "!",
    }


def test_varieties_with_photos_in_common_are_held_out_together():
    fruits = {**{f"Apple {i}": "Apple" for i in range(9)}, "Pear 1": "Pear", "Pear 2": "Pear"}
    shared = [("Apple 0", "Apple 7"), ("Apple 3", "Apple 7"), ("Apple 1", "Pear 1")]
    found = variety_folds(fruits, 3, 0, shared)
    assert found.keys() == fruits.keys()
    assert found["Apple 0"] == found["Apple 3"] == found["Apple 7"]
    assert {found["Pear 1"], found["Pear 2"]} < {0, 1, 2} and found["Pear 1"] != found["Pear 2"]
    two = {"Fig 1": "Fig", "Fig 2": "Fig", "Plum": "Plum"}
    assert set(variety_folds(two, 2, 0, [("Fig 1", "Fig 2")]).values()) == {NEVER}


def test_one_fruit_alone_is_not_told_from_itself():
    fruits = {"Red Apple": "Red", "Red Grape": "Red", "Fig": "Fig", "Plum": "Plum"}
    assert set(variety_folds(fruits, 3, 0).values()) == {NEVER}


def test_only_fruits_360_is_spoken_of_as_fruits_360():
    ours = reason_of(["Test/Apple 1/r0_12_100.jpg", "Test/Apple 1/12_100.jpg"])
    others = reason_of(["test/Apple/IMG_0001.JPG", "test/Apple/12_100.jpg"])
    assert "same physical fruits" in ours and "Fruits-360" not in others
    assert ours.endswith(others.partition(": ")[2]) and "never trained on" in others
