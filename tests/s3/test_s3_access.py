"""Buckets: what is checked before Spark starts, and how photos are listed and read."""

import http.server
import os
import socket
import threading

import pytest
from tests.s3.server import BUCKET, SECRET

from fruits_kedro.config.locations import check_store
from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.storage.s3 import check_bucket, export_credentials, spark_settings

NAMES = [
    "Test/50% off #1/a+b.jpg",
    "Training/Pêche [été]/é%20 {x} * ?.JPG",
    "Training/Äpfel & Birnen/c=d~e'f.jpeg",
]


@pytest.fixture
def photos(s3_environment):
    for i, name in enumerate(NAMES):
        s3_environment.client.put_object(Bucket=BUCKET, Key=f"odd/{name}", Body=b"x" * i)
    return s3_environment


def test_every_name_is_listed_and_read_back(photos):
    folder = ImageFolder(f"s3://{BUCKET}/odd")
    listed = folder.list().to_pylist()
    assert [(row["path"], row["length"]) for row in listed] == list(zip(NAMES, (0, 1, 2)))
    assert all(row["modificationTime"].year >= 2026 for row in listed)
    *contents, missing = folder.read_all([*NAMES, "Test/none.jpg"])
    assert contents == [b"", b"x", b"xx"]
    assert isinstance(missing, ImageError) and missing.reason == "missing"


def test_reading_ahead_keeps_the_order(photos):
    paths = [NAMES[i % 3] for i in range(100)]
    contents = ImageFolder(f"s3://{BUCKET}/odd").read_all(paths)
    assert [len(content) for content in contents] == [i % 3 for i in range(100)]


def test_a_dead_server_is_no_fault_of_a_photo(photos, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    folder = ImageFolder(f"s3://{BUCKET}/odd", {"client_kwargs": {"aws_session_token": "none"}})
    with pytest.raises(FruitsError, match="could not be read"):
        folder.read(NAMES[0])


def test_a_bucket_in_order_is_left_as_it_was(s3_environment):
    assert check_bucket(f"s3://{BUCKET}/nothing/here", write=True) is False
    assert "Contents" not in s3_environment.client.list_objects_v2(Bucket=BUCKET, Prefix="nothing")


def fault(monkeypatch, url=f"s3://{BUCKET}/photos", **environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(FruitsError) as raised:
        check_store(url)
    return str(raised.value)


def test_wrong_keys_and_missing_buckets(s3_environment, monkeypatch):
    assert "there is no such bucket" in fault(monkeypatch, "s3://no-such-bucket/x")
    assert "the secret key is wrong" in fault(monkeypatch, AWS_SECRET_ACCESS_KEY="wrong")
    assert "the access key is not known" in fault(monkeypatch, AWS_ACCESS_KEY_ID="AKWRONG")


def test_no_keys(s3_environment, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    assert "Unable to locate credentials" in fault(monkeypatch)


def test_endpoints_that_are_not_there_or_say_nothing(s3_environment, monkeypatch):
    assert "Could not connect" in fault(monkeypatch, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "Could not connect" in fault(monkeypatch, AWS_ENDPOINT_URL="http://none.invalid")
    assert "Invalid endpoint" in fault(monkeypatch, AWS_ENDPOINT_URL="nonsense")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(9)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = fault(monkeypatch, AWS_ENDPOINT_URL=url)
    assert "Read timeout" in found and f"the endpoint is {url}" in found


@pytest.mark.parametrize("status", [200, 301])
def test_a_bucket_of_another_region(s3_environment, monkeypatch, status):
    # No server here has regions: this one answers as AWS does.
    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = (
                b"<ListBucketResult/>"
                if status == 200
                else b"<Error><Code>PermanentRedirect</Code></Error>"
            )
            self.send_response(status)
            self.send_header("x-amz-bucket-region", "eu-central-1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found = fault(monkeypatch, AWS_ENDPOINT_URL=f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    assert "in the region eu-central-1" in found and "AWS_REGION=eu-central-1" in found


def test_credentials_yml_goes_before_the_variables(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the shell")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the shell")
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")
    export_credentials(
        {
            "endpoint_url": "https://s3.example",
            "region_name": "eu-west-9",
            "aws_access_key_id": "of the file",
            "aws_secret_access_key": SECRET,
        }
    )
    assert os.environ["AWS_ACCESS_KEY_ID"] == "of the file"
    settings = spark_settings()
    assert settings["spark.hadoop.fs.s3a.endpoint"] == "https://s3.example"
    assert settings["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-9"
    assert settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "true"
    assert SECRET not in str(settings) and "of the file" not in str(settings)
    with pytest.raises(FruitsError, match="endpoint: Extra inputs"):
        export_credentials({"endpoint": "x"})


def test_a_profile_serves_spark_as_well(monkeypatch, tmp_path):
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    profile = "[fruits]\naws_access_key_id = AK1\naws_secret_access_key = s1\nregion = eu-south-2\n"
    (tmp_path / "credentials").write_text(profile)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "fruits")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    export_credentials(None)
    assert os.environ["AWS_ACCESS_KEY_ID"] == "AK1" and os.environ["AWS_REGION"] == "eu-south-2"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_PROFILE", "none")
    with pytest.raises(FruitsError, match="profile"):
        export_credentials(None)
