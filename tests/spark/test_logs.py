"""What Spark warns of is in a file; what Py4J raises is not logged as well."""

import logging
import socket
import subprocess
import sys
import threading

import pytest
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
from py4j.protocol import Py4JError

from fruits_kedro.spark.versions import JAVA_MODULE


def test_an_answer_that_does_not_come_is_raised_and_not_logged(spark, caplog):
    server = socket.create_server(("127.0.0.1", 0))

    def end():  # as a JVM that is killed while it is asked
        asked, _ = server.accept()
        server.close()
        asked.recv(1)
        asked.close()

    threading.Thread(target=end, daemon=True).start()
    java = JavaParameters(port=server.getsockname()[1])
    gateway = ClientServer(java, PythonParameters(port=0, daemonize=True))
    with pytest.raises((Py4JError, OSError)):
        gateway.jvm.java.lang.System.currentTimeMillis()
    logging.error("ours")
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == ["ours"]


def test_spark_warns_in_a_file_and_not_on_the_screen():
    code = """
from fruits_kedro.spark.logs import log_file, log_hint
from fruits_kedro.spark.session import start_session

quiet = {"spark.ui.enabled": False, "spark.ui.showConsoleProgress": False}
spark = start_session({"spark.master": "local[1]", **quiet})
assert log_hint() == "", log_hint()
spark.conf.set("spark.sql.ansi.enabled", "true")
try:
    spark.sql("select 1 / (id - 1) from range(2)").collect()
except Exception:
    pass
assert str(log_file()) in log_hint()
print("DIVIDE_BY_ZERO" in log_file().read_text())
log_file().unlink()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = done.stderr.replace(f"WARNING: Using incubator modules: {JAVA_MODULE}\n", "")
    assert (done.stdout, said) == ("True\n", ""), done.stderr  # that line is Java's, under Spark 4
