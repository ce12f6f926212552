"""``kedro emr prices``: moto has no Price List, so botocore's Stubber plays it."""

import json

import pytest
from botocore.stub import Stubber

from fruits_kedro.emr.aws import Aws
from fruits_kedro.emr.context import EmrContext
from fruits_kedro.emr.prices import changes, fetch_prices, write_prices
from fruits_kedro.errors import FruitsError

from .conftest import PRICES


def product(usage, *prices):
    """A product as the Price List describes it: a price for each range of use."""
    dimensions = {
        f"d{i}": {"pricePerUnit": {"USD": price}, "beginRange": "0" if i == 0 else "1000"}
        for i, price in enumerate(prices)
    }
    attributes = {"attributes": {"usagetype": usage}}
    return json.dumps(
        {"product": attributes, "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}}}
    )


class PriceListStub:
    """Answers in the order of the questions, each of which the Stubber compares."""

    def __init__(self, client):
        self.client = client
        self.stub = Stubber(client)
        self.stub.activate()

    def answer(self, service, products, **attributes):
        wanted = attributes | {"regionCode": "eu-west-3"}
        filters = [{"Type": "TERM_MATCH", "Field": k, "Value": v} for k, v in wanted.items()]
        self.stub.add_response(
            "get_products",
            {"PriceList": products},
            {"ServiceCode": service, "Filters": filters},
        )


@pytest.fixture
def listed(aws, monkeypatch):
    """The context, with two instance types, one of which is not offered in the region."""
    context = EmrContext.load()
    types = context.types
    kept = {kind: types.instances[kind] for kind in ("c6g.2xlarge", "m6g.xlarge")}
    types = types.model_copy(update={"instances": kept})
    client = context.aws.client("pricing", "us-east-1")
    stub, real = PriceListStub(client), Aws.client
    monkeypatch.setattr(
        Aws, "client", lambda s, n, *r: client if n == "pricing" else real(s, n, *r)
    )
    linux = {
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
    }
    found = [product("EUW3-BoxUsage:c6g.2xlarge", "0.3"), product("EUW3-Reserved", "0.0")]
    stub.answer("AmazonEC2", found, instanceType="c6g.2xlarge", **linux)
    fee = [product("EUW3-BoxUsage:c6g.2xlarge", "0.1")]
    stub.answer("ElasticMapReduce", fee, instanceType="c6g.2xlarge", softwareType="EMR")
    stub.answer("AmazonEC2", [], instanceType="m6g.xlarge", **linux)
    stub.answer("ElasticMapReduce", [], instanceType="m6g.xlarge", softwareType="EMR")
    serverless = {
        "vCPUHours": "0.06",
        "MemoryGBHours": "0.007",
        "ARM-vCPUHours": "0.05",
        "ARM-MemoryGBHours": "0.006",
        "StorageGBHours": "0.0001",
    }
    found = [product(f"EUW3-EMR-SERVERLESS-{name}", price) for name, price in serverless.items()]
    stub.answer("ElasticMapReduce", found)
    stub.answer("AmazonEC2", [product("x", "0.073")], productFamily="Storage", volumeApiName="gp3")
    addresses = [
        product("EUW3-PublicIPv4:IdleAddress", "0.009"),
        product("EUW3-PublicIPv4:InUseAddress", "0.005"),
    ]
    stub.answer("AmazonVPC", addresses, group="VPCPublicIPv4Address")
    family = {"productFamily": "API Request"}
    reads = [product("EUW3-Requests-Tier2", "0.0000004", "0.0000001")]
    stub.answer("AmazonS3", reads, group="S3-API-Tier2", **family)
    writes = [product("EUW3-Requests-Tier1", "0.000005")]
    stub.answer("AmazonS3", writes, group="S3-API-Tier1", **family)
    return context, types


def test_prices_are_those_of_the_price_list(listed, tmp_path):
    context, types = listed
    found = fetch_prices(context.aws, types)
    assert found.ec2 == {"c6g.2xlarge": 0.3} and found.emr == {"c6g.2xlarge": 0.1}
    assert found.gp3_gib_month == 0.073 and found.ipv4_hour == 0.005
    assert (found.s3_get_1000, found.s3_put_1000) == pytest.approx((0.0004, 0.005))
    assert found.serverless["aarch64"].vcpu_hour == 0.05
    assert found.serverless["x86_64"].gb_hour == 0.007
    with pytest.raises(FruitsError, match="no spot price of m6g.xlarge|no ec2 price"):
        found.of_node("ec2", "m6g.xlarge")


def test_what_is_written_is_read_again(emr, project, tmp_path, monkeypatch):
    import shutil

    copy = tmp_path / "project"
    shutil.copytree(project / "conf", copy / "conf")
    for name in ("pyproject.toml", "src"):
        (copy / name).symlink_to(project / name)
    monkeypatch.chdir(copy)
    path = copy / "conf" / "base" / "prices.yml"
    before = path.read_text()
    monkeypatch.setattr("fruits_kedro.emr.prices.fetch_prices", lambda *_: PRICES)
    shown = emr("prices", code=1, given="n\n")
    assert "ec2.m6g.xlarge: - -> 0.2" in shown and path.read_text() == before
    assert emr("prices", "--yes", "--json")["prices"]["changed"] == 15
    assert EmrContext.load().types.prices == PRICES
    assert EmrContext.load(on="serverless").types.prices == PRICES
    assert emr("prices", "--json")["prices"]["changed"] == 0


def test_changes_name_what_differs(tmp_path):
    new = PRICES.model_copy(update={"ec2": PRICES.ec2 | {"m6g.xlarge": 0.25}})
    assert changes(PRICES, new) == [("ec2.m6g.xlarge", "0.2", "0.25")]
    write_prices(new, tmp_path / "prices.yml")
    assert "from AWS' Price List" in (tmp_path / "prices.yml").read_text()
