"""Buckets: one place for endpoint, region and keys, and a check that fails within seconds."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import Closed, checked

_DEADLINE_S = 10
_WHERE = "the s3 entry of conf/local/credentials.yml, or the usual AWS variables"


class S3Credentials(Closed):
    """The entry ``s3`` of ``credentials.yml``, in boto3's words; each is optional.

    Attributes:
        endpoint_url: of a server other than AWS.
        region_name: of the bucket.
        aws_access_key_id: a key.
        aws_secret_access_key: its secret.
        aws_session_token: of temporary keys.
    """

    endpoint_url: str | None = None
    region_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None

    def to_environment(self) -> dict[str, str]:
        """The same as the variables that boto3, s3fs and Hadoop's S3A all read."""
        found = {
            "AWS_ENDPOINT_URL_S3": self.endpoint_url,
            "AWS_REGION": self.region_name,
            "AWS_DEFAULT_REGION": self.region_name,
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
            "AWS_SESSION_TOKEN": self.aws_session_token,
        }
        return {name: value for name, value in found.items() if value is not None}


def is_s3(url: str) -> bool:
    """Whether a root lies in a bucket."""
    return url.startswith(("s3://", "s3a://"))


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


def export_credentials(entry: dict[str, Any] | None) -> None:
    """Put endpoint, region and keys into this process' environment, for Spark and fsspec alike.

    Keys never stand among Spark's settings, where a user interface or a log could show them.

    Args:
        entry: the entry ``s3`` of ``credentials.yml``, which goes before the AWS variables; None
            leaves these, and a profile's keys are looked up (Hadoop's S3A knows no profiles).

    Raises:
        FruitsError: an unknown or wrong setting, or a profile that does not exist.
    """
    if entry is not None:
        found = checked(S3Credentials, entry, "The s3 entry of credentials.yml")
        os.environ |= found.to_environment()
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return
    import botocore.exceptions
    import botocore.session

    try:
        session = botocore.session.get_session()
        credentials = session.get_credentials()
        region = session.get_config_variable("region")
    except botocore.exceptions.BotoCoreError as error:
        raise FruitsError(f"No access to S3: {error}\nGive {_WHERE}.") from None
    if region:
        os.environ.setdefault("AWS_REGION", region)
    # A machine's own role renews its keys by itself: those are left to each library.
    if credentials is not None and credentials.method not in ("iam-role", "container-role"):
        keys = credentials.get_frozen_credentials()
        os.environ |= S3Credentials(
            aws_access_key_id=keys.access_key,
            aws_secret_access_key=keys.secret_key,
            aws_session_token=keys.token,
        ).to_environment()


def spark_settings() -> dict[str, str]:
    """Spark settings of Hadoop's S3A for the endpoint and the region of the environment."""
    endpoint = _endpoint()
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    settings = {}
    if endpoint:
        settings["spark.hadoop.fs.s3a.endpoint"] = endpoint
        settings["spark.hadoop.fs.s3a.path.style.access"] = "true"
        settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(
            not endpoint.startswith("http://")
        ).lower()
    if region:
        settings["spark.hadoop.fs.s3a.endpoint.region"] = region
    return settings


def check_bucket(url: str, write: bool = False) -> bool:
    """Check within 15 s that a root in a bucket can be listed, and written if asked for.

    Costs a LIST; a PUT and a DELETE to check writing.

    Args:
        url: ``s3://bucket/prefix``.
        write: whether to write an empty object below the root, and delete it.

    Returns:
        Whether anything lies below the root.

    Raises:
        FruitsError: what is wrong (keys, bucket, region, endpoint, rights), and what to do.
    """
    pool = ThreadPoolExecutor(1)  # looking up a name or a machine's role knows no timeout
    try:
        return pool.submit(_check, url, write).result(_DEADLINE_S)
    except TimeoutError:
        raise FruitsError(f"{url}: no answer within {_DEADLINE_S} s.{_endpoint_hint()}") from None
    finally:
        pool.shutdown(wait=False)


def _check(url: str, write: bool) -> bool:
    import boto3
    from botocore.config import Config

    bucket, prefix = split_url(url)
    prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
    config = Config(connect_timeout=3, read_timeout=4, retries={"total_max_attempts": 2})
    probe = f"{prefix}.write-check"
    client: Any = _explained(url, lambda: boto3.Session().client("s3", config=config))
    page = _explained(
        url, lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1), "be listed"
    )
    headers = page["ResponseMetadata"]["HTTPHeaders"]
    _check_region(url, bucket, client.meta.region_name, headers.get("x-amz-bucket-region"))
    if write:
        put = {"Bucket": bucket, "Key": probe, "Body": b""}
        _explained(url, lambda: client.put_object(**put), "be written")
        _explained(url, lambda: client.delete_object(Bucket=bucket, Key=probe), "be deleted from")
    return bool(page.get("Contents"))


def _check_region(url: str, bucket: str, region: str | None, found: str | None) -> None:
    if region not in (None, "aws-global", found) and found is not None:
        raise FruitsError(
            f"{url}: the bucket {bucket} is in the region {found}, but {region} is set.\n"
            f"Set AWS_REGION={found}, or region_name in {_WHERE.partition(',')[0]}."
        )


def _explained(url: str, call: Callable[[], Any], doing: str = "be reached") -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as error:
        raise FruitsError(f"{url} cannot {doing}: {_reason(error.response)}") from None
    except (BotoCoreError, ValueError) as error:
        raise FruitsError(f"{url} cannot {doing}: {error}{_endpoint_hint()}") from None


def _reason(response: dict[str, Any]) -> str:
    code = str(response["Error"].get("Code", ""))
    message = str(response["Error"].get("Message", "")).strip(".")
    region = response["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if region and code in ("301", "400", "PermanentRedirect", "AuthorizationHeaderMalformed"):
        return f"the bucket is in the region {region}.\nSet AWS_REGION={region}."
    known = {
        "404": "there is no such bucket.\nCheck its name, the endpoint and the region.",
        "NoSuchBucket": "there is no such bucket.\nCheck its name, the endpoint and the region.",
        "403": "access is denied: the key is wrong, or it has no right to this bucket.\n"
        f"Check {_WHERE}.",
        "InvalidAccessKeyId": f"the access key is not known there.\nCheck {_WHERE}.",
        "SignatureDoesNotMatch": f"the secret key is wrong.\nCheck {_WHERE}.",
        "ExpiredToken": "the session token has expired.\nSign in again.",
    }
    known["AccessDenied"] = known["403"]
    return known.get(code, f"{message} ({code}).{_endpoint_hint()}")


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _endpoint_hint() -> str:
    endpoint = _endpoint()
    asked = f"the endpoint is {endpoint}; it" if endpoint else "it"
    return f"\nEndpoint, region and keys: {_WHERE} ({asked} must be reachable from here)."
