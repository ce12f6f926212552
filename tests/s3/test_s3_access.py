"""Buckets: what is checked before Spark starts, and how photos are listed and read."""

import http.server
import os
import socket
import sys
import threading
from datetime import UTC, datetime

import pytest
from tests.s3.server import BUCKET, SECRET

from fruits_kedro.config.locations import check_store
from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.storage import s3_check
from fruits_kedro.storage.s3 import S3Settings, end_of_login
from fruits_kedro.storage.s3_check import check_bucket

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


def test_requests_say_that_the_requester_pays(photos, monkeypatch):
    """SeaweedFS bills nobody: what is asked for is seen in the requests."""
    sent, real = [], S3Settings.client

    def client(self, config=None):
        made = real(self, config)
        made.meta.events.register("before-send.s3", lambda request, **_: sent.append(request))
        return made

    monkeypatch.setattr(S3Settings, "client", client)
    folder = ImageFolder(f"s3://{BUCKET}/odd", {"requester_pays": True})
    assert folder.list().num_rows == 3 and folder.read(NAMES[1]) == b"x"
    assert {request.headers["x-amz-request-payer"] for request in sent} == {b"requester"}
    assert folder._fs.req_kw == {"RequestPayer": "requester"}  # s3fs gives it with each request


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
    monkeypatch.setattr(s3_check, "_DEADLINE_S", 600)
    assert "Could not connect" in fault(monkeypatch, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "Could not connect" in fault(monkeypatch, AWS_ENDPOINT_URL="http://none.invalid")
    assert "Invalid endpoint" in fault(monkeypatch, AWS_ENDPOINT_URL="nonsense")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(9)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = fault(monkeypatch, AWS_ENDPOINT_URL=url)
        assert "Read timeout" in found and f"the endpoint is {url}" in found
        monkeypatch.setattr(s3_check, "_DEADLINE_S", 0.1)
        found = fault(monkeypatch, AWS_ENDPOINT_URL=url)
        assert "no answer within 0.1 s" in found and f"the endpoint is {url}" in found


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


@pytest.fixture
def shell(monkeypatch, tmp_path):
    """A shell without AWS variables and files; gives what sets them."""
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def write(config="", credentials="", **variables):
        (tmp_path / "config").write_text(config)
        (tmp_path / "credentials").write_text(credentials)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return write


IN_SHELL = {
    "AWS_ACCESS_KEY_ID": "AKSHELL",
    "AWS_SECRET_ACCESS_KEY": "of the shell",
    "AWS_SESSION_TOKEN": "left over",
}


def test_credentials_yml_goes_before_the_variables_and_is_not_mixed_with_them(shell):
    shell(**IN_SHELL, AWS_ENDPOINT_URL="https://shell.example", AWS_REGION="eu-west-3")
    keys = {"aws_access_key_id": "AKFILE", "aws_secret_access_key": SECRET}
    place = {"endpoint_url": "https://file.example", "region_name": "eu-west-9"}
    found = S3Settings.find(keys | place)
    assert found.storage_options() == {
        "key": "AKFILE",
        "secret": SECRET,
        "endpoint_url": "https://file.example",
        "client_kwargs": {"region_name": "eu-west-9"},
    }
    assert found.jvm_environment() == {
        "AWS_ACCESS_KEY_ID": "AKFILE",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": None,
    }
    settings = found.spark_settings()
    assert settings["spark.hadoop.fs.s3a.endpoint"] == "https://file.example"
    assert settings["spark.hadoop.fs.s3a.endpoint.region"] == "eu-west-9"
    assert settings["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "true"
    assert SECRET not in str(settings) and "AKFILE" not in str(settings)
    only_keys = S3Settings.find(keys)  # the rest is the shell's
    assert (only_keys.endpoint_url, only_keys.region_name) == ("https://shell.example", "eu-west-3")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_either_variable_of_the_region_serves_all(shell, name):
    shell(**IN_SHELL, **{name: "eu-south-2"})
    found = S3Settings.find()
    assert found.region_name == found.client().meta.region_name == "eu-south-2"
    assert found.spark_settings() == {"spark.hadoop.fs.s3a.endpoint.region": "eu-south-2"}
    assert found.jvm_environment() == IN_SHELL  # AWS itself: no endpoint


def test_a_profile_serves_all(shell):
    shell(
        config="[profile fruits]\nregion = eu-south-2\nendpoint_url = http://profile.example\n",
        credentials="[fruits]\naws_access_key_id = AK1\naws_secret_access_key = s1\n",
        AWS_PROFILE="fruits",
    )
    found = S3Settings.find()
    assert found.spark_settings()["spark.hadoop.fs.s3a.endpoint"] == "http://profile.example"
    assert found.storage_options()["key"] == found.jvm_environment()["AWS_ACCESS_KEY_ID"] == "AK1"
    assert found.client().meta.endpoint_url == "http://profile.example"


def test_keys_that_are_renewed_are_left_to_who_renews_them(shell):
    """S3A alone, which cannot, gets those of now."""
    process = "import json; print(json.dumps({'Version': 1, 'AccessKeyId': 'AK2', "
    process += "'SecretAccessKey': 's2', 'SessionToken': 't2'}))"
    shell(config=f'[default]\ncredential_process = {sys.executable} -c "{process}"\n')
    found = S3Settings.find()
    assert found.storage_options() == {}
    assert list(found.jvm_environment().values()) == ["AK2", "s2", "t2"]
    assert end_of_login() is None
    process = process.replace("'t2'", "'t2', 'Expiration': '2099-01-02T03:04:05Z'")
    shell(config=f'[default]\ncredential_process = {sys.executable} -c "{process}"\n')
    assert end_of_login() == datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_machine_without_keys_has_a_role(shell):
    shell()
    assert S3Settings.find().jvm_environment() == {}


def test_wrong_settings_are_named(shell):
    shell()
    with pytest.raises(FruitsError, match="endpoint: there is no such setting"):
        S3Settings.find({"endpoint": "x"})
    with pytest.raises(FruitsError, match="aws_secret_access_key, or neither"):
        S3Settings.find({"aws_access_key_id": "x"})
    shell(AWS_PROFILE="none")
    with pytest.raises(FruitsError, match="profile"):
        S3Settings.find()
