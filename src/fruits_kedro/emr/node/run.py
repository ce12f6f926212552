"""What spark-submit runs on the cluster: ``kedro run`` of the installed package."""

import runpy

runpy.run_module("fruits_kedro", run_name="__main__")
