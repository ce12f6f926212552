"""Each check in turn: it passes where all is well, and says how to mend what is not."""

import json
import re

import pytest

from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.settings import ClusterSettings, Group, SecurityGroups
from fruits_kedro.errors import FruitsError
from fruits_kedro.validation import validate

from .conftest import BUCKET


@pytest.fixture
def faults(emr):
    """Names and texts of the checks that fail."""

    def find(expected=1):
        result = emr("check", "--json", code=expected)
        return {c["check"]: c["found"] for c in result["checks"] if c[""] == "FAILED"}

    emr("package")
    return find


def test_all_is_well(faults, emr):
    assert faults(expected=0) == {}
    output = emr("check")
    assert "16 of 64 on demand" not in output and "20 of 64 on demand" in output


def break_bucket(aws, change):
    change(bucket="another-bucket")


def break_location(aws, change):
    aws("s3", "us-west-2").create_bucket(
        Bucket="far", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    change(bucket="far")


def break_photos(aws, change):
    aws("s3").delete_object(Bucket=BUCKET, Key="fruits-360/Training/Apple 1/a.jpg")
    aws("s3").put_object(Bucket=BUCKET, Key="fruits-360/readme.txt", Body=b"x")


def break_profile(aws, change):
    names = {"InstanceProfileName": "fruits-kedro-emr-nodes", "RoleName": "fruits-kedro-emr-nodes"}
    aws("iam").remove_role_from_instance_profile(**names)


def break_groups(aws, change):
    ec2 = aws("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    groups = [
        ec2.create_security_group(VpcId=vpc, GroupName=name, Description="mine")["GroupId"]
        for name in ("mine-1", "mine-2")
    ]
    change(security_groups=SecurityGroups(primary=groups[0], core=groups[1]))


def break_tags(aws, change):
    ec2 = aws("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    names = {"GroupName": "ElasticMapReduce-master", "Description": "of an older cluster"}
    ec2.create_security_group(VpcId=vpc, **names)  # which has no tag


FAULTS = {
    "bucket": (break_bucket, "Create it with the CloudFormation template"),
    "bucket ": (break_location, "far is in us-west-2, the run would be in eu-west-3"),
    "region": (lambda _, c: c(region="us-east-1"), "outside the European Union"),
    "region ": (lambda _, c: c(region="eu-west-2"), "eu-west-2 lies outside"),
    "encryption": (lambda a, _: a("s3").delete_bucket_encryption(Bucket=BUCKET), "switch it on"),
    "photos": (break_photos, "There is no photo below s3://my-bucket/fruits-360"),
    "service role": (lambda _, c: c(service_role="none"), "none .the template"),
    "instance profile": (break_profile, "has no role"),
    "key pair": (lambda _, c: c(key_pair="mine"), "set key_pair: null"),
    "subnet": (lambda _, c: c(subnet="subnet-1234"), "correct 'subnet'"),
    "subnet ": (break_tags, "--tags Key=for-use-with.*,Value=true --resources sg-[0-9a-f]+$"),
    "subnet  ": (break_groups, "--resources sg-[0-9a-f]+ sg-[0-9a-f]+$"),
    "instance types": (lambda _, c: c(core=Group(type="m5.xlarge")), "processors differ"),
    "package": (
        lambda a, _: a("s3").delete_object(
            Bucket=BUCKET, Key="fruits-kedro-emr/package/latest.json"
        ),
        "kedro emr package",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_thing_is_wrong(faults, aws, change, name):
    spoil, message = FAULTS[name]
    spoil(aws, change)
    found = faults()
    assert re.search(message, found[name.strip()]), found
    allowed = {"bucket": {"encryption", "public access", "package"}, "region": {"bucket", "subnet"}}
    assert set(found) <= {name.strip()} | allowed.get(name.strip(), set()), found


def test_packed_photos_are_photos(emr, aws):
    place = f"s3://{BUCKET}/packed.parquet"

    def found(code):
        listed = emr("check", "--params", f"images={place}", "--json", code=code)["checks"]
        return {check["check"]: check["found"] for check in listed}["photos"]

    emr("package")
    assert "not there, or not complete" in found(1)
    aws("s3").put_object(Bucket=BUCKET, Key="packed.parquet/_SUCCESS", Body=b"")
    assert found(0) == "packed"


def test_a_quota_that_is_too_small(faults, quotas):
    quotas["L-1216C47A"] = 16.0
    assert "20 vCPUs on demand are needed, 0 are in use" in faults()["vCPU quota"]


def test_a_quota_that_others_use(faults, aws, monkeypatch):
    image = aws("ec2").register_image(Name="any")["ImageId"]
    kind = {"ImageId": image, "InstanceType": "c5.2xlarge", "MinCount": 6, "MaxCount": 6}
    aws("ec2").run_instances(**kind)
    # Moto says nothing of their cores, which EC2 always does.
    monkeypatch.setattr(
        "moto.ec2.models.instances.Instance.cpu_options",
        {"CoreCount": 4, "ThreadsPerCore": 2},
        raising=False,
    )
    assert (
        "20 vCPUs on demand are needed, 48 are in use, and this account may use 64"
        in faults()["vCPU quota"]
    )


def encrypt_by_kms(aws, bucket_key=True):
    rule = {
        "ApplyServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": "arn:aws:kms:eu-west-3:123456789012:key/mine",
        },
        "BucketKeyEnabled": bucket_key,
    }
    aws("s3").put_bucket_encryption(
        Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )


@pytest.fixture
def simulated(stand_in):
    """IAM's simulation of a policy, which moto does not have, with the given decision."""

    def arrange(decision):
        def simulate_principal_policy(PolicySourceArn, ActionNames, ResourceArns):
            assert PolicySourceArn.endswith(("role/fruits-kedro-emr-nodes", "-jobs"))
            assert ResourceArns == ["arn:aws:kms:eu-west-3:123456789012:key/mine"]
            results = [{"EvalActionName": n, "EvalDecision": decision} for n in ActionNames]
            return {"EvaluationResults": results}

        stand_in("iam", simulate_principal_policy=simulate_principal_policy)

    return arrange


@pytest.mark.parametrize("on", ["cluster", "serverless"])
@pytest.mark.parametrize(
    "decision, outcome",
    [("allowed", "ok"), ("implicitDeny", "unknown"), ("explicitDeny", "FAILED")],
)
def test_a_bucket_with_a_key_that_runs_may_not_use(emr, aws, simulated, decision, outcome, on):
    encrypt_by_kms(aws)
    simulated(decision)
    emr("package", "--on", on)
    rows = emr("check", "--on", on, "--json", code=1 if outcome == "FAILED" else 0)["checks"]
    row = {row["check"]: row for row in rows}["encryption"]
    said = "with a bucket key" if outcome == "ok" else "kms:GenerateDataKey"
    assert row[""] == outcome and said in row["found"]


def test_a_bucket_that_asks_kms_for_each_photo(faults, aws):
    encrypt_by_kms(aws, bucket_key=False)
    assert "Switch on its bucket key" in faults()["encryption"]


def test_a_cluster_encrypts_as_its_bucket_does(emr, aws):
    encrypt_by_kms(aws)
    emr("package")
    for _ in range(2):  # the second finds the configuration of the first
        emr("up", "--yes")
        emr("down", "--yes")
    found = aws("emr").describe_security_configuration(Name="fruits-kedro-encryption")
    rest = json.loads(found["SecurityConfiguration"])["EncryptionConfiguration"]
    assert rest["AtRestEncryptionConfiguration"]["S3EncryptionConfiguration"] == {
        "EncryptionMode": "SSE-KMS",
        "AwsKmsKey": "arn:aws:kms:eu-west-3:123456789012:key/mine",
    }


def test_public_access_may_be_blocked_by_the_account(faults, aws, account_block):
    aws("s3").delete_public_access_block(Bucket=BUCKET)
    assert "BlockPublicAcls, IgnorePublicAcls" in faults()["public access"]
    account_block.update(dict.fromkeys(account_block, True))
    assert faults(expected=0) == {}
    account_block["BlockPublicPolicy"] = False
    assert "(BlockPublicPolicy is off)" in faults()["public access"]


def test_run_skips_the_checks_if_asked(emr, aws, quotas):
    quotas["L-1216C47A"] = 16.0
    assert "--skip-checks goes on" in emr("run", code=1)
    assert "Create fruits-kedro" in emr("run", "--skip-checks", code=1, given="n\n")


def test_what_a_login_may_not_ask_is_unknown(emr, quotas):
    emr("package")
    quotas.clear()  # the service refuses
    rows = {row["check"]: row for row in emr("check", "--json")["checks"]}
    assert rows["vCPU quota"][""] == "unknown" and "may not" in rows["vCPU quota"]["found"]
    assert {row[""] for row in rows.values()} == {"ok", "unknown"}


def test_spot_nodes_have_a_quota_and_a_role_of_their_own(faults, aws, quotas, change):
    change(task=Group(type="c6g.2xlarge", count=3))
    assert "create-service-linked-role --aws-service-name spot" in faults()["Spot role"]
    aws("iam").create_service_linked_role(AWSServiceName="spot.amazonaws.com")
    quotas["L-34B43A08"] = 8.0
    found = faults()
    assert "24 vCPUs Spot are needed" in found["vCPU quota"]


def test_an_unknown_instance_type(emr, change):
    emr("package")
    change(core=Group(type="x9.huge", count=2))
    assert "x9.huge is not in conf/base/instances.yml" in emr("up", "--yes", code=1)


def test_wrong_keys(faults, aws, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    assert "aws sso login" in faults()["credentials"]


@pytest.mark.parametrize(
    "values, message",
    [
        ({"relaese": "x"}, "relaese: there is no such setting"),
        ({"release": "emr-7.3.0"}, "7.10"),
        ({"release": "emr-6.15.0"}, "7.10"),
        ({"core": {"type": "m5.xlarge", "count": 0}}, "at least one core node"),
    ],
)
def test_wrong_settings(project, values, message):
    good = EmrContext.load("emr").settings.model_dump()
    with pytest.raises(FruitsError, match=message):
        validate(ClusterSettings, good | values, "conf/emr/emr.yml")


def test_aws_asking_for_patience(emr, aws, monkeypatch):
    """Moto never throttles: this puts AWS' answer in place of the first ones."""
    from botocore.awsrequest import AWSResponse
    from botocore.session import Session

    class Body:
        def stream(self, **_):
            yield b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'

    left = [3]

    def throttle(request, **_):
        left[0] -= 1
        return AWSResponse(request.url, 400, {}, Body()) if left[0] >= 0 else None

    real = Session.create_client

    def client(self, service, *rest, **kwargs):
        made = real(self, service, *rest, **kwargs)
        made.meta.events.register("before-send.emr.*", throttle)
        return made

    emr("package")
    monkeypatch.setattr(Session, "create_client", client)
    retries = "botocore.retries"  # nobody waits
    monkeypatch.setattr(f"{retries}.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    monkeypatch.setattr(f"{retries}.bucket.TokenBucket.acquire", lambda *_, **__: True)
    assert emr("up", "--yes", "--json")["created"]["id"]
    left[0] = 100
    assert "too many requests" in emr("down", code=1)
