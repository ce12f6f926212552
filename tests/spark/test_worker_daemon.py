"""What the process does that Spark's Python workers are forked from."""

from fruits_kedro.spark.worker_daemon import without_zip


def test_pyspark_is_imported_from_around_its_zip_where_it_is_a_package():
    """In Spark's own folder, as on a cluster, the zip is all there is."""
    zips = ["/a/pyspark/python/lib/pyspark.zip", "/a/pyspark/python/lib/py4j-src.zip"]
    assert without_zip(["/b", *zips, "/a"]) == ["/b", zips[1], "/a"]
    for paths in (["/b", *zips], ["/opt/spark/python/lib/pyspark.zip", "/opt"]):
        assert without_zip(paths) == paths
