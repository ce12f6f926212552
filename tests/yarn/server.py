"""YARN and HDFS as EMR configures them: their own daemons, from Maven's jars, on loopback."""

from __future__ import annotations

import io
import json
import os
import platform
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.java import QUICK_START
from tests.ports import free_ports

from fruits_kedro.spark.java import find_java

_MAVEN = "https://repo1.maven.org/maven2/"
_LIST = Path(__file__).with_name("jars.txt")
_HDFS = "org.apache.hadoop.hdfs.server."
_YARN = "org.apache.hadoop.yarn.server."
_HDFS_ADDRESSES = (
    "namenode.rpc-address",
    "namenode.http-address",
    "datanode.address",
    "datanode.http.address",
    "datanode.ipc.address",
)
_ADDRESSES = (
    "resourcemanager.address",
    "resourcemanager.webapp.address",
    "resourcemanager.scheduler.address",
    "resourcemanager.resource-tracker.address",
    "resourcemanager.admin.address",
    "nodemanager.address",
    "nodemanager.webapp.address",
    "nodemanager.localizer.address",
)
_NATIVE = "io/trino/hadoop/hadoop-apache/3.3.5-1/hadoop-apache-3.3.5-1.jar"
_ARCH = {"x86_64": "amd64"}.get(platform.machine(), platform.machine())
_SPARK = "3.5.6"
_S3A = (
    "org/apache/hadoop/hadoop-aws/3.3.4/hadoop-aws-3.3.4.jar",
    "com/amazonaws/aws-java-sdk-bundle/1.12.262/aws-java-sdk-bundle-1.12.262.jar",
    "org/wildfly/openssl/wildfly-openssl/1.0.7.Final/wildfly-openssl-1.0.7.Final.jar",
)
_SHUFFLE = "org.apache.spark.network.yarn.YarnShuffleService"
# What it needs beside its own jar: EMR has all in one.
_SHUFFLE_JARS = (
    "spark-network-*",
    "spark-common-utils*",
    "netty-*",
    "scala-library*",
    "metrics-core*",
)


def fetch_jars(folder: Path) -> Path:
    """Fetch YARN and HDFS 3.3.4, the version of Spark's Hadoop, once for all tests."""
    (folder / "hdfs").mkdir(parents=True, exist_ok=True)

    def fetch(name: str) -> None:
        place = folder / "hdfs" if "minicluster" in name else folder
        path = place / name.rpartition("/")[2]
        if not path.is_file():
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(_download(_MAVEN + name))
            part.rename(path)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(fetch, _LIST.read_text().split()))
    return folder


def fetch_native(folder: Path) -> Path:
    """Fetch Hadoop's native library, as EMR has it; returns its folder.

    Without it the NodeManager starts a process for each file of an archive, to set its mode.
    """
    if not (folder / "libhadoop.so").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(io.BytesIO(_download(_MAVEN + _NATIVE))) as jar:
            library = jar.read(f"nativelib/Linux-{_ARCH}/libhadoop.so")
        part = folder / f"{os.getpid()}"
        part.write_bytes(library)
        part.rename(folder / "libhadoop.so")
    return folder


def fetch_spark(folder: Path) -> Path:
    """Fetch EMR 7.12's Spark, with a PySpark and an S3 client of its own, once for all tests.

    Returns SPARK_HOME. EMR's S3 client is built in, and there is no jar of a committer.
    """
    home = folder / f"pyspark-{_SPARK}"
    if not home.is_dir():
        part = folder / f"pyspark-{os.getpid()}"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        target = ["--disable-pip-version-check", "--target", str(part), f"pyspark=={_SPARK}"]
        subprocess.run([*install, *target], check=True)
        for name in _S3A:
            jar = part / "pyspark" / "jars" / name.rpartition("/")[2]
            jar.write_bytes(_download(_MAVEN + name))
        part.rename(home)
    return home / "pyspark"


@cache
def _tls() -> ssl.SSLContext:
    """The certificates, read once for some hundred files."""
    return ssl.create_default_context()


