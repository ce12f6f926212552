"""The service answers as ``kedro predict`` does, within its limits, and lets nobody else in."""

import base64
import json
import shutil
import struct
import threading
import urllib.parse

import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from fruits_kedro.errors import FruitsError
from fruits_kedro.serving import service as service_module
from fruits_kedro.serving.app import create_app
from fruits_kedro.serving.server import Server
from fruits_kedro.serving.settings import ServeSettings, find_token
from fruits_kedro.serving.store import load_store

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(scope="module")
def photo(classified):
    path = sorted(classified[0].glob("Test/*/*.jpg"))[3]
    return str(path.relative_to(classified[0])), path.read_bytes()


def test_answers_are_the_predictions_of_the_store(client, classified):
    photos, store, _ = classified
    rows = pq.read_table(store / "07_model_output/predictions").to_pylist()
    assert len(rows) == 24
    for row in rows:
        content = (photos / row["path"]).read_bytes()
        (found,) = client.post("/predict", content=content, headers=JPEG).json()["photos"]
        assert found["label"] == row["predicted"]
        assert found["probability"] == pytest.approx(row["probability"], abs=1e-6)
        assert [one["label"] for one in found["top"]] == row["top_3"]
        assert found["nearest"][0]["path"] == row["path"]
        assert found["nearest"][0]["similarity"] == pytest.approx(1, abs=1e-3)
        assert found["out_of_distribution"] == (found["distance"] > found["threshold"])


def test_a_store_of_an_earlier_version_is_served(classified, tmp_path):
    store = shutil.copytree(classified[1], tmp_path / "store")
    models = store / "06_models"
    (models / "model.backbone").rename(models / "mobilenetv2.backbone")
    found, ours = load_store(str(store), {}), load_store(str(classified[1]), {})
    assert found.backbone == ours.backbone and found.best == ours.best
    (models / "mobilenetv2.backbone").unlink()
    with pytest.raises(FruitsError, match="has no classifier, or not all"):
        load_store(str(store), {})


def test_similar_photos_are_those_of_all_photos(client, classified, photo):
    rows = pq.read_table(classified[1] / "04_feature/extracted_features").to_pandas()
    matrix = np.stack(rows["features"])
    matrix = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = matrix @ matrix[rows["path"].tolist().index(photo[0])]
    expected = np.sort(cosines)[::-1][:5]
    answer = client.post("/similar", params={"k": 5}, content=photo[1], headers=JPEG).json()
    found = [one["similarity"] for one in answer["photos"][0]["nearest"]]
    assert found == pytest.approx(expected, abs=1e-3)
    assert client.post("/similar", params={"k": 0}, content=photo[1]).status_code == 422


def test_many_photos_come_in_a_form(client, photo):
    files = [("photos", ("a.jpg", photo[1])), ("photos", ("b.txt", b"no photo"))]
    answer = client.post("/predict", files=files)
    good, bad = answer.json()["photos"]
    assert (
        answer.status_code == 200
        and good["label"]
        and bad["error"]
        == {
            "stage": "decode",
            "reason": "not_an_image",
            "detail": "no format that Pillow knows",
        }
    )


def test_a_photo_that_cannot_be_used_has_the_reason_of_a_run(client, photo):
    answer = client.post("/predict", content=photo[1][:400], headers=JPEG)
    assert answer.status_code == 422
    assert answer.json()["photos"][0]["error"]["reason"] == "truncated"


def test_pictures_are_those_of_the_store_and_nothing_else(client, classified, photo):
    rows = pq.read_table(classified[1] / "04_feature/extracted_features").to_pandas()
    picture = rows.set_index("path")["picture"][photo[0]]
    answer = client.get(f"/photos/{urllib.parse.quote(photo[0])}")
    assert answer.content == picture and answer.headers["content-type"] == "image/jpeg"
    for path in ("../06_models/classifier_info.json", "/etc/passwd", "%2e%2e/globals.yml", "x"):
        assert client.get(f"/photos/{path}").status_code == 404


def test_limits_are_kept(start, photo):
    small = start(
        limits={"bytes": 1000, "pixels": 5000, "seconds": 5}, request_bytes=9000, photos=2
    )
    client = TestClient(create_app(small, None), "http://127.0.0.1")
    assert client.post("/predict", content=b"x" * 1001).status_code == 413
    assert client.post("/predict", content=b"x" * 9001).status_code == 413
    chunks = (b"x" * 1000 for _ in range(10))  # without a length
    assert client.post("/predict", content=chunks).status_code == 413
    assert client.post("/predict", content=b"").status_code == 400
    many = [("photos", ("a.jpg", b"x")) for _ in range(3)]
    answer = client.post("/predict", files=many)
    assert answer.status_code == 400 and answer.json()["detail"] == "A request may have 2 photos."
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/predict", content=b"no form", headers=form).status_code == 400


