"""How Spark works off the queries of a node, and what is said where its JVM has gone."""

import socket
import threading

import pytest
from kedro.pipeline import Node
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
from py4j.protocol import Py4JError

from fruits_kedro.hooks.spark import SparkHooks


def is_compiled(spark):
    rows = spark.range(3).selectExpr("id * 2 as twice")
    plan = rows._jdf.queryExecution().executedPlan().toString()
    assert [row.twice for row in rows.collect()] == [0, 2, 4]
    return plan.startswith("*(1)")  # Spark's mark of a stage that is compiled


@pytest.mark.parametrize(
    ("name", "tag", "settings", "compiled"),
    [
        ("merge_features", "extraction", {}, False),
        ("to_matrix", "reduction", {}, False),
        ("apply_pca", "reduction", {}, True),  # it makes vectors of floats
        ("evaluate", "classification", {}, True),
        ("to_matrix", "reduction", {"spark.sql.codegen.maxFields": 50}, True),  # the user's choice
    ],
)
@pytest.mark.parametrize(
    ("ended", "arguments"), [("after_pipeline_run", ()), ("on_pipeline_error", (ValueError(),))]
)
def test_expressions_are_compiled_where_it_pays(
    spark, name, tag, settings, compiled, ended, arguments
):
    hooks = SparkHooks()
    hooks._spark, hooks._settings = spark, settings
    hooks.before_node_run(Node(lambda: 1, None, "x", name=name, tags=tag))
    assert is_compiled(spark) is compiled
    getattr(hooks, ended)(*arguments)
    assert is_compiled(spark)  # a notebook goes on with the session


def test_an_answer_that_does_not_come_is_raised_and_not_logged(spark, caplog):
    server = socket.create_server(("127.0.0.1", 0))

    def end():  # as a JVM that is killed while it is asked
        asked, _ = server.accept()
        server.close()
        asked.recv(1)
        asked.close()

    threading.Thread(target=end, daemon=True).start()
    java = JavaParameters(port=server.getsockname()[1])
    gateway = ClientServer(java, PythonParameters(port=0))
    with pytest.raises((Py4JError, OSError)):
        gateway.jvm.java.lang.System.currentTimeMillis()
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []
