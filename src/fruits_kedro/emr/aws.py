"""AWS clients with retries and readable errors."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fruits_kedro.errors import FruitsError, NotAllowedError
from fruits_kedro.storage.s3 import list_objects, split_url

_EVERY_S = 10.0  # between looks
_PATIENCE_S = 900  # without an answer of AWS
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

Seen = TypeVar("Seen")
Show = Callable[..., None]  # gets a state, the seconds so far and, of a run, its progress


class Aws:
    """The clients of one region."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._session = botocore.session.Session()

    @functools.cached_property
    def emr(self) -> Any:
        """Elastic MapReduce."""
        return self.client("emr")

    @functools.cached_property
    def s3(self) -> Any:
        """S3."""
        return self.client("s3")

    def client(self, service: str, region: str | None = None) -> Any:
        """A client that retries more slowly when AWS throttles."""
        config = Config(
            retries={"mode": "adaptive", "max_attempts": 5}, connect_timeout=5, read_timeout=30
        )
        where = region or self.region
        return self._session.create_client(service, config=config, region_name=where)

    def download(self, url: str) -> bytes | None:
        """An object's bytes, or None if there is none."""
        bucket, key = split_url(url)
        with explained(f"reading {url}"):
            try:
                return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            except self.s3.exceptions.NoSuchKey:
                return None

    def upload(self, url: str, content: bytes) -> None:
        """Write an object."""
        bucket, key = split_url(url)
        with explained(f"writing {url}"):
            self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def listing(self, url: str) -> Iterator[dict[str, Any]]:
        """All objects below a URL, in pages of 1,000."""
        with explained(f"listing {url}"):
            yield from list_objects(self.s3, url)


def watch(look: Callable[[], Seen], show: Show) -> Iterator[tuple[Seen, float]]:
    """What ``look`` sees, every ten seconds for ever, and the seconds so far.

    A network that is away is waited for, for 15 minutes; other errors of ``look`` are raised.
    """
    waited = answered = 0.0
    while True:
        try:
            seen = look()
        except FruitsError as error:
            is_away = isinstance(error.__cause__, BotoCoreError)
            if not is_away or waited - answered >= _PATIENCE_S:
                raise
            show("AWS does not answer", waited)
        else:
            answered = waited
            yield seen, waited
        time.sleep(_EVERY_S)
        waited += _EVERY_S


@contextmanager
def explained(doing: str, remedy: str = "") -> Iterator[None]:
    """Turn errors of AWS' client into a FruitsError: what was being done, and what to do now."""
    remedy = f". {remedy}" if remedy else ""
    try:
        yield
    except ClientError as error:
        code, text = (error.response["Error"].get(key, "") for key in ("Code", "Message"))
        if code in _THROTTLED:
            text = f"AWS is answering too many requests of this account; try again later. {text}"
        kind = NotAllowedError if code in _DENIED else FruitsError
        raise kind(f"{doing}: {text} ({code}){remedy}") from error
    except BotoCoreError as error:
        raise FruitsError(f"{doing}: {error}{remedy}") from error
