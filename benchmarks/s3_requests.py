"""What a run asks of an S3 server: requests of each kind, over small files and packed ones.

    python benchmarks/s3_requests.py

starts SeaweedFS with synthetic photos and a proxy that counts, runs the pipelines, prints a table
and writes it to benchmarks/results/s3_requests.md.
"""

from __future__ import annotations

import argparse
import http.client
import http.server
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from whole_run import PROJECT, kedro_run, write_results

sys.path.insert(0, str(PROJECT))

from tests.s3.server import BUCKET, S3Server

from fruits_kedro.commands.sample import write_sample

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
        asked = url.path.removeprefix(f"/{BUCKET}") + url.query
        return "photos" if "photos" in asked or "packed_images" in asked else "store"

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def start_proxy(server: S3Server) -> int:
    """Count the requests to a server from now on; the port to send them to."""
    CountingProxy.port = server.ports["s3"]
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CountingProxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    proxy.handle_error = lambda *_: None  # Spark resets connections that it needs no more
    return proxy.server_port


def run(
    server: S3Server, port: int, *arguments: str, **params: object
) -> tuple[Counter[tuple[str, str]], float]:
    """The requests of one run, and its seconds: of listing and extraction, or of the process."""
    CountingProxy.counts.clear()
    variables = server.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    done = kedro_run(f"s3://{BUCKET}/store", *arguments, variables=variables, **params)
    counts = Counter(CountingProxy.counts)
    if arguments:
        return counts, done.seconds
    info = server.client.get_object(Bucket=BUCKET, Key="store/08_reporting/model_info.json")
    stages = json.load(info["Body"])["stages"]
    return counts, stages["ingestion"]["seconds"] + stages["extraction"]["seconds"]


def main() -> None:
    """Start the server, run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    images = parser.parse_args().images
    photos = f"s3://{BUCKET}/photos"
    packed = f"s3://{BUCKET}/store/01_raw/packed_images.parquet"
    weights = {"extraction.weights": "embedded"}
    scratch = weights | {"extraction.incremental": False}
    with tempfile.TemporaryDirectory() as folder:
        server = S3Server(Path(folder))
        server.start()
        server.client.create_bucket(Bucket=BUCKET)
        sum(write_sample(Path(folder, "photos"), 10, images // 10, 0, 0))
        server.upload(Path(folder, "photos"), "photos")
        port = start_proxy(server)
        runs = {
            "first run": run(server, port, images=photos, **weights),
            "second run": run(server, port, images=photos, **weights),
            "packing": run(server, port, "--pipelines", "packing", images=photos),
            "packed photos, all again": run(server, port, images=packed, **scratch),
            "small files, all again": run(server, port, images=photos, **scratch),
        }
        server.stop()
    lines = [
        f"{images:,} photos in a bucket, store in the same bucket, {time.strftime('%Y-%m-%d')}. "
        "Seconds: listing and extraction (of packing: the whole process), with a server on the "
        "same machine.",
        "",
        "| requests for | | " + " | ".join(KINDS) + " | seconds |",
        "| --- | --- |" + " ---: |" * (len(KINDS) + 1),
    ]
    for name, (counts, seconds) in runs.items():
        for whose, shown in (("photos", f"{seconds:.1f}"), ("store", "")):
            cells = " | ".join(f"{counts[kind, whose]:,}" for kind in KINDS)
            lines.append(f"| {name} | {whose} | {cells} | {shown} |")
    write_results("s3_requests", "Requests to S3", lines)


if __name__ == "__main__":
    main()
