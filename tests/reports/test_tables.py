"""The table that a run ends with: of what it made, and of nothing else."""

import pandas as pd
import pytest

from fruits_kedro.reports.tables import (
    command_line,
    format_table,
    next_commands,
    result_rows,
    time_row,
)

COUNTS = pd.DataFrame(
    [("Training", "Apple", 1200), ("Training", "Kiwi", 30), ("Test", "Kiwi", 10)],
    columns=["split", "label", "images"],
)
PLAN = {"gone": 0, "new": 30, "changed": 2, "other_backbone": 0, "failed_before": 0, "done": 1208}
PLAN |= {"kept": 0}


def test_columns_line_up_and_no_word_is_cut():
    path = "/a/very/long/path/of/a/store/somewhere/on/a/disk/04_feature/extracted-features"
    lines = format_table([("photos", "word " * 30), ("", "more"), ("f", path)], 40).splitlines()
    assert lines[:2] == ["", "Result"] and lines[2].startswith("  photos  word word")
    assert all(line.startswith(" " * 10 + "word") for line in lines[3:-2])
    assert max(map(len, lines[:-1])) <= 40
    assert lines[-2:] == [" " * 10 + "more", f"  f       {path}"]
    assert format_table([], 40) == ""


def test_a_command_stays_on_one_line():
    command = "kedro run --pipelines classification --params images=/photos,store=/results"
    rows = [("next", command), ("", command)]
    expected = f"\nResult\n  next  {command}\n        {command}"
    assert format_table(rows, width=40) == expected


def test_a_whole_run_says_what_became_of_its_photos():
    saved = {
        "image_index": None,
        "class_counts": COUNTS,
        "extraction_plan": PLAN,
        "extraction_info": {
            "counts": {
                "features": 1237,
                "rejected": 3,
                "rejected_by_reason": {"decode: empty": 2, "read: missing": 1},
            }
        },
        "explained_variance": pd.DataFrame({"cumulative_variance": [0.5, 0.9512]}),
        "backbone_info": {"n_features": 1280, "weights": "imagenet", "fingerprint": "m-224-f32-0"},
    }
    assert result_rows(saved) == [
        ("photos", "1,240 of 2 labels: 10 Test, 1,230 Training"),
        ("extracted", "32 now, 1,208 in earlier runs"),
        ("rejected", "3 (2 decode: empty, 1 read: missing)"),
        ("components", "2 keep 95.1% of the variance"),
    ]


def test_a_part_says_what_it_made_and_nothing_more():
    assert result_rows({"pca_features": None}) == []
    saved = {"explained_variance": pd.DataFrame({"cumulative_variance": [0.9]})}
    assert result_rows(saved) == [("components", "1 keep 90.0% of the variance")]


def test_photos_that_are_no_longer_there_are_said():
    assert result_rows({"extraction_plan": PLAN | {"gone": 7, "kept": 1200}})[1:] == [
        ("kept", "1,200 photos outside the subset keep their features"),
        ("removed", "7 photos that left the input root"),
    ]


def test_a_training_and_a_packing_say_their_figures():
    info = {
        "images": {"fit": 7638, "validation": 402},
        "unusable": 1,
        "seconds": 2400.4,
        "fingerprint": "mobilenetv2-96-f32-0123456789abcdef",
        "last_epoch": {"epoch": 20, "accuracy": 0.981, "val_accuracy": 0.975, "loss": 0.9},
    }
    assert result_rows({"pretraining_info": info}) == [
        ("photos", "7,638 to fit, 402 to validate"),
        ("unusable", "1"),
        ("epochs", "20 in 2,400 s"),
        ("accuracy", "98.1%"),
        ("validation accuracy", "97.5%"),
        ("fingerprint", "mobilenetv2-96-f32-0123456789abcdef"),
    ]
    packed = {"images": 1200, "bytes": 4_200_000, "files": 2}
    assert result_rows({"packing_info": packed}) == [("photos", "1,200, 4.2 MB in 2 files")]


@pytest.mark.parametrize(("speed", "text"), [(175.2, " (175 images/s)"), (0.0, "")])
def test_a_speed_is_said_where_something_was_extracted(speed, text):
    stages = {
        "ingestion": {"seconds": 4.9, "images_per_s": 800.0},
        "extraction": {"seconds": 85.5, "images_per_s": speed},
    }
    assert time_row(stages, 100.04) == ("time", f"100.0 s: extraction 85.5{text}")


