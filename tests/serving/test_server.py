"""Real processes behind a real port: they start fast, live on, follow the store, and end."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

WORKER = "fruits_kedro.serving.worker"
LOST = {"ConnectError", "ReadError", "RemoteProtocolError"}


class Process:
    """``fruits-kedro serve`` at a free port."""

    def __init__(self, store, log, *options):
        command = [sys.executable, "-m", "fruits_kedro", "serve", "--params", f"store={store}"]
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--port", "0", "--processes", "2", *options],
                stderr=output,
                stdout=output,
            )
        while True:
            text = log.read_text()
            if "answers after" in text and text.count("A process is ready") == 2:
                break
            assert self.process.poll() is None, text
            time.sleep(0.05)
        self.url = next(word for word in text.split() if word.startswith("http://"))

    def workers(self):
        found = []
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.Error):  # it has just ended
                found += [child] * (WORKER in " ".join(child.cmdline()))
        return found

    def kill(self):
        workers = self.workers() if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for worker in workers:
            with suppress(psutil.Error):
                worker.kill()

    def predict(self, content):
        return httpx.post(f"{self.url}/predict", content=content, timeout=30, verify=False)


@pytest.fixture
def store(classified, tmp_path):
    return shutil.copytree(classified[1], tmp_path / "store")


@pytest.fixture
def served(store, tmp_path):
    """A service of a test's own, to break."""
    process = Process(store, tmp_path / "serve.log")
    yield process
    process.kill()


@pytest.fixture(scope="module")
def shared_service(classified, tmp_path_factory):
    """A service that is only asked."""
    process = Process(classified[1], tmp_path_factory.mktemp("shared_service") / "serve.log")
    yield process
    process.kill()


@pytest.fixture(scope="module")
def photos(classified):
    return [path.read_bytes() for path in sorted(classified[0].glob("Test/*/*.jpg"))]


class Load:
    """Requests, one after the other, until it is told to end."""

    def __init__(self, served, photos):
        self.codes, self._ending = [], threading.Event()
        self._thread = threading.Thread(target=self._ask, args=(served, photos))
        self._thread.start()

    def _ask(self, served, photos):
        while not self._ending.is_set():
            for content in photos:
                try:
                    self.codes.append(served.predict(content).status_code)
                except httpx.TransportError as error:
                    self.codes.append(type(error).__name__)

    def end(self):
        self._ending.set()
        self._thread.join()
        return self.codes


def test_a_process_loads_no_spark_and_no_tensorflow(shared_service):
    for worker in shared_service.workers():
        mapped = {region.path for region in worker.memory_maps()}
        assert not [path for path in mapped if "tensorflow" in path or "libjvm" in path]
        assert worker.memory_info().rss < 350e6


def test_a_process_that_is_killed_is_replaced_and_costs_its_own_requests_only(served, photos):
    load = Load(served, photos)
    before = served.workers()
    assert len(before) == 2
    while len(load.codes) < 20:
        time.sleep(0.01)
    before[0].kill()
    while len([w for w in served.workers() if w.pid != before[0].pid]) < 2:
        time.sleep(0.05)
    at_least = len(load.codes) + 20
    while len(load.codes) < at_least:
        time.sleep(0.01)
    codes = load.end()
    assert set(codes) <= {200, *LOST}
    assert sum(code != 200 for code in codes) <= 2
    assert "another takes its place" in served.log.read_text()


def test_a_new_store_takes_over_and_a_half_written_one_never(
    served, store, photos, kedro_run, classified
):
    load = Load(served, photos)
    model = store / "06_models/pca_model"
    shutil.move(model, store / "away")  # as if a run replaced it
    (store / "06_models/classifier_info.json").touch()
    served.workers()[0].kill()  # the next one finds half a store
    while "has no classifier" not in served.log.read_text():
        assert served.process.poll() is None
        time.sleep(0.05)
    while len(load.codes) < 100:
        time.sleep(0.01)
    assert "The store has changed" not in served.log.read_text()
    shutil.move(store / "away", model)
    params = {"classification.models": "random_forest", "classification.inputs": "features"}
    result = kedro_run("--pipelines", "classification", images=classified[0], store=store, **params)
    assert result.exit_code == 0, result.output
    same = 0
    while same < 20:  # of both processes
        assert served.process.poll() is None
        found = httpx.get(f"{served.url}/health/ready").json()["classifier"]
        same = same + 1 if found == "random_forest.features" else 0
        time.sleep(0.05)
    codes = load.end()
    lost = [code for code in codes if code != 200]
    assert len(lost) <= 2 and set(lost) <= LOST  # of the one that was killed


def test_it_ends_in_time_and_finishes_what_it_has(served, photos):
    load = Load(served, photos)
    while len(load.codes) < 20:
        time.sleep(0.01)
    started = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=30) == 0
    assert time.monotonic() - started < 10
    load._ending.set()
    codes = load.end()
    first_failure = next((i for i, code in enumerate(codes) if code != 200), len(codes))
    assert set(codes[first_failure:]) <= LOST
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{served.url}/health/live", timeout=2)


