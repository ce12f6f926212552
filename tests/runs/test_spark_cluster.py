"""A real standalone Spark cluster: the same numbers, and the backbone sent once to an executor."""

import pytest
import whole_run
from spark_cluster import running
from tests.java import QUICK_START
from tests.s3.results import NUMBERS, assert_same, results
from tests.s3.server import BUCKET

# For 90 photos: less compiling, of which tests/yarn does what a cluster does.
QUICK = """
spark.sql.shuffle.partitions: 1
spark.sql.codegen.wholeStage: false
spark.sql.codegen.factoryMode: NO_CODEGEN
"""


@pytest.fixture
def spark_cluster(tmp_path, monkeypatch):
    for name, value in QUICK_START.items():
        monkeypatch.setenv(name, value)
    with running(tmp_path) as cluster:
        yield cluster


def test_a_cluster_gives_what_local_mode_gives(
    spark_cluster, s3_server, maven, kedro_run, sample, tmp_path
):
    """Over a bucket, whose keys the driver alone has: workers are nobody's children."""
    params = {
        "extraction.weights": "embedded",
        "extraction.max_failure_rate": 0.5,
        "pca.n_components": 5,
    }
    place = {"images": sample, "store": tmp_path / "local"}
    assert kedro_run(*NUMBERS, **place, **params).exit_code == 0
    s3_server.upload(sample, "cluster/photos")
    conf = spark_cluster.configuration()
    with (conf / "standalone/spark.yml").open("a") as file:
        file.write(QUICK)
    place = f"s3://{BUCKET}/cluster"
    whole_run.kedro_run(
        f"{place}/store",
        *("--env", "standalone", *NUMBERS),
        conf=conf,
        variables=s3_server.environment,
        images=f"{place}/photos",
        **params,
    )
    spread = s3_server.download("cluster/store", tmp_path / "spread")
    assert_same(results(spread), results(tmp_path / "local"))
    broadcasts = spark_cluster.broadcasts()
    assert len(broadcasts) == 2
    for executor in broadcasts:
        assert list(executor.values()) == [1]
