"""Engine spark, for real, on two processors of this machine: its links and weights are DuckDB's."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from p20kit import synthetic
from p20kit.linkage import LinkageRefused, Linked, Method, find_duplicates, link_pair
from p20kit.linkage.spark import open_session
from tests.linkage.agencies import FEBRL_ROLES, STATE_ROLES, febrl3, run_template

# PySpark leaves the sockets to its Java for Python to close.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

ON_SPARK = Method(threshold=0.5, deterministic=("sasid",), engine="spark")
CANARY = "CANARYFIELDQWOPQUIST"
# Joins sort and shuffle, as those of large files do; a session this short is not worth compiling for.
SITE = {
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


@pytest.fixture(scope="module")
def spilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the directory Spark writes to, on two processors."""
    root = tmp_path_factory.mktemp("spark")
    settings = " ".join(f"--conf {name}={value}" for name, value in (SITE | {"spark.local.dir": str(root)}).items())
    with pytest.MonkeyPatch.context() as site:
        site.setenv("PYSPARK_SUBMIT_ARGS", f"--master local[2] {settings} pyspark-shell")
        site.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        yield root
        open_session().stop()


@pytest.fixture(scope="module")
def files() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Students and college students, some with names that bytes and letters count differently."""
    world = synthetic.universe(students=400, wage_earners=100, college_students=400, seed=34)
    sde, cscu = world.matching("SDE"), world.matching("CSCU")
    both = sde.merge(cscu, on="SASID")[["GenericID_x", "GenericID_y"]][:4]
    named = ["Достоевский", "Достоевская", "Ολυμπία", CANARY]
    for file, ids in ((sde, both["GenericID_x"]), (cscu, both["GenericID_y"])):
        for record, name in zip(ids, named, strict=True):
            file.loc[file["GenericID"] == record, "LastName"] = name
    cscu.loc[cscu["GenericID"] == both["GenericID_y"].iloc[0], "LastName"] = "Достаевски"
    return sde, cscu


@pytest.fixture(scope="module")
def matched(files: tuple[pd.DataFrame, pd.DataFrame], spilled: Path) -> tuple[Linked, Linked]:
    """Give the match by Spark and by DuckDB."""
    on_spark, here = (
        link_pair(*files, roles=STATE_ROLES, names=("SDE", "CSCU"), method=method)
        for method in (ON_SPARK, replace(ON_SPARK, engine="duckdb"))
    )
    return on_spark, here


def test_it_runs_on_two_processors_of_this_machine(matched):
    assert open_session().sparkContext.master == "local[2]"


def test_links_weights_and_model_are_those_of_duckdb(matched):
    on_spark, here = matched
    assert len(here.links) > 150
    pd.testing.assert_frame_equal(on_spark.links, here.links)
    pd.testing.assert_frame_equal(on_spark.unlinked, here.unlinked)
    assert on_spark.model == here.model


def test_the_report_is_that_of_duckdb_and_names_the_engine(matched):
    on_spark, here = matched
    assert {key for key in here.report if on_spark.report[key] != here.report[key]} == {"method", "software"}
    assert on_spark.report["method"]["engine"] == "spark"
    assert set(on_spark.report["software"]) - set(here.report["software"]) == {"pyspark"}


def test_what_spark_writes_to_disk_is_encrypted(matched, spilled):
    written = [file.read_bytes() for file in spilled.rglob("*") if file.is_file()]
    assert sum(map(len, written)) > 100_000, "records went over the disk, so they could be read there"
    assert not [content for content in written if CANARY.encode() in content]


def test_duplicates_within_a_file_are_those_of_duckdb(spilled):
    file = febrl3()[:600]
    on_spark, here = (
        find_duplicates(file, roles=FEBRL_ROLES, id_column="rec_id", method=Method(engine=engine))
        for engine in ("spark", "duckdb")
    )
    assert here.clusters["cluster"].nunique() < 590
    pd.testing.assert_frame_equal(on_spark.clusters, here.clusters)


def test_the_approved_notebook_takes_it_as_a_parameter(files, matched, spilled, tmp_path):
    (tmp_path / "inputs").mkdir()
    for agency, file in zip(("SDE", "CSCU"), files, strict=True):
        file.to_parquet(tmp_path / "inputs" / f"{agency}.parquet")
    order = {"job": "M-0004", "project": "DR-TEST", "left": "SDE", "right": "CSCU", "id_column": "GenericID"}
    (tmp_path / "job.json").write_text(json.dumps(order | {"roles": STATE_ROLES}))
    given = {"job": str(tmp_path), "threshold": 0.5, "engine": "spark"}
    (tmp_path / "parameters.json").write_text(json.dumps(given))
    assert run_template("match_pair", tmp_path)[-1] == {"event": "done"}
    here = link_pair(*files, roles=STATE_ROLES, method=Method(threshold=0.5))
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / "links.parquet"), here.links)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["method"]["engine"] == "spark" and "pyspark" in report["software"]


def test_without_pyspark_it_is_refused_and_says_what_to_install(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(LinkageRefused, match=r"pyspark is not installed .*Install requirements/spark\.txt"):
        link_pair(*files, roles=STATE_ROLES, method=ON_SPARK)


def test_without_java_it_is_refused_and_says_what_to_install(files, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(LinkageRefused, match=r"Java is not installed .*default-jre-headless"):
        link_pair(*files, roles=STATE_ROLES, method=ON_SPARK)
