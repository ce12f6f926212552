"""A service over the store of a classification, in this process."""

import threading

import pytest
from starlette.testclient import TestClient

from fruits_kedro.serving.app import create_app
from fruits_kedro.serving.metrics import Metrics
from fruits_kedro.serving.service import Service
from fruits_kedro.serving.settings import ServeSettings


@pytest.fixture(scope="module")
def start(classified):
    """A service by its settings; a thread classifies."""
    services = []
    metrics = Metrics()

    def make(**settings):
        given = {"store": str(classified[1])} | settings
        service = Service(ServeSettings(**given), metrics)
        thread = threading.Thread(target=service.work)
        thread.start()
        services.append((service, thread))
        return service

    yield make
    for service, thread in services:
        service.stop()
        thread.join()


@pytest.fixture(scope="module")
def service(start):
    return start()


@pytest.fixture(scope="module")
def client(service):
    return TestClient(create_app(service, None), "http://127.0.0.1", raise_server_exceptions=False)
