"""What the process does that Spark's Python workers are forked from."""

import socket

import pytest

from fruits_kedro.spark.worker_daemon import at_once, without_zip


def test_pyspark_is_imported_from_around_its_zip_where_it_is_a_package():
    """In Spark's own folder, as on a cluster, the zip is all there is."""
    zips = ["/a/pyspark/python/lib/pyspark.zip", "/a/pyspark/python/lib/py4j-src.zip"]
    assert without_zip(["/b", *zips, "/a"]) == ["/b", zips[1], "/a"]
    for paths in (["/b", *zips], ["/opt/spark/python/lib/pyspark.zip", "/opt"]):
        assert without_zip(paths) == paths


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux only")
def test_a_worker_acknowledges_at_once():
    option = socket.IPPROTO_TCP, socket.TCP_QUICKACK
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        sock.setsockopt(*option, 0)
        worker = at_once(lambda sock, authenticated: (sock.getsockopt(*option), authenticated))
        assert worker(sock, True) == (1, True)
