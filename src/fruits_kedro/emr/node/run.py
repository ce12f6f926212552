"""What spark-submit runs on the cluster: ``kedro run`` of the installed package."""

import os
import runpy

os.environ.setdefault("DO_NOT_TRACK", "1")  # no telemetry, wherever the driver is
runpy.run_module("fruits_kedro", run_name="__main__")
