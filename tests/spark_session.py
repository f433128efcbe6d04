"""Nothing in; how the tests ask for Spark, and whether this machine has it, out."""

import importlib.util
import shutil

from service.engine import Kind

# One slot, and as little compiled as can be: of a few patients it takes longer to compile a question than to answer it.
SPARK = Kind(
    "spark",
    "local[1]",
    {
        "spark.driver.memory": "2g",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    },
)


def lacking():
    """What Spark needs and this machine does not have."""
    needed = {"pyspark": importlib.util.find_spec("pyspark"), "java": shutil.which("java")}
    return [name for name, found in needed.items() if not found]
