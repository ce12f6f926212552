"""How Spark works off the queries of a node."""

import pytest
from kedro.pipeline import Node

from fruits_kedro.hooks.spark import SparkHooks


@pytest.mark.parametrize(
    ("name", "tag", "compiled"),
    [
        ("merge_features", "extraction", False),
        ("to_matrix", "reduction", False),
        ("apply_pca", "reduction", True),  # it makes vectors of floats
        ("evaluate", "classification", True),
    ],
)
def test_expressions_are_compiled_where_it_pays(spark, name, tag, compiled):
    hooks = SparkHooks()
    hooks._spark = spark
    hooks.before_node_run(Node(lambda: 1, None, "x", name=name, tags=tag))
    rows = spark.range(3).selectExpr("id * 2 as twice")
    plan = rows._jdf.queryExecution().executedPlan().toString()
    assert plan.startswith("*(1)") is compiled  # Spark's mark of a stage that is compiled
    assert [row.twice for row in rows.collect()] == [0, 2, 4]
    hooks.after_pipeline_run()  # a notebook goes on with the session
    after = spark.range(3).selectExpr("id * 2 as twice")
    assert after._jdf.queryExecution().executedPlan().toString().startswith("*(1)")
