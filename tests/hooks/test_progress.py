"""Bars of nodes that run side by side."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from fruits_kedro.hooks.locations import LocationHooks
from fruits_kedro.hooks.progress import ProgressHooks


def test_nodes_in_many_threads_share_one_bar():
    hooks = ProgressHooks(LocationHooks())
    hooks.before_pipeline_run(pipeline=None, catalog=None)
    node = SimpleNamespace(name="ingestion.index_images")

    def run(_: int) -> None:
        hooks.before_node_run(node)
        hooks.after_node_run()

    before = set(threading.enumerate())
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(run, range(400)))  # raises what a thread raised
    assert set(threading.enumerate()) <= before
