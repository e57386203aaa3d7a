"""Runs a job file as it is, without a cloud: buckets and tables are folders.

    spark-submit --conf ... tests/folder_lab.py FOLDER jobs/churn_training.py --dataset ... (the job's own arguments)

`gs://` leads to FOLDER/buckets by Hadoop's own mount tables (see `spark_conf`). Only the two functions of sparklab.io
that speak to the BigQuery connector are replaced, by ones that keep a table as Parquet in FOLDER/tables.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from sparklab import io
from sparklab.schemas import columns

BUCKETS = ("lab-raw", "lab-models", "lab-metrics", "lab-bundles")


def spark_conf(folder: Path) -> dict[str, str]:
    """Settings under which `gs://bucket/x` is FOLDER/buckets/bucket/x."""
    conf = {
        "spark.master": "local[2]",
        "spark.driver.memory": "1g",
        # Short drivers spend most of their time in the JVM's optimising compiler.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.hadoop.fs.gs.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
    }
    for bucket in BUCKETS:
        target = folder / "buckets" / bucket
        target.mkdir(parents=True, exist_ok=True)
        conf[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = target.as_uri()
    return conf


def keep_tables_in(folder: Path) -> None:
    """Let sparklab.io load and append tables as Parquet folders."""

    def load_table(spark: SparkSession, table: str) -> DataFrame:
        schema = ", ".join(f"{column.name} {column.type}" for column in columns(table.rpartition(".")[2]))
        path = folder / "tables" / table
        path.mkdir(parents=True, exist_ok=True)
        return spark.read.schema(schema).parquet(str(path))

    def append_once(rows: DataFrame, table: str, _run: dict, staging: str) -> bool:
        assert staging == "gs://lab-staging/tables"
        rows.coalesce(1).write.mode("append").parquet(str(folder / "tables" / table))
        return True

    io.load_table = load_table
    io.append_once = append_once


if __name__ == "__main__":
    keep_tables_in(Path(sys.argv[1]))
    job = sys.argv[2]
    sys.argv = sys.argv[2:]
    runpy.run_path(job, run_name="__main__")
