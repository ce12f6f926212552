"""A run over an archive gives what a run over the folder gives, and goes on with it."""

import json
import tarfile

from tests.s3.results import EXTRACTION, NUMBERS, assert_same, results

COUNTS = "04_feature/extraction_plan.json"


def test_a_run_over_shards(sample, finished, kedro_run, tmp_path):
    expected = results(finished[0])
    for i, part in enumerate(sorted(sample.iterdir())):
        with tarfile.open(tmp_path / f"shard-{i}.tar", "w") as archive:
            archive.add(part, part.name)
    images = tmp_path / f"shard-{{0..{i}}}.tar"
    result = kedro_run(*NUMBERS, images=images, store=tmp_path / "store")
    assert result.exit_code == 0, result.output
    assert_same(results(tmp_path / "store"), expected)
    given = {"extraction.retry_rejected": "false", "extraction.partitions": 2}
    again = kedro_run(*EXTRACTION, images=images, store=tmp_path / "store", **given)
    assert again.exit_code == 0, again.output
    plan = json.loads((tmp_path / "store" / COUNTS).read_text())
    assert {name for name, count in plan.items() if count} == {"done"}
