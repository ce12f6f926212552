"""A bucket listed in parts gives what botocore's own listing gives."""

import boto3
import pytest

from fruits_kedro.images import bucket
from fruits_kedro.images.listing import LeftOut
from fruits_kedro.storage import s3_listing
from fruits_kedro.storage.s3 import S3Settings

KEYS = [
    *(f"photos/Test/Apple {i}/{j:04d}.jpg" for i in range(3) for j in range(300)),
    *(f"photos/Training/Plum & Co +{i}/{j:04d}.JPG" for i in range(7) for j in range(300)),
    *(f"photos/Training/deep/{i}/x/{j}.png" for i in range(2) for j in range(40)),
    *("photos/a.jpg", "photos/Training.jpg", "photos/z.jpg", "photos/Training/Éte 100%/é.jpg"),
    *("photos/Training/", "photos/.DS_Store", "photos/readme.txt", "photos//odd.jpg"),
    *("photos-other/x.jpg", "x.jpg"),
]


@pytest.fixture(scope="module")
def settings():
    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    found = S3Settings(
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-west-3",
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )
    client = found.client()
    where = {"LocationConstraint": "eu-west-3"}
    client.create_bucket(Bucket="many", CreateBucketConfiguration=where)
    backend = s3_backends["123456789012"]["aws"]
    for i, key in enumerate(KEYS):
        backend.put_object("many", key, b"x" * (i % 7))
    yield found
    server.stop()


@pytest.fixture
def reference(settings):
    """Path, time and size of each photo by boto3, whose parser is its own."""
    options = settings.model_dump(exclude={"requester_pays"})
    pages = boto3.client("s3", **options).get_paginator("list_objects_v2")
    entries = [e for p in pages.paginate(Bucket="many", Prefix="photos/") for e in p["Contents"]]
    kept = [e for e in entries if e["Key"].lower().endswith((".jpg", ".png"))]
    rows = [(e["Key"][len("photos/") :], e["LastModified"], e["Size"]) for e in kept]
    return sorted(rows)


@pytest.fixture
def listed(monkeypatch):
    """The URLs and options of all listings."""
    calls, real = [], s3_listing.list_pages

    def note(client, url, **given):
        calls.append((url, given))
        return real(client, url, **given)

    monkeypatch.setattr(bucket, "list_pages", note)
    return calls


def rows(table):
    return [tuple(row.values()) for row in table.to_pylist()]


@pytest.mark.parametrize("parts", [4, 1000])
def test_in_parts(settings, reference, listed, monkeypatch, parts):
    monkeypatch.setattr(bucket, "in_byte_order", lambda *_: True)  # as AWS, and moto
    monkeypatch.setattr(bucket, "_FEW", 1)
    monkeypatch.setattr(bucket, "_PARTS", parts)
    monkeypatch.setattr(bucket, "_AT_ONCE", min(parts, 100))
    left_out = LeftOut("s3://many/photos")
    found = rows(bucket.list_bucket("s3://many/photos", settings, left_out))
    assert found == reference and len(found) == 900 + 2100 + 80 + 5
    starts = [given["start_after"] for _, given in listed if "start_after" in given]
    assert len(starts) >= 4
    assert dict(left_out._others) == {".txt": 1} and left_out._clutter.total() == 1


def test_a_flat_folder_is_parted_by_the_names_in_it():
    found = sorted(bucket._neighbours("a/IMG_0412.jpg", 2))
    assert {"a/IMG_1", "a/IMG_9", "a/IMG_05", "a/IMG_042", "a/J"} <= set(found)
    assert min(found) > "a/IMG_0412.jpg"


def test_another_server_is_listed_in_its_own_order(settings, reference, listed, monkeypatch):
    monkeypatch.setattr(bucket, "_FEW", 1)
    found = rows(bucket.list_bucket("s3://many/photos", settings, LeftOut("")))
    assert found == reference and len(listed) == 1
    assert not bucket.in_byte_order("s3://fast--use1-az4--x-s3", S3Settings())
    assert bucket.in_byte_order("s3://many/photos", S3Settings())


def test_few_photos_need_no_more_requests(settings, reference, listed):
    assert rows(bucket.list_bucket("s3://many/photos", settings, LeftOut(""))) == reference
    assert [url for url, _ in listed] == ["s3://many/photos/"]
