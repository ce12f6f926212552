"""Checks before anything is created; each says what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from fruits_kedro.commands.checks import run_checks
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.checks_cluster import cluster_checks
from fruits_kedro.emr.serverless import ARCHITECTURES
from fruits_kedro.emr.settings import EmrSettings, ServerlessSettings
from fruits_kedro.emr.sizing import size_workers
from fruits_kedro.emr.upload import need_uploaded
from fruits_kedro.errors import FruitsError
from fruits_kedro.images.formats import extensions
from fruits_kedro.images.source import PACKED_SUFFIX
from fruits_kedro.storage.manifest import MARK
from fruits_kedro.storage.s3 import split_url

_SERVERLESS_QUOTA = "L-D05C8A75"  # Service Quotas' code for vCPUs at a time
_LOOKED_AT = 10_000  # keys, in search of a photo


def check_all(context: Any) -> dict[str, Any]:
    """The results of all checks, as :func:`run_checks` gives them."""
    aws, settings = context.aws, context.settings
    checks: dict[str, Callable[[], str]] = {
        "credentials": aws.who,
        "region": lambda: _region(settings),
        "bucket": lambda: _bucket(aws, settings),
        "encryption": lambda: _encryption(aws, settings),
        "public access": lambda: _private(aws, settings.bucket),
        "photos": lambda: _photos(context),
    }
    if isinstance(settings, ServerlessSettings):
        checks["job role"] = lambda: _job_role(aws, settings)
        checks["application"] = lambda: _application(context)
        checks["vCPU quota"] = lambda: _serverless_quota(aws, settings)
    else:
        checks |= cluster_checks(context)
    checks["package"] = lambda: _package(context)
    return run_checks(checks)


def _region(settings: EmrSettings) -> str:
    if not settings.in_eu and not settings.allow_outside_eu:
        raise FruitsError(
            f"{settings.region} lies outside the European Union. Choose another region in "
            "conf/emr/emr.yml, or set allow_outside_eu: true there."
        )
    return settings.region


def _bucket(aws: Aws, settings: EmrSettings) -> str:
    remedy = "Create it with the CloudFormation template, or correct 'bucket' in conf/emr/emr.yml."
    with explained(f"{settings.bucket}: looking for it", remedy):
        aws.s3.head_bucket(Bucket=settings.bucket)
        where = aws.s3.get_bucket_location(Bucket=settings.bucket)["LocationConstraint"]
    where = {None: "us-east-1", "EU": "eu-west-1"}.get(where, where)
    if where != settings.region:
        raise FruitsError(
            f"{settings.bucket} is in {where}, the run would be in {settings.region}: every "
            "byte would cross regions and be billed. Use one region for both."
        )
    return f"{settings.bucket} in {where}"


def _encryption(aws: Aws, settings: EmrSettings) -> str:
    bucket = settings.bucket
    remedy = f"Switch on default encryption of {bucket} (S3 console, Properties)."
    with explained(f"{bucket} has no default encryption", remedy):
        found = aws.s3.get_bucket_encryption(Bucket=bucket)
    rule = found["ServerSideEncryptionConfiguration"]["Rules"][0]
    given = rule["ApplyServerSideEncryptionByDefault"]
    key = given.get("KMSMasterKeyID")
    if not given["SSEAlgorithm"].startswith("aws:kms"):
        return str(given["SSEAlgorithm"])
    if not rule.get("BucketKeyEnabled"):
        raise FruitsError(
            f"{bucket} asks KMS for a key for each photo, which KMS bills. Switch on its bucket "
            "key (S3 console, Properties, Default encryption)."
        )
    if key:
        _check_key(aws, settings, key)
    return f"{given['SSEAlgorithm']}, with a bucket key"


def _check_key(aws: Aws, settings: EmrSettings, key: str) -> None:
    """Raise FruitsError if the role of the nodes or of the run may not use the bucket's key."""
    iam = aws.client("iam")
    if isinstance(settings, ServerlessSettings):
        role = settings.job_role
    else:
        with explained("asking for the nodes' role"):
            name = settings.instance_profile  # type: ignore[attr-defined]
            profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
            role = profile["Roles"][0]["Arn"]
    with explained("asking whether that role may use the bucket's key"):
        found = iam.simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["kms:Decrypt", "kms:GenerateDataKey"],
            ResourceArns=[key],
        )["EvaluationResults"]
    refused = [r["EvalActionName"] for r in found if r["EvalDecision"] != "allowed"]
    if refused:
        raise FruitsError(
            f"{role} may not use the key of {settings.bucket} ({', '.join(refused)}). Give the "
            f"template the parameter BucketKey={key}, or the role these rights."
        )