def test_too_many_photos_are_told_to_come_again(start, photo, monkeypatch):
    busy = start(queue=2, photos=2)
    begun, go_on = threading.Event(), threading.Event()
    real = service_module.predict

    def slow(*arguments):
        begun.set()
        assert go_on.wait(60)
        return real(*arguments)

    monkeypatch.setattr(service_module, "predict", slow)
    app, answers = create_app(busy, None), []

    def ask():
        with TestClient(app, "http://127.0.0.1") as client:
            answers.append(client.post("/predict", content=photo[1], headers=JPEG))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    while busy._waiting < 2:
        assert all(thread.is_alive() for thread in threads)
    ask()
    assert answers[0].status_code == 503 and answers[0].headers["retry-after"] == "1"
    go_on.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers[1:]] == [200, 200]


def test_what_waits_is_classified_together_and_fails_alone(start, photo, monkeypatch):
    service = start()
    begun, go_on, together = threading.Event(), threading.Event(), []
    real = service_module.predict

    def failing(store, contents, *others):
        together.append(len(contents))
        begun.set()
        assert go_on.wait(60)
        if b"bad" in contents:
            raise MemoryError
        return real(store, contents, *others)

    monkeypatch.setattr(service_module, "predict", failing)
    app, codes = create_app(service, None), {}

    def ask(name, content):
        with TestClient(app, "http://127.0.0.1", raise_server_exceptions=False) as client:
            codes[name] = client.post("/predict", content=content, headers=JPEG).status_code

    asked = {"first": photo[1], "good": photo[1], "bad": b"bad", "broken": photo[1][:400]}
    threads = [threading.Thread(target=ask, args=one) for one in asked.items()]
    threads[0].start()
    assert begun.wait(60)
    for thread in threads[1:]:
        thread.start()
    while service._waiting < 4:
        assert all(thread.is_alive() for thread in threads)
    go_on.set()
    for thread in threads:
        thread.join()
    assert codes == {"first": 200, "good": 200, "bad": 500, "broken": 422}
    assert together == [1, 3, 1, 1, 1]


def test_only_those_with_the_token_get_in(service, photo):
    client = TestClient(create_app(service, "secret"), "http://127.0.0.1")
    for path in ("/photos/x", "/metrics", "/v2/models/fruits", "/openapi.json"):
        answer = client.get(path)
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    wrong = {"Authorization": "Bearer wrong"}
    assert client.post("/predict", content=photo[1], headers=wrong).status_code == 401
    right = {"Authorization": "Bearer secret"}
    assert client.post("/predict", content=photo[1], headers=right).status_code == 200
    for path in ("/", "/health/live", "/health/ready"):
        assert client.get(path).status_code == 200


def test_pages_of_other_sites_get_nothing(client, photo):
    for host in ("evil.example", "[::1", ""):
        assert client.get("/health/live", headers={"Host": host}).status_code == 421
    for host in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert client.get("/health/live", headers={"Host": host}).status_code == 200
    answer = client.get("/")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_another_site_cannot_ask(client, photo):
    for site, status in (("cross-site", 403), ("same-origin", 200), ("none", 200)):
        headers = JPEG | {"Sec-Fetch-Site": site}
        assert client.post("/predict", content=photo[1], headers=headers).status_code == status


def test_bodies_have_limited_room(start, photo):
    small = start(waiting_bytes=len(photo[1]) + 10)
    client = TestClient(create_app(small, None), "http://127.0.0.1")
    for _ in range(3):  # room is given back
        assert client.post("/predict", content=photo[1]).status_code == 200
    full = client.post("/predict", content=photo[1] + bytes(11))
    assert full.status_code == 503 and "connection" not in full.headers
    long = client.post("/predict", content=bytes(200_000))  # not read to its end
    assert long.status_code == 503 and long.headers["connection"] == "close"


