"""How Spark works off the queries of a node."""

import pytest
from kedro.pipeline import Node

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
