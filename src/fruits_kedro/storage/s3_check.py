"""A check of a bucket that fails within seconds, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from fruits_kedro.errors import FruitsError
from fruits_kedro.storage.s3 import WHERE, S3Settings, quick_config, request_payer, split_url

_DEADLINE_S = 10


def check_bucket(url: str, settings: S3Settings | None = None, write: bool = False) -> bool:
    """Check that a root in a bucket can be listed, and written if ``write``; gives up after 10 s.

    It sends a LIST, and with ``write`` the PUT and DELETE of an empty object.

    Args:
        settings: of the bucket; None looks them up first.

    Returns:
        Whether anything lies below the root.

    Raises:
        FruitsError: what is wrong (keys, bucket, region, endpoint, rights) and what to do.
    """
    settings = settings or S3Settings.find()
    pool = ThreadPoolExecutor(1)  # look-ups of names and roles have no timeout
    try:
        return pool.submit(_check, url, settings, write).result(_DEADLINE_S)
    except TimeoutError:
        raise FruitsError(f"{url}: no answer within {_DEADLINE_S} s.{_hint(settings)}") from None
    finally:
        pool.shutdown(wait=False)


def _check(url: str, settings: S3Settings, write: bool) -> bool:
    bucket, prefix = split_url(url)
    prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
    with _explained(url, settings, "be reached"):
        client = settings.client(quick_config())
    with _explained(url, settings, "be listed"):
        payer = request_payer(settings.requester_pays)
        page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1, **payer)
    headers = page["ResponseMetadata"]["HTTPHeaders"]
    _check_region(url, bucket, client.meta.region_name, headers.get("x-amz-bucket-region"))
    if write:
        probe = {"Bucket": bucket, "Key": f"{prefix}.write-check"}
        with _explained(url, settings, "be written"):
            client.put_object(**probe, Body=b"")
        with _explained(url, settings, "be deleted from"):
            client.delete_object(**probe)
    return bool(page.get("Contents"))


def _check_region(url: str, bucket: str, region: str | None, found: str | None) -> None:
    if region not in (None, "aws-global", found) and found is not None:
        raise FruitsError(
            f"{url}: the bucket {bucket} is in the region {found}, but {region} is set.\n"
            f"Set AWS_REGION={found}, or region_name in {WHERE.partition(',')[0]}."
        )


@contextmanager
def _explained(url: str, settings: S3Settings, doing: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise FruitsError(f"{url} cannot {doing}: {_reason(error.response, settings)}") from None
    except (BotoCoreError, ValueError) as error:
        raise FruitsError(f"{url} cannot {doing}: {error}{_hint(settings)}") from None


def _reason(response: dict[str, Any], settings: S3Settings) -> str:
    code = str(response["Error"].get("Code", ""))
    message = str(response["Error"].get("Message", "")).strip(".")
    region = response["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    if region and code in ("301", "400", "PermanentRedirect", "AuthorizationHeaderMalformed"):
        return f"the bucket is in the region {region}.\nSet AWS_REGION={region}."
    known = {
        "404": "there is no such bucket.\nCheck its name, the endpoint and the region.",
        "NoSuchBucket": "there is no such bucket.\nCheck its name, the endpoint and the region.",
        "403": "access is denied: the key is wrong, or it has no right to this bucket.\n"
        f"Check {WHERE}.",
        "InvalidAccessKeyId": f"the access key is not known there.\nCheck {WHERE}.",
        "SignatureDoesNotMatch": f"the secret key is wrong.\nCheck {WHERE}.",
        "ExpiredToken": "the session token has expired.\nSign in again.",
    }
    known["AccessDenied"] = known["403"]
    return known.get(code, f"{message} ({code}).{_hint(settings)}")


def _hint(settings: S3Settings) -> str:
    endpoint = settings.endpoint_url
    asked = f"the endpoint is {endpoint}; it" if endpoint else "it"
    return f"\nEndpoint, region and keys: {WHERE} ({asked} must be reachable from here)."
