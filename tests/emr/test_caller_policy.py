"""deploy/caller-policy.json allows what the commands ask of AWS, and little else."""

import json
import re
from types import SimpleNamespace

import pytest
from botocore.session import Session

from fruits_kedro.emr import aws as emr_aws

from .conftest import put_results

# What IAM calls an operation, where that is not the operation's name.
_ACTIONS = {
    "s3:CopyObject": ["s3:GetObject", "s3:PutObject"],
    "s3:DeleteObjects": ["s3:DeleteObject"],
    "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "emr-serverless:StartJobRun": ["emr-serverless:StartJobRun", "iam:PassRole"],
    "elasticmapreduce:RunJobFlow": ["elasticmapreduce:RunJobFlow", "iam:PassRole"],
}
_SERVICES = {"emr": "elasticmapreduce"}
_FREE = {"sts:GetCallerIdentity"}  # AWS asks no right for it
# These stand in for services that moto lacks, or come with another operation.
_UNSEEN = {
    "ce:GetCostAndUsage",
    "ec2:DescribeKeyPairs",
    "ec2:DescribeSpotPriceHistory",
    "elasticmapreduce:AddTags",
    "elasticmapreduce:CancelSteps",
    "elasticmapreduce:DeleteSecurityConfiguration",
    "elasticmapreduce:PutAutoTerminationPolicy",
    "emr-serverless:CancelJobRun",
    "emr-serverless:StartApplication",
    "emr-serverless:TagResource",
    "iam:CreateServiceLinkedRole",
    "iam:SimulatePrincipalPolicy",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "pricing:GetProducts",
    "s3:AbortMultipartUpload",
    "s3:GetAccountPublicAccessBlock",
    "servicequotas:GetServiceQuota",
    "ssm:StartSession",
}


@pytest.fixture
def asked(monkeypatch):
    """The actions of all calls."""
    found, real = set(), Session.create_client

    def note(model, **_):
        service = model.service_model.service_name
        name = f"{_SERVICES.get(service, service)}:{model.name}"
        found.update(_ACTIONS.get(name, [name]))

    def client(self, *args, **kwargs):
        made = real(self, *args, **kwargs)
        made.meta.events.register("before-call", note)
        return made

    monkeypatch.setattr(Session, "create_client", client)
    return found


def test_the_policy_allows_what_is_asked(
    asked, emr, aws, project, with_prices, change, backend, monkeypatch, tmp_path
):
    policy = json.loads((project / "deploy" / "caller-policy.json").read_text())
    actions = [statement["Action"] for statement in policy["Statement"]]
    allowed = {a for one in actions for a in ([one] if isinstance(one, str) else one)}
    monkeypatch.setattr(
        emr_aws, "time", SimpleNamespace(sleep=lambda _: None, monotonic=lambda: 0.0)
    )
    asked.clear()  # of the fixtures
    put_results(aws)
    change(notebooks=True)
    for on in ("cluster", "serverless"):
        emr("package", "--on", on)
        emr("check", "--on", on)
        emr("up", "--yes", "--on", on)
        emr("submit", "--on", on)
        backend()[-1].steps[-1].state = "COMPLETED"
        emr("watch", "--on", on)
        emr("logs", "--on", on, code=1)
        emr("fetch", "--on", on, "--output", str(tmp_path))
        emr("cost", "--on", on)
        if on == "cluster":
            emr("notebook")
        emr("down", "--yes", "--on", on)
        emr("clean", "--yes", "--on", on)
    assert asked - _FREE <= allowed
    assert allowed - asked == _UNSEEN


def test_roles_are_passed_by_the_names_that_the_template_gives(project):
    policy = json.loads((project / "deploy" / "caller-policy.json").read_text())
    (passed,) = (s["Resource"] for s in policy["Statement"] if s["Action"] == "iam:PassRole")
    template = (project / "deploy" / "cloudformation.yml").read_text()
    names = re.findall(r"RoleName: !Sub \$\{Name\}-(\S+)", template)
    assert sorted(arn.partition("role/fruits-kedro-")[2] for arn in passed) == sorted(names)
