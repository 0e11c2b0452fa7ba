"""Candidate pairs on Spark, for what outgrows one machine: links and weights are those of DuckDB.

Spark proposes the pairs and brings their records together, in the SQL DuckDB runs; each of its workers finds the
agreement vectors of its share with DuckDB. Spark's own string functions are others: the Jaro-Winkler that Splink
brings along for it is another number for one pair in twelve of names not far apart.

Where Spark runs is the site's to say (``spark-defaults.conf``); unsaid, it is this machine with all its processors.
"""

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from p20kit.errors import Finding
from p20kit.linkage.blocking import Rule, first_to_propose, keys_of, proposed
from p20kit.linkage.comparison import Comparison
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.pairs import Weighed, weighed
from p20kit.linkage.vectors import Patterns, as_patterns, both_sides, columns_of, compare, counted

JVMS = Path("/usr/lib/jvm")
VECTORS = "l int, r int, rule tinyint, pattern bigint, rarity double"
SETTINGS = {
    # Shuffles write records to disk and send them: encrypted, with keys of this session.
    "spark.io.encryption.enabled": "true",
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
    # A page anyone on the machine could open.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    # Without it a worker starts for each of 200 shares, however few the pairs are.
    "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "true",
    # So many pairs at a time are worth a DuckDB.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "200000",
}


@contextmanager
def pairs_on_spark(con: Any, tables: tuple[str, str]) -> Iterator["PairsOnSpark"]:
    """Load two standardised files into Spark.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Holds the files.
    tables : tuple of str
        As in `PairsInDuckDB`.

    Raises
    ------
    LinkageRefused
        As in `open_session`.
    """
    session, held = open_session(), [*dict.fromkeys(tables), *dict.fromkeys(map(keys_of, tables))]
    try:
        for table in held:
            found = con.sql(f"select * from {table}").to_arrow_table()  # noqa: S608 - ours
            session.createDataFrame(found).createOrReplaceTempView(table)
        yield PairsOnSpark(session, tables, columns_of(con, tables[0]))
    finally:
        # The session stays: the next two agencies would wait for another one to start.
        session.catalog.clearCache()
        for view in (*held, "proposed", "candidates", "vectors", "pattern_weights"):
            session.catalog.dropTempView(view)


def open_session() -> Any:
    """Open a Spark session, or give the one that is open.

    Source: EM VII.B.1.c.

    Returns
    -------
    pyspark.sql.SparkSession

    Raises
    ------
    LinkageRefused
        If pyspark or Java is missing, or Spark does not start.
    """
    if importlib.util.find_spec("pyspark") is None:
        _refuse("pyspark is not installed", "Install requirements/spark.txt, or choose engine duckdb.")
    java = _java_home()
    if java is None:
        _refuse(
            "Java is not installed",
            "Install Java 17 or newer (Debian: default-jre-headless), or choose engine duckdb.",
        )
    os.environ["JAVA_HOME"] = str(java)
    # Workers of this machine are of this environment; those of a cluster are the site's.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("p20kit.linkage")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except PySparkRuntimeError:
        _refuse("Spark did not start", "Spark 4 needs Java 17 or newer; its own message stands above.")


def _java_home() -> Path | None:
    named = os.environ.get("JAVA_HOME")
    on_path = shutil.which("java")
    if named:
        homes = [Path(named)]
    elif on_path:
        homes = [Path(on_path).resolve().parents[1]]
    else:
        homes = sorted(JVMS.glob("*"), reverse=True)
    return next((home for home in homes if (home / "bin" / "java").exists()), None)


def _refuse(what: str, advice: str) -> Any:
    finding = Finding("engine", "EM VII.B.1.c", "engine spark", what, advice)
    raise LinkageRefused("the engine cannot be used", [finding])


class PairsOnSpark:
    """Candidate pairs in Spark.

    Parameters
    ----------
    session : pyspark.sql.SparkSession
        Holds the two files under the names of `tables`.
    tables : tuple of str
        As in `PairsInDuckDB`.
    columns : sequence of str
        Their standard columns.
    """

    def __init__(self, session: Any, tables: tuple[str, str], columns: Sequence[str]) -> None:
        self._session, self._tables, self._columns = session, tables, columns

    def propose(self, rules: Sequence[Rule]) -> None:
        """Take every pair that some rule proposes, once, under the first."""
        every = " union all ".join(proposed(self._tables, rule, i) for i, rule in enumerate(rules))
        self._session.sql(every).createOrReplaceTempView("proposed")
        self._session.sql(first_to_propose("proposed")).createOrReplaceTempView("candidates")

    def compare(self, comparisons: Sequence[Comparison]) -> Patterns:
        """Find the agreement vector of every pair; give how often each was seen."""
        joined = self._session.sql(both_sides(self._columns, self._tables, "candidates"))
        find = partial(vectors, self._columns, comparisons)
        with warnings.catch_warnings():
            # PySpark looks for pandas here, and doubts of 3; what it is given and gives back is Arrow.
            warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
            found = joined.mapInArrow(find, VECTORS)
        found.persist().createOrReplaceTempView("vectors")
        seen = _arrays(self._session.sql(counted("vectors")))
        return as_patterns(seen["pattern"], seen["pairs"], comparisons)

    def weigh(self, weights: pd.DataFrame, lowest: float) -> Weighed:
        """Give the pairs from the lowest weight on."""
        self._session.createDataFrame(pa.table(weights)).createOrReplaceTempView("pattern_weights")
        return _arrays(self._session.sql(weighed(lowest)))


def _arrays(frame: Any) -> Weighed:
    found = frame.toArrow()
    return {name: found[name].to_numpy() for name in found.column_names}


def vectors(
    columns: Sequence[str], comparisons: Sequence[Comparison], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Find the agreement vectors of pairs that were brought together, as a worker of Spark does.

    Parameters
    ----------
    columns : sequence of str
        The standard columns.
    comparisons : sequence of Comparison
    batches : iterable of RecordBatch
        Pairs as `both_sides` gives them.

    Yields
    ------
    RecordBatch
        As `compare` writes them.
    """
    with duckdb.connect() as con:
        con.execute("set threads=1; set temp_directory=''; set enable_progress_bar=false")
        for batch in batches:
            con.register("joined", pa.Table.from_batches([batch]))
            compare(con, "select * from joined", columns, comparisons, "vectors")
            con.unregister("joined")
            yield from con.sql("select * from vectors").to_arrow_table().to_batches()
            con.execute("drop table vectors")
