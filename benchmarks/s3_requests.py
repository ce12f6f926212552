"""What a run asks of an S3 server: requests of each kind, for 1,000 photos.

    python benchmarks/s3_requests.py

starts SeaweedFS with synthetic photos and a proxy that counts, runs the pipeline twice, prints a
table and writes it to benchmarks/results/s3_requests.md.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.s3.server import BUCKET, S3Server  # noqa: E402

from fruits_kedro.sample import write_sample  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "s3_requests.md"
KINDS = ("LIST", "HEAD", "GET", "PUT", "POST", "COPY", "DELETE")


class CountingProxy(http.server.BaseHTTPRequestHandler):
    """Hands each request on as it is, and counts it."""

    protocol_version = "HTTP/1.1"
    port: int
    counts: ClassVar[Counter[tuple[str, str]]] = Counter()

    def _forward(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        url = urlsplit(self.path)
        self.counts[self._kind(parse_qs(url.query)), self._whose(url)] += 1
        upstream = http.client.HTTPConnection("127.0.0.1", self.port)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        size = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(size or 0))
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _forward

    def _kind(self, query: dict[str, list[str]]) -> str:
        if self.command == "GET" and ("list-type" in query or "prefix" in query):
            return "LIST"
        if self.command == "PUT" and "x-amz-copy-source" in self.headers:
            return "COPY"
        return self.command

    def _whose(self, url) -> str:
        of_photos = url.path.startswith(f"/{BUCKET}/photos") or "prefix=photos" in url.query
        return "photos" if of_photos else "store"

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def run(endpoint: str, server: S3Server) -> Counter[tuple[str, str]]:
    """Count the requests of one run."""
    CountingProxy.counts.clear()
    environment = {**os.environ, **server.environment, "AWS_ENDPOINT_URL": endpoint}
    params = f"images=s3://{BUCKET}/photos,store=s3://{BUCKET}/store,extraction.weights=embedded"
    command = [sys.executable, "-m", "kedro", "run", "--params", params]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env=environment)
    return Counter(CountingProxy.counts)


def main() -> None:
    """Start the server, run twice, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        server = S3Server(Path(folder))
        server.start()
        server.client.create_bucket(Bucket=BUCKET)
        sum(write_sample(Path(folder, "photos"), 10, images // 10, 0, 0))
        server.upload(Path(folder, "photos"), "photos")
        CountingProxy.port = server.ports["s3"]
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CountingProxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{proxy.server_port}"
        runs = [run(endpoint, server) for _ in range(2)]
        server.stop()
    lines = [
        f"{images:,} photos in a bucket, store in the same bucket, {time.strftime('%Y-%m-%d')}.",
        "",
        "| request | photos, 1st run | photos, 2nd run | store, 1st run | store, 2nd run |",
        "| --- | ---: | ---: | ---: | ---: |",
        *(
            "| ".join(
                [f"| {kind} ", *(f"{r[kind, w]} " for w in ("photos", "store") for r in runs)]
            )
            + "|"
            for kind in KINDS
        ),
    ]
    RESULTS.write_text("# Requests to S3\n\n" + "\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