def test_a_request_on_its_way_is_answered_before_the_end(served, photos):
    connection = connect(served)
    at = connection.getsockname()[1]

    def has_it(worker):
        return any(one.raddr and one.raddr.port == at for one in worker.net_connections())

    def listens(worker):
        return any(one.status == psutil.CONN_LISTEN for one in worker.net_connections())

    while not (found := [worker for worker in served.workers() if has_it(worker)]):
        time.sleep(0.01)  # no process has accepted it
    served.process.send_signal(signal.SIGTERM)
    while listens(found[0]):
        time.sleep(0.01)
    connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    assert served.process.wait(timeout=30) == 0


def test_processes_end_with_the_one_that_started_them(served):
    workers = served.workers()
    served.process.kill()
    for worker in workers:
        worker.wait(timeout=30)


def test_damaged_uploads_break_nothing(shared_service, photos):
    rng = np.random.default_rng(0)
    with httpx.Client(base_url=shared_service.url, timeout=60) as client:
        for i in range(300):
            content = bytearray(photos[i % len(photos)])
            for at in rng.integers(0, len(content), 20):
                content[at] = rng.integers(256)
            answer = client.post(
                "/predict", content=bytes(content[: rng.integers(1, len(content))])
            )
            assert answer.status_code in (200, 422)
            form = {"Content-Type": f"multipart/form-data; boundary={'x' * (i % 3)}"}
            assert client.post("/predict", content=bytes(content), headers=form).status_code == 400
    assert len(shared_service.workers()) == 2 and "Traceback" not in shared_service.log.read_text()


def connect(served):
    host, port = served.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.settimeout(30)
    return connection


def test_a_slow_client_holds_nobody_up(shared_service, photos):
    slow = [connect(shared_service) for _ in range(20)]
    for one in slow:
        one.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000\r\n\r\nx")
    first, second = connect(shared_service), connect(shared_service)
    first.sendall(b"POST /predict HTTP/1.1\r\nX: ")
    second.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b""
    while b'"live"}' not in answer:
        answer += second.recv(1000)
    assert answer.startswith(b"HTTP/1.1 200")
    second.sendall(b"GET /health/live HTTP/1.1\r\nX: ")
    for content in photos:
        assert shared_service.predict(content).status_code == 200
    for silent in (first, second):
        assert silent.recv(100) == b""  # it was closed
    for one in slow:
        one.close()


def test_headers_have_an_end(shared_service, photos):
    endless = connect(shared_service)
    endless.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    with pytest.raises(OSError):  # the connection is closed
        for _ in range(1000):
            endless.sendall(b"x" * 10_000)
    assert shared_service.predict(photos[0]).status_code == 200


@pytest.fixture
def browse():
    """A browser at the width of a phone, with these arguments: its page and its faults."""
    with sync_playwright() as playwright:
        browsers, faults = [], []

        def start(*arguments):
            chromium = shutil.which("chromium")
            if chromium is None and not os.environ.get("CI"):
                pytest.skip("needs Chromium (Debian: apt install chromium)")
            arguments = ["--no-sandbox", *arguments]
            browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
            browsers.append(browser)
            size = {"width": 390, "height": 800}
            page = browser.new_context(viewport=size, is_mobile=True, has_touch=True).new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            return page

        yield start
        for browser in browsers:
            browser.close()
    assert faults == []


def test_a_phone_gets_an_answer(shared_service, classified, tmp_path, browse):
    photo = sorted(classified[0].glob("Test/*/*.jpg"))[0]
    (tmp_path / "no photo.jpg").write_bytes(b"no photo")
    page, asked = browse(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(shared_service.url)
    page.locator("#file").set_input_files(photo)
    answer = page.locator("article").first
    answer.wait_for()
    assert answer.locator("h2").text_content() == photo.parent.name
    assert answer.locator("figure").count() == 6
    page.locator("#file").set_input_files(tmp_path / "no photo.jpg")
    page.locator("article", has_text="cannot be used").wait_for()
    assert page.locator("article").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    own = (shared_service.url, "blob:", "data:")
    assert not [url for url in asked if not url.startswith(own)]
    page.screenshot(path=tmp_path / "phone.png", full_page=True)


def test_the_camera_of_a_phone_sees_the_fruit(shared_service, classified, tmp_path, browse):
    photo = sorted(classified[0].glob("Test/*/*.jpg"))[0]
    frame = io.BytesIO()
    Image.open(photo).resize((480, 480)).save(frame, "JPEG", quality=95)
    film = tmp_path / "film.mjpeg"
    film.write_bytes(frame.getvalue() * 30)
    page = browse(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    page.goto(shared_service.url)
    page.locator("#camera").click()
    page.locator("#shoot").click()
    answer = page.locator("article")
    answer.wait_for()
    assert answer.locator("h2").text_content() == photo.parent.name
    page.screenshot(path=tmp_path / "camera.png", full_page=True)
    page.locator("#stop").click()
    assert page.locator("#camera").is_visible() and not page.locator("#view").is_visible()
