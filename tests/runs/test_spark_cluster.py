"""A real standalone Spark cluster: the same numbers, and the backbone sent once to an executor."""

import pytest
import whole_run
from spark_cluster import running
from tests.s3.results import assert_same, results


@pytest.fixture
def spark_cluster(tmp_path):
    with running(tmp_path) as cluster:
        yield cluster


def test_a_cluster_gives_what_local_mode_gives(spark_cluster, kedro_run, sample, tmp_path):
    params = {
        "images": sample,
        "extraction.weights": "embedded",
        "extraction.max_failure_rate": 0.5,
        "pca.n_components": 5,
    }
    assert kedro_run(store=tmp_path / "local", **params).exit_code == 0
    conf = spark_cluster.configuration()
    whole_run.kedro_run(tmp_path / "spread", "--env", "standalone", conf=conf, **params)
    assert_same(results(tmp_path / "spread"), results(tmp_path / "local"))
    broadcasts = spark_cluster.broadcasts()
    assert len(broadcasts) == 2
    for executor in broadcasts:
        assert list(executor.values()) == [1]