def test_a_classification_ends_with_both_protocols():
    figures = {
        "a_b.pca_features": (0.9, 0.85, 0.95),
        "majority_class.pca_features": (0.1, None, None),
        "majority_class.features": (0.2, None, None),
        "nearest_centroid.pca_features": (0.5, None, None),
    }
    models = {
        name: {"f1_macro": dict(zip(("value", "low", "high"), values))}
        for name, values in figures.items()
    }
    metrics = {
        "reason": "because",
        "best": "a_b.pca_features",
        "protocols": {
            "in_distribution": {"models": models},
            "leave_one_variety_out": {"not_measured": "one"},
        },
    }
    assert result_rows({"classification_metrics": metrics}) == [
        ("best", "a b of pca features, by cross-validation on Training"),
        (
            "Test",
            "macro-F1 0.900 (0.850 to 0.950); nearest centroid 0.500; majority class 0.100",
        ),
        ("unseen", "not measured"),
        ("why two", "because"),
    ]


def test_a_curation_says_what_it_found():
    found = {"groups": 3, "photos": 7, "near": 1, "across_labels": 1, "across_splits": 2}
    info = {"photos": 1200, "duplicates": found, "leaks": 2, "outliers": 4}
    info["neighbours"] = {"k": 10, "method": "ivf", "recall": 0.9961, "sampled": 500}
    info["quality_issues"] = {"blurry": 0, "dark": 3, "odd_size": 1}
    info["label_issues"] = {"photos": 5}
    info["selection"] = {"selected": 1190, "left_out": {"odd_size": 6, "leak": 4}}
    rows = dict(result_rows({"curation_info": info}))
    assert rows["quality"] == "3 dark, 1 odd size"
    assert rows["neighbours"] == "an index found 99.6% of them (on 500 photos)"
    assert rows["duplicates"] == "7 photos in 3 groups, 1 of them of more than one label"
    assert rows["leaks"].startswith("2 photos")
    assert rows["label issues"] == "5 photos"
    assert rows["selection"] == "1,190 photos; left out: 6 odd size, 4 leak"
    info["neighbours"]["method"] = "exact"
    found["groups"], info["quality_issues"] = 0, {"dark": 0}
    rows = dict(result_rows({"curation_info": info}))
    assert rows["duplicates"] == "none" and rows["quality"] == "nothing unusual"
    assert "neighbours" not in rows


PLACES = {"images": "/my photos", "store": "/results"}


def test_a_command_has_all_settings_as_they_are_typed():
    given = {"images": "/my photos", "extraction": {"weights": "embedded"}, "selection": {"a": 1}}
    given["classification"] = {"models": ["x", "y"]}
    assert command_line("run", given, "s3") == (
        "kedro run --env s3 --params 'images=/my photos,extraction.weights=embedded,selection.a=1,"
        "classification.models=x+y'"
    )
    assert command_line("run", {}, "local") == "kedro run"


@pytest.mark.parametrize(
    ("made", "places", "env", "commands"),
    [
        ("model_info", {}, None, []),
        (
            "class_counts_plot",
            {},
            "local",
            [
                "kedro run --pipelines curation",
                "kedro run --pipelines classification",
                "kedro viz run",
            ],
        ),
        (
            "class_counts_plot",
            PLACES,
            "s3",
            [
                "kedro run --pipelines curation --env s3 "
                "--params 'images=/my photos,store=/results'",
                "kedro run --pipelines classification --env s3 "
                "--params 'images=/my photos,store=/results'",
                "kedro viz run --env s3 --params store=/results",
            ],
        ),
        (
            "classifiers",
            PLACES,
            None,
            ["kedro predict <folder of new photos> --params store=/results"],
        ),
        (
            "packed_images",
            {},
            None,
            ["kedro run --params images=/results/01_raw/packed,store=/results"],
        ),
        (
            "pretrained_weights",
            {"store": "/results"},
            None,
            ["kedro run --params store=/results,extraction.weights=/made"],
        ),
    ],
)
def test_the_next_command_has_the_places_of_this_run(made, places, env, commands):
    place = "/results/01_raw/packed" if made == "packed_images" else "/made"
    rows = next_commands({"backbone": "/x", made: place}, places, env)
    assert [command for _, command in rows] == commands
