"""All that touches Spark's internals. Imports nothing, because ``kedro --help`` imports it."""
