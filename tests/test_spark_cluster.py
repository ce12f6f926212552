"""A real standalone Spark cluster: the same numbers, and the backbone sent once to an executor."""

from spark_cluster import running
from tests.s3.results import assert_same, results
from whole_run import kedro_run


def test_a_cluster_gives_what_local_mode_gives(project, sample, tmp_path):
    params = {
        "images": sample,
        "extraction.weights": "embedded",
        "extraction.max_failure_rate": 0.5,
        "pca.n_components": 5,
    }
    kedro_run(tmp_path / "local", "--env", "local", **params)
    with running(tmp_path) as cluster:
        settings = {"conf": cluster.configuration(), **params}
        info = kedro_run(tmp_path / "spread", "--env", "standalone", **settings).info
        broadcasts = cluster.broadcasts()
    assert_same(results(tmp_path / "spread"), results(tmp_path / "local"))
    assert info["machine_optimum"]["cores"] == 2
    # Once for the extraction, once for the calibration.
    assert len(broadcasts) == 2
    for executor in broadcasts:
        assert len(executor) == 2 and set(executor.values()) == {1}
