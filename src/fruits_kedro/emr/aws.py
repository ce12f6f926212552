"""AWS clients with retries and readable errors."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fruits_kedro.errors import FruitsError, NotAllowedError
from fruits_kedro.storage.s3 import request_payer, split_url
from fruits_kedro.storage.s3_listing import list_pages

_EVERY_S = 10.0  # between looks
_PATIENCE_S = 600  # without an answer of AWS
_THROTTLED = {
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
}
_EXPIRED = {
    "InvalidSignatureException",
    "RequestTimeTooSkewed",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "UnauthorizedException",
    "UnrecognizedClientException",
}
_BLOCKED = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}

Seen = TypeVar("Seen")
Show = Callable[..., None]  # gets a state, the seconds so far and, of a run, its progress


class NoAnswerError(FruitsError):
    """AWS does not answer now: no network, too many requests, or a login that has expired."""


class OutOfSightError(FruitsError):
    """A run or a cluster could not be watched any longer; it goes on without."""


class Object(NamedTuple):
    """An object in a bucket; the size in bytes."""

    key: str
    modified: datetime
    size: int


class Encryption(NamedTuple):
    """A bucket's: S3's word for the algorithm, the ARN of a KMS key, and the bucket's own key."""

    algorithm: str
    key: str | None
    has_bucket_key: bool

    @property
    def is_by_kms(self) -> bool:
        """Whether KMS has the key."""
        return self.algorithm.startswith("aws:kms")


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
    def serverless(self) -> Any:
        """EMR Serverless."""
        return self.client("emr-serverless")

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

    def who(self) -> str:
        """The ARN of this login."""
        remedy = "Sign in (aws sso login), or set AWS_PROFILE or the AWS_… keys."
        with explained("asking who you are", remedy):
            return str(self.client("sts").get_caller_identity()["Arn"])

    def role(self, name: str, doing: str = "", remedy: str = "") -> str:
        """The ARN of a role."""
        with explained(doing or f"{name} (the template in docs/emr.md makes it)", remedy):
            return str(self.client("iam").get_role(RoleName=name)["Role"]["Arn"])

    def encryption(self, bucket: str) -> Encryption:
        """How a bucket encrypts."""
        remedy = f"If there is none, switch it on (S3 console, Properties of {bucket})."
        with explained(f"asking for the default encryption of {bucket}", remedy):
            found = self.s3.get_bucket_encryption(Bucket=bucket)
        rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]
        given = rule["ApplyServerSideEncryptionByDefault"]
        return Encryption(
            algorithm=given["SSEAlgorithm"],
            key=given.get("KMSMasterKeyID"),
            has_bucket_key=rule.get("BucketKeyEnabled", False),
        )

    def public_access_block(self, bucket: str) -> dict[str, bool]:
        """What is blocked by a bucket, or by its account."""
        found = _blocked(lambda: self.s3.get_public_access_block(Bucket=bucket))
        if all(found.values()):
            return found
        account = self.who().split(":")[4]
        control = self.client("s3control")
        by_account = _blocked(lambda: control.get_public_access_block(AccountId=account))
        return {name: found[name] or by_account[name] for name in _BLOCKED}

    def quota(self, service: str, code: str) -> float:
        """A quota of this account in this region."""
        with explained(f"asking for the quota {code} of {service}"):
            found = self.client("service-quotas").get_service_quota(
                ServiceCode=service, QuotaCode=code
            )
        return float(found["Quota"]["Value"])

    def download(self, url: str, requester_pays: bool = False) -> bytes | None:
        """An object's bytes, or None if there is none."""
        payer = request_payer(requester_pays)
        bucket, key = split_url(url)
        with explained(f"reading {url}"):
            try:
                return bytes(self.s3.get_object(Bucket=bucket, Key=key, **payer)["Body"].read())
            except self.s3.exceptions.NoSuchKey:
                return None

    def upload(self, url: str, content: bytes) -> None:
        """Write an object."""
        bucket, key = split_url(url)
        with explained(f"writing {url}"):
            self.s3.put_object(Bucket=bucket, Key=key, Body=content)

    def copy(self, source: str, target: str) -> None:
        """Copy an object to another key, within S3."""
        bucket, key = split_url(source)
        to_bucket, to_key = split_url(target)
        with explained(f"copying {source}"):
            self.s3.copy_object(
                Bucket=to_bucket, Key=to_key, CopySource={"Bucket": bucket, "Key": key}
            )

    def listing(self, url: str, requester_pays: bool = False) -> Iterator[Object]:
        """All objects below a URL, in order, by pages of 1,000."""
        with explained(f"listing {url}"):
            for page in list_pages(self.s3, url, requester_pays=requester_pays):
                for key, time_, size in zip(page.keys, page.times, page.sizes, strict=True):
                    yield Object(key, datetime.fromisoformat(time_), int(size))


def _blocked(ask: Callable[[], Any]) -> dict[str, bool]:
    try:
        found: dict[str, bool] = ask()["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        return dict.fromkeys(_BLOCKED, False)
    return found


def watch(look: Callable[[], Seen], show: Show) -> Iterator[tuple[Seen, float]]:
    """What ``look`` sees, every ten seconds for ever, and the seconds since the first look.

    An answer is waited for, for ten minutes; errors of other kinds are raised at once.

    Raises:
        OutOfSightError: no answer came.
    """
    started = answered = time.monotonic()
    while True:
        try:
            seen = look()
        except NoAnswerError as error:
            now = time.monotonic()
            if now - answered >= _PATIENCE_S:
                raise OutOfSightError(str(error)) from error
            show("AWS does not answer", now - started)
        else:
            answered = time.monotonic()
            yield seen, answered - started
        time.sleep(_EVERY_S)


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
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = FruitsError
        if code in _DENIED:
            kind = NotAllowedError
        elif code in _THROTTLED | _EXPIRED or status >= 500:
            kind = NoAnswerError
        raise kind(f"{doing}: {text} ({code}){remedy}") from error
    except BotoCoreError as error:
        raise NoAnswerError(f"{doing}: {error}{remedy}") from error
