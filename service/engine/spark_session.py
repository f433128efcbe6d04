"""Where Spark runs in; a session of it out, or an error that says what to do.

The process has one connection to Spark, which lives until it ends: to start takes ten seconds, and a run opens its
engine at every stage. Each engine has a session of its own, so that no setting and no table is another's.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from service.errors import EngineProblem

LOCAL = "local"
PYTHON = "PYSPARK_PYTHON"
REMEDY = (
    "see that it is such as local[2] or spark://host:7077 and answers from here, and that `java -version` says 17 or 21"
)
# Of one machine: nobody else may reach it, and it has what the embedded engine has (duckdb_connections.py).
ON_THIS_MACHINE = {
    "spark.driver.memory": "3g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
}
OURS = {
    "spark.app.name": "fhir-personalization",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # a message about a line shows the line, and with it whose it is
}
# What our expressions mean: no null out of an overflow, names as they are written, times without a zone, digits as
# they stand in the file.
MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.json.enableExactStringParsing": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}


def session(master: str, settings: Mapping[str, str]) -> SparkSession:
    """`settings` are Spark's own, by their names; those that an expression's meaning rests on cannot be changed."""
    try:
        opened = _builder(master, settings).getOrCreate().newSession()
    except (PySparkException, Py4JError, OSError) as error:
        raise EngineProblem(
            f"Spark cannot start: {_first_line(error)}", where=f"spark_master = {master!r}", do=REMEDY
        ) from error
    for name, value in MEANING.items():
        opened.conf.set(name, value)
    if is_local(master) and PYTHON not in os.environ:
        opened.sparkContext.pythonExec = sys.executable  # the one that has this service, whatever `python3` is
    return opened


def _builder(master: str, settings: Mapping[str, str]) -> SparkSession.Builder:
    builder = SparkSession.builder.master(master)
    usual = OURS | (ON_THIS_MACHINE if is_local(master) else {})
    for name, value in (usual | dict(settings)).items():
        builder = builder.config(name, value)
    return builder


def is_local(master: str) -> bool:
    """This process alone computes."""
    return master == LOCAL or master.startswith(f"{LOCAL}[")


def _first_line(error: Exception) -> str:
    """Py4J tells a whole stack; what happened stands behind the exception's name."""
    lines = [line.strip(": ") for line in str(error).splitlines() if line.strip(": ")]
    told = next((line for line in lines if re.match(r"[\w.$]+(Exception|Error): ", line)), lines[0] if lines else "")
    return told.rpartition("Exception: ")[2]