def _download(url: str) -> bytes:
    """The content of a URL; a network that is away for a moment is asked again."""
    for pause in (1, 4, 16):
        try:
            return urllib.request.urlopen(url, timeout=60, context=_tls()).read()
        except urllib.error.URLError as error:
            if isinstance(error, urllib.error.HTTPError):
                raise
            time.sleep(pause)
    return urllib.request.urlopen(url, timeout=60, context=_tls()).read()


def _write_xml(path: Path, values: dict[str, object]) -> None:
    lines = [f"<property><name>{k}</name><value>{v}</value></property>" for k, v in values.items()]
    path.write_text(f"<configuration>{''.join(lines)}</configuration>")


@dataclass
class Yarn:
    """A ResourceManager, a NodeManager with Spark's shuffle service, and an HDFS for both.

    Attributes:
        folder: for configuration, logs and local files.
        jars: of YARN.
        native: folder of Hadoop's native library.
        spark: SPARK_HOME of the cluster.
        environment: of the node: what a role would give it, and what Spark is given.
        configurations: those of ``run_job_flow``.
    """

    folder: Path
    jars: Path
    native: Path
    spark: Path
    environment: dict[str, str]
    configurations: list[dict[str, object]]
    processes: list[subprocess.Popen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.java_home = find_java()
        self.environment |= {"JAVA_HOME": str(self.java_home), **QUICK_START}

    def start(self) -> None:
        conf = self._write_configuration()
        (self.folder / "shuffle").mkdir()
        for name in _SHUFFLE_JARS:
            for jar in (self.spark / "jars").glob(name):
                (self.folder / "shuffle" / jar.name).symlink_to(jar)
        assert self._java(conf, "namenode.NameNode", "-format").wait(timeout=90) == 0
        daemons = "namenode.NameNode", "datanode.DataNode"
        daemons += "resourcemanager.ResourceManager", "nodemanager.NodeManager"
        self.processes = [self._java(conf, daemon) for daemon in daemons]
        self._wait()

    def _java(self, conf: Path, daemon: str, *arguments: str) -> subprocess.Popen:
        opened = ("--add-opens", "java.base/java.lang=ALL-UNNAMED")
        command = [f"{self.java_home}/bin/java", "-Xmx400m", *opened]
        command.append(f"-Djava.library.path={self.native}")
        if daemon.startswith(("namenode", "datanode")):  # the rest of Hadoop is among Spark's jars
            path = f"{conf}:{self.jars}/hdfs/*:{self.spark}/jars/*"
            main = _HDFS + daemon
        else:
            path, main = f"{conf}:{self.jars}/*:{self.folder}/shuffle/*", _YARN + daemon
        with (self.folder / f"{daemon}.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "-cp", path, main, *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )

    def _write_configuration(self) -> Path:
        conf = self.folder / "conf"
        conf.mkdir()
        ports = free_ports(len(_HDFS_ADDRESSES) + len(_ADDRESSES) + 1)
        places = [f"127.0.0.1:{port}" for port in ports]
        hdfs = {f"dfs.{name}": place for name, place in zip(_HDFS_ADDRESSES, places)}
        self.hdfs_web = f"http://{hdfs['dfs.namenode.http-address']}"
        self.shuffle_port = ports[-1]
        hdfs |= {"dfs.replication": 1, "dfs.permissions.enabled": "false"}
        hdfs |= {f"dfs.{n}node.{n}.dir": self.folder / f"hdfs/{n}" for n in ("name", "data")}
        addresses = dict(zip(_ADDRESSES, places[len(_HDFS_ADDRESSES) :]))
        self.web = f"http://{addresses['resourcemanager.webapp.address']}"
        yarn = addresses | {
            "resourcemanager.bind-host": "127.0.0.1",
            "nodemanager.bind-host": "127.0.0.1",
            "nodemanager.resource.memory-mb": 8192,
            "nodemanager.resource.cpu-vcores": 8,
            "nodemanager.vmem-check-enabled": "false",
            "nodemanager.local-dirs": self.folder / "local",
            "nodemanager.log-dirs": self.folder / "logs",
            "nodemanager.remote-app-log-dir": f"file://{self.folder}/aggregated",
            "nodemanager.env-whitelist": ",".join(["PATH", *self.environment]),
            "nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": 99.9,
            "log-aggregation-enable": "true",
            "scheduler.minimum-allocation-mb": 128,
            "scheduler.capacity.root.queues": "default",
            "scheduler.capacity.root.default.capacity": 100,
            "scheduler.capacity.maximum-am-resource-percent": 0.9,
            "nodemanager.aux-services": "spark_shuffle",
            "nodemanager.aux-services.spark_shuffle.class": _SHUFFLE,
        }
        sites: dict[str, dict[str, object]] = {
            "core-site": {
                "fs.defaultFS": f"hdfs://{hdfs['dfs.namenode.rpc-address']}",
                "hadoop.tmp.dir": self.folder / "tmp",
            },
            "hdfs-site": hdfs,
            "yarn-site": {f"yarn.{name}": v for name, v in yarn.items()}
            | {"spark.shuffle.service.port": self.shuffle_port},
        }
        for given in self.configurations:
            sites[given["Classification"]] |= given["Properties"]
        for name, values in sites.items():
            _write_xml(conf / f"{name}.xml", values)
        _write_xml(conf / "capacity-scheduler.xml", {})
        (conf / "log4j.properties").write_text(
            "log4j.rootLogger=WARN,console\n"
            "log4j.appender.console=org.apache.log4j.ConsoleAppender\n"
            "log4j.appender.console.layout=org.apache.log4j.SimpleLayout\n"
        )
        return conf

    def _wait(self) -> None:
        end = time.monotonic() + 90
        while time.monotonic() < end and all(one.poll() is None for one in self.processes):
            try:
                with urllib.request.urlopen(
                    f"{self.web}/ws/v1/cluster/metrics", timeout=5
                ) as answer:
                    has_node = json.load(answer)["clusterMetrics"]["activeNodes"] == 1
                query = "/jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState"
                with urllib.request.urlopen(self.hdfs_web + query, timeout=5) as answer:
                    states = json.load(answer)["beans"]
                if has_node and any(state["NumLiveDataNodes"] == 1 for state in states):
                    return
            except OSError:
                pass
            time.sleep(0.5)
        self.stop()
        logs = "\n".join(p.read_text()[-1500:] for p in self.folder.glob("*.log"))
        raise RuntimeError(f"YARN did not start:\n{logs}")

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def client_environment(self, spark_conf: Path) -> dict[str, str]:
        """What spark-submit needs: the same as on a cluster's primary node."""
        names = {"HADOOP_CONF_DIR": self.folder / "conf", "SPARK_CONF_DIR": spark_conf}
        names |= {"SPARK_HOME": self.spark, "SPARK_LOCAL_IP": "127.0.0.1"}
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYSPARK", "KEDRO"))
        }
        return kept | self.environment | {name: str(value) for name, value in names.items()}

    def applications(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.web}/ws/v1/cluster/apps", timeout=10) as answer:
            found = json.load(answer)["apps"] or {"app": []}
        return sorted(found["app"], key=lambda app: app["id"])

    def final_status(self) -> str:
        """Of the newest application: YARN learns it a moment after spark-submit has ended."""
        for _ in range(60):
            status = self.applications()[-1]["finalStatus"]
            if status != "UNDEFINED":
                break
            time.sleep(0.5)
        return status

    def container_logs(self, application: str) -> dict[str, str]:
        """The containers' aggregated logs, a file a node: texts, parted by a few bytes."""
        for _ in range(120):  # the node brings them a little after the end
            (app,) = (app for app in self.applications() if app["id"] == application)
            if app.get("logAggregationStatus") == "SUCCEEDED":
                break
            time.sleep(0.5)
        paths = (self.folder / "aggregated").glob(f"**/{application}/[!.]*")
        found = {path.name: path.read_text("utf-8", "replace") for path in paths}
        if not found:
            raise RuntimeError(f"There are no aggregated logs of {application}: {app}")
        return {name: text.replace("Traceback (", "\nTraceback (") for name, text in found.items()}
