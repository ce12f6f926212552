"""What spark-submit runs on the cluster: ``kedro run`` of the installed package."""

from fruits_kedro.__main__ import main

main()
