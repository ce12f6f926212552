"""Kedro's hooks: check the input, configure Spark, guard the store, time the run."""
