"""Checks before anything is created; each says what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from fruits_kedro.commands.checks import run_checks
from fruits_kedro.emr.aws import Aws, explained
from fruits_kedro.emr.checks_cluster import cluster_checks
from fruits_kedro.emr.serverless import ARCHITECTURES
from fruits_kedro.emr.settings import EmrSettings, ServerlessSettings
from fruits_kedro.emr.sizing import size_workers
from fruits_kedro.emr.upload import need_uploaded
from fruits_kedro.errors import FruitsError, NotAllowedError
from fruits_kedro.images.formats import extensions
from fruits_kedro.images.source import PACKED_SUFFIX
from fruits_kedro.storage.manifest import MARK
from fruits_kedro.storage.s3 import split_url

if TYPE_CHECKING:
    from fruits_kedro.emr.context import EmrContext

_SERVERLESS_QUOTA = "L-D05C8A75"  # Service Quotas' code for vCPUs at a time
_NOT_EU = {"eu-west-2", "eu-central-2"}  # London, Zurich
_LOOKED_AT = 10_000  # keys, in search of a photo


def check_all(context: EmrContext) -> dict[str, Any]:
    """The results of all checks, as :func:`run_checks` gives them."""
    aws, settings, where = context.aws, context.settings, f"conf/{context.env}/emr.yml"
    checks: dict[str, Callable[[], str]] = {
        "credentials": aws.who,
        "region": lambda: _region(settings, where),
        "bucket": lambda: _bucket(aws, settings, where),
        "encryption": lambda: _encryption(context),
        "public access": lambda: _private(aws, settings.bucket),
        "photos": lambda: _photos(context),
    }
    if isinstance(settings, ServerlessSettings):
        checks["job role"] = lambda: aws.role(settings.job_role.rpartition("/")[2])
        checks["application"] = lambda: _application(context, settings)
        checks["vCPU quota"] = lambda: _serverless_quota(aws, settings)
    else:
        checks |= cluster_checks(context)
    checks["package"] = lambda: _package(context)
    return run_checks(checks)


def _region(settings: EmrSettings, where: str) -> str:
    in_eu = settings.region.startswith("eu-") and settings.region not in _NOT_EU
    if not in_eu and not settings.allow_outside_eu:
        raise FruitsError(
            f"{settings.region} lies outside the European Union. Choose another region in "
            f"{where}, or set allow_outside_eu: true there."
        )
    return settings.region


def _bucket(aws: Aws, settings: EmrSettings, where: str) -> str:
    remedy = f"Create it with the CloudFormation template, or correct 'bucket' in {where}."
    with explained(f"looking for the bucket {settings.bucket}", remedy):
        aws.s3.head_bucket(Bucket=settings.bucket)
        region = aws.s3.get_bucket_location(Bucket=settings.bucket)["LocationConstraint"]
    region = {None: "us-east-1", "EU": "eu-west-1"}.get(region, region)
    if region != settings.region:
        raise FruitsError(
            f"{settings.bucket} is in {region}, the run would be in {settings.region}: every "
            "byte would cross regions and be billed. Use one region for both."
        )
    return f"{settings.bucket} in {region}"


def _encryption(context: EmrContext) -> str:
    bucket = context.settings.bucket
    found = context.aws.encryption(bucket)
    if not found.is_by_kms:
        return found.algorithm
    if not found.has_bucket_key:
        raise FruitsError(
            f"{bucket} asks KMS for a key for each photo, which KMS bills. Switch on its bucket "
            "key (S3 console, Properties, Default encryption)."
        )
    if found.key:
        _check_key(context, found.key)
    return f"{found.algorithm}, with a bucket key"


def _check_key(context: EmrContext, key: str) -> None:
    """Raise FruitsError if the role of the nodes or of the run may not use the bucket's key.

    A right that the role lacks may stand in the key's own policy: NotAllowedError, unknown.
    """
    iam = context.aws.client("iam")
    if isinstance(context.settings, ServerlessSettings):
        role = context.settings.job_role
    else:
        with explained("asking for the nodes' role"):
            profile = iam.get_instance_profile(
                InstanceProfileName=context.cluster.instance_profile
            )["InstanceProfile"]
            role = profile["Roles"][0]["Arn"]
    with explained("asking whether that role may use the bucket's key"):
        found = iam.simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["kms:Decrypt", "kms:GenerateDataKey"],
            ResourceArns=[key],
        )["EvaluationResults"]
    refused = {r["EvalActionName"]: r["EvalDecision"] for r in found}
    refused = {name: said for name, said in refused.items() if said != "allowed"}
    if refused:
        kind = FruitsError if "explicitDeny" in refused.values() else NotAllowedError
        raise kind(
            f"{role} has no right to {', '.join(refused)} with the key of {context.settings.bucket}"
            f", unless the key's own policy gives it. The template does, with BucketKey={key}."
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


def _photos(context: EmrContext) -> str:
    aws, images = context.aws, context.roots.images
    pays = context.roots.requester_pays
    if images.rstrip("/").endswith(PACKED_SUFFIX):
        if aws.download(f"{images.rstrip('/')}/{MARK}", pays) is None:
            raise FruitsError(f"The packed photos {images} are not there, or not complete.")
        return "packed"
    listed = aws.listing(images.rstrip("/") + "/", pays)
    for entry in islice(listed, _LOOKED_AT):
        if entry.key.lower().endswith(extensions()):
            return f"for example s3://{split_url(images)[0]}/{entry.key}"
    raise FruitsError(
        f"There is no photo below {images}. Upload some (aws s3 sync), or correct 'images' in "
        "globals.yml of this environment."
    )


def _package(context: EmrContext) -> str:
    uploaded = need_uploaded(context.aws, context.settings.package_root).id
    if uploaded != context.package.id:
        raise FruitsError(
            f"The uploaded package {uploaded} is not the current one, {context.package.id}: "
            "kedro emr package"
        )
    return uploaded


def _application(context: EmrContext, settings: ServerlessSettings) -> str:
    place = context.service.reusable()
    if place is None:
        return "none yet: a run creates one, and deletes it"
    with explained("describing the application"):
        found = context.aws.serverless.get_application(applicationId=place.id)["application"]
    wanted = {"releaseLabel": settings.release, "architecture": ARCHITECTURES[settings.arch]}
    wrong = [f"{n} is {found[n]}, not {v}" for n, v in wanted.items() if found.get(n, v) != v]
    cap = found.get("maximumCapacity", {}).get("cpu", "without a limit")
    if cap.partition(" ")[0] != str(settings.max_vcpu):
        wrong.append(f"its cap is {cap}, and max_vcpu {settings.max_vcpu}")
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
    return f"{wanted} of {allowed:.0f}, less what other applications use now"
