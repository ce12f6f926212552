"""What a client of the service does, for locust: it sends photos, one after the other.

The variable PHOTOS names a folder of them. A 503 is counted by itself: it is no failure.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from locust import FastHttpUser, task

_PHOTOS = [path.read_bytes() for path in sorted(Path(os.environ["PHOTOS"]).rglob("*.jpg"))[::7]]
_next = itertools.cycle(_PHOTOS)


class Client(FastHttpUser):
    """Sends the next photo as soon as it has an answer."""

    @task
    def predict(self) -> None:
        """One photo."""
        with self.client.post(
            "/predict",
            data=next(_next),
            headers={"Content-Type": "image/jpeg"},
            catch_response=True,
        ) as answer:
            if answer.status_code == 503:
                answer.request_meta["name"] = "busy"
                answer.success()