def test_an_empty_token_is_none(tmp_path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(FruitsError, match="no token"):
        find_token(tmp_path / "token")
    (tmp_path / "token").write_text(" secret\n")
    assert find_token(tmp_path / "token") == "secret"


def test_others_need_a_token(classified):
    with pytest.raises(Exception, match="--token-file"):
        Server(ServeSettings(store=str(classified[1]), host="0.0.0.0"), None)


def test_the_page_speaks_the_readers_language(client):
    assert "Which fruit is it?" in client.get("/").text
    french = client.get("/", headers={"Accept-Language": "fr-FR,fr;q=0.9"}).text
    assert "Quel est ce fruit" in french and 'lang="fr"' in french
    assert "Which fruit" in client.get("/?lang=en", headers={"Accept-Language": "fr"}).text


def test_health_says_what_answers(client, classified):
    info = json.loads((classified[1] / "06_models/classifier_info.json").read_text())
    said = client.get("/health/ready").json()
    assert said["classifier"] == info["best"] and said["backbone"] == info["fingerprint"]
    assert (said["labels"], said["photos"]) == (12, 120)


def test_what_happens_is_counted(client, photo):
    def count(name):
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    before = count("fruits_photos_total"), count("fruits_rejected_total")
    client.post("/predict", content=photo[1], headers=JPEG)
    client.post("/predict", content=b"no photo", headers=JPEG)
    assert (count("fruits_photos_total"), count("fruits_rejected_total")) == (
        before[0] + 1,
        before[1] + 1,
    )
    assert count('fruits_requests_total{path="/predict",status="422"}') >= 1
    assert count("fruits_photos_waiting") == 0


def test_open_inference_clients_are_understood(client, photo):
    assert client.get("/v2/models/fruits").json()["inputs"][0]["datatype"] == "BYTES"
    assert client.get("/v2/health/ready").status_code == 200
    content = base64.b64encode(photo[1]).decode()
    tensor = {"name": "photos", "datatype": "BYTES", "shape": [2]}
    asked = {"id": "7", "inputs": [tensor | {"data": [content, base64.b64encode(b"x").decode()]}]}
    answer = client.post("/v2/models/fruits/infer", json=asked).json()
    outputs = {one["name"]: one["data"] for one in answer["outputs"]}
    (expected,) = client.post("/predict", content=photo[1]).json()["photos"]
    assert outputs["label"] == [expected["label"], ""] and answer["id"] == "7"
    assert outputs["probability"][0] == expected["probability"]
    assert outputs["error"] == ["", "decode: not_an_image"]
    good = {"inputs": [tensor | {"data": [content]}]}
    for wrong in (
        {},
        {"inputs": []},
        {"inputs": [tensor]},
        {"inputs": [tensor | {"name": "x"}]},
        {"inputs": [tensor | {"data": [content] * 17}]},
        good | {"id": "\ud800"},
        good | {"outputs": [{"name": "x"}]},
    ):
        refused = client.post("/v2/models/fruits/infer", content=json.dumps(wrong))
        assert refused.status_code == 400 and refused.json()["error"], wrong
    nested = client.post("/v2/models/fruits/infer", content=b"[" * 100_000)
    assert nested.status_code == 400
    some = good | {"outputs": [{"name": "label"}]}
    (output,) = client.post("/v2/models/fruits/versions/1/infer", json=some).json()["outputs"]
    assert output["data"] == [expected["label"]]


def test_binary_tensors_are_read_as_triton_sends_them(client, classified):
    photos = [path.read_bytes() for path in sorted(classified[0].glob("Test/*/*.jpg"))[:3]]
    content = b"".join(struct.pack("<I", len(photo)) + photo for photo in photos)
    tensor = {"name": "photos", "datatype": "BYTES", "shape": [3]}
    tensor["parameters"] = {"binary_data_size": len(content)}
    asked = json.dumps({"inputs": [tensor]}).encode()
    header = {"Inference-Header-Content-Length": str(len(asked))}
    answer = client.post("/v2/models/fruits/infer", content=asked + content, headers=header).json()
    expected = [client.post("/predict", content=p).json()["photos"][0]["label"] for p in photos]
    assert answer["outputs"][0] == {
        "name": "label",
        "datatype": "BYTES",
        "shape": [3],
        "data": expected,
    }
    cut = client.post("/v2/models/fruits/infer", content=asked + content[:-1], headers=header)
    assert cut.status_code == 400


def test_the_interface_is_described_with_examples(client):
    described = client.get("/openapi.json").json()
    predict = described["paths"]["/predict"]["post"]
    assert "multipart/form-data" in predict["requestBody"]["content"]
    assert predict["responses"]["200"]["content"]["application/json"]["example"]["photos"]