def _private(aws: Aws, bucket: str) -> str:
    with explained(f"asking for the public access of {bucket}"):
        blocked = aws.public_access_block(bucket)
    if not all(blocked.values()):
        open_ = ", ".join(name for name, is_blocked in blocked.items() if not is_blocked)
        raise FruitsError(
            f"{bucket} does not block public access ({open_} is off). Switch on 'Block all public "
            f"access' of {bucket} (S3 console, Permissions)."
        )
    return "blocked"


def _photos(context: Any) -> str:
    aws, images = context.aws, context.roots.images
    if images.rstrip("/").endswith(PACKED_SUFFIX):
        if aws.download(f"{images.rstrip('/')}/{MARK}") is None:
            raise FruitsError(f"The packed photos {images} are not there, or not complete.")
        return "packed"
    payer = {"RequestPayer": "requester"} if context.requester_pays else {}
    listed = aws.listing(images.rstrip("/") + "/", **payer)
    for entry in islice(listed, _LOOKED_AT):
        if entry["Key"].lower().endswith(extensions()):
            return f"for example s3://{split_url(images)[0]}/{entry['Key']}"
    raise FruitsError(
        f"There is no photo below {images}. Upload some (aws s3 sync), or correct 'images' in "
        "globals.yml of this environment."
    )


def _package(context: Any) -> str:
    uploaded = need_uploaded(context.aws, context.settings.package_root).id
    if uploaded != context.package.id:
        raise FruitsError(
            f"The uploaded package {uploaded} is not the current one, {context.package.id}: "
            "kedro emr package"
        )
    return uploaded


def _job_role(aws: Aws, settings: ServerlessSettings) -> str:
    with explained(f"{settings.job_role} (the template in docs/emr.md makes it)"):
        name = settings.job_role.rpartition("/")[2]
        return str(aws.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def _application(context: Any) -> str:
    place, settings = context.service.reusable(), context.settings
    if place is None:
        return "none yet: a run creates one, and deletes it"
    with explained("describing the application"):
        found = context.aws.serverless.get_application(applicationId=place.id)["application"]
    wanted = {"releaseLabel": settings.release, "architecture": ARCHITECTURES[settings.arch]}
    wrong = [f"{n} is {found[n]}, not {v}" for n, v in wanted.items() if found.get(n, v) != v]
    if wrong:
        raise FruitsError(
            f"The application {place.id} is another than conf/{context.env}/emr.yml asks for: "
            f"{', '.join(wrong)}. End it (kedro emr down --on serverless), or change the file."
        )
    return f"{place.id}, {place.state}"


def _serverless_quota(aws: Aws, settings: ServerlessSettings) -> str:
    wanted = settings.driver_vcpu + size_workers(settings).total_cores
    allowed = aws.quota("emr-serverless", _SERVERLESS_QUOTA)
    if wanted > allowed:
        raise FruitsError(
            f"{wanted} vCPUs are needed, and this account may use {allowed:.0f} of EMR Serverless "
            f"at a time in {settings.region}. Ask AWS for more (Service Quotas, "
            f"{_SERVERLESS_QUOTA}), or take fewer executors."
        )
    return f"{wanted} of {allowed:.0f}"
