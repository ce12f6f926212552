"""Endpoint, region and keys of buckets."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import model_validator

from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import StrictModel, validate

_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
# botocore's names for sources of keys: those that do not change during a run, and machines' roles.
_FIXED = ("env", "shared-credentials-file", "config-file", "explicit")
_OF_A_MACHINE = ("iam-role", "container-role")
_OF_KEY = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch")
# Where a user gives endpoint, region and keys.
WHERE = "the s3 entry of conf/local/credentials.yml, or the usual AWS variables"


class S3Settings(StrictModel):
    """Endpoint, region and keys of buckets, in AWS' words; each is optional.

    One value goes from ``credentials.yml``, or from the AWS variables or profile, to fsspec,
    botocore, Spark's S3A and the Python workers.

    Attributes:
        endpoint_url: of a server other than AWS.
        region_name: of the bucket.
        aws_access_key_id: a key. None if each machine has a role or if keys are renewed during a
            run: fsspec and botocore then look them up.
        aws_secret_access_key: its secret.
        aws_session_token: of temporary keys.
        requester_pays: pay for requests and traffic, where a bucket's owner does not.
    """

    endpoint_url: str | None = None
    region_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None
    requester_pays: bool = False

    @model_validator(mode="after")
    def _key_and_secret(self) -> S3Settings:
        if (self.aws_access_key_id is None) != (self.aws_secret_access_key is None):
            raise ValueError("give aws_access_key_id and aws_secret_access_key, or neither")
        return self

    @classmethod
    def find(cls, entry: dict[str, Any] | None = None) -> S3Settings:
        """The settings that hold here.

        Args:
            entry: ``s3`` of ``credentials.yml``. It overrides the AWS variables and the profile;
                key, secret and token are taken from one source.

        Raises:
            FruitsError: an unknown or wrong setting, or a missing profile.
        """
        import botocore.exceptions
        import botocore.session

        given = validate(cls, entry or {}, "The s3 entry of credentials.yml")
        region = given.region_name or os.environ.get("AWS_REGION")  # botocore does not read it
        session = botocore.session.Session()
        if region:
            session.set_config_variable("region", region)
        try:
            # botocore finds the endpoint in variables or in the profile.
            client = session.create_client(
                "s3",
                endpoint_url=given.endpoint_url,
                aws_access_key_id="",
                aws_secret_access_key="",
            )
            found = None if given.aws_access_key_id else session.get_credentials()
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise FruitsError(f"No access to S3: {error}\nGive {WHERE}.") from None
        keys: dict[str, str | None] = {}
        if found is not None and found.method in _FIXED:
            keys = dict(zip(_KEYS, found.get_frozen_credentials()))
        endpoint = client.meta.endpoint_url
        is_aws = urlsplit(endpoint).hostname.endswith((".amazonaws.com", ".amazonaws.com.cn"))
        region = session.get_config_variable("region")
        own = {"endpoint_url": None if is_aws else endpoint, "region_name": region}
        return cls(**given.model_dump(exclude_none=True) | keys | own)

    @classmethod
    def of_options(cls, options: dict[str, Any]) -> S3Settings:
        """The settings that :meth:`storage_options` gave."""
        found = {name: options.get(key) for name, key in zip(_KEYS, ("key", "secret", "token"))}
        region = options.get("client_kwargs", {}).get("region_name")
        endpoint, pays = options.get("endpoint_url"), options.get("requester_pays", False)
        return cls(endpoint_url=endpoint, region_name=region, requester_pays=pays, **found)

    def storage_options(self) -> dict[str, Any]:
        """Options for fsspec (s3fs), in the driver and in the workers."""
        found = {
            "key": self.aws_access_key_id,
            "secret": self.aws_secret_access_key,
            "token": self.aws_session_token,
            "endpoint_url": self.endpoint_url,
            "client_kwargs": {"region_name": self.region_name} if self.region_name else None,
            "requester_pays": True if self.requester_pays else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def client(self, config: Any = None) -> Any:
        """A client of botocore."""
        import botocore.session

        session = botocore.session.Session()
        given = self.model_dump(exclude={"requester_pays"})
        return session.create_client("s3", config=config, **given)

    def spark_settings(self) -> dict[str, str]:
        """Spark's settings for Hadoop's S3A, without the keys."""
        settings = {}
        if self.endpoint_url:
            settings["spark.hadoop.fs.s3a.endpoint"] = self.endpoint_url
            settings["spark.hadoop.fs.s3a.path.style.access"] = "true"
            settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(
                not self.endpoint_url.startswith("http://")
            ).lower()
        if self.region_name:
            settings["spark.hadoop.fs.s3a.endpoint.region"] = self.region_name
        return settings

    def jvm_environment(self) -> dict[str, str | None]:
        """AWS variables for Spark's JVM, which passes them to its executors; None removes one.

        S3A knows no profiles, so keys that are renewed are looked up once.
        """
        values = (self.aws_access_key_id, self.aws_secret_access_key, self.aws_session_token)
        if values[0] is None:
            import botocore.session

            found = botocore.session.Session().get_credentials()
            if found is None or found.method in _OF_A_MACHINE:
                return {}
            values = found.get_frozen_credentials()
        return dict(zip(map(str.upper, _KEYS), values))


def end_of_login() -> datetime | None:
    """When the keys end that Spark's S3 client was given and cannot renew; None if they do not."""
    import botocore.session

    found = botocore.session.Session().get_credentials()
    if found is None or found.method in (*_FIXED[1:], *_OF_A_MACHINE):
        return None
    end: datetime | None = getattr(found, "_expiry_time", None)  # botocore has no other way to ask
    return end


def for_fsspec(entry: dict[str, Any] | None) -> dict[str, Any]:
    """An entry of ``credentials.yml`` as fsspec wants it; its own options stay as they are.

    A run translates the entry once, with what AWS' variables and profile add. Kedro-Viz runs no
    hooks and gives the datasets the entry itself.
    """
    if entry and entry.keys() <= S3Settings.model_fields.keys():
        return S3Settings(**entry).storage_options()
    return entry or {}


def is_s3(url: str) -> bool:
    """Whether a URL lies in an S3 bucket."""
    return url.startswith(("s3://", "s3a://"))


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``."""
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


def is_of_key(error: BaseException) -> bool:
    """Whether a bucket refused the key itself, which costs all photos, and not one object."""
    response = getattr(error.__cause__, "response", None) or {}
    return response.get("Error", {}).get("Code") in _OF_KEY


def request_payer(requester_pays: bool) -> dict[str, str]:
    """The argument of a request for which its sender pays, if a bucket's owner does not."""
    return {"RequestPayer": "requester"} if requester_pays else {}


def quick_config() -> Any:
    """A client's settings that let a silent server fail within seconds."""
    from botocore.config import Config

    return Config(connect_timeout=3, read_timeout=4, retries={"total_max_attempts": 2})
