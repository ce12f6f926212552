"""All that touches Spark's inside. Imports nothing: `kedro --help` reads it."""
