"""Everything that a job reads or writes, by its name in the cloud: BigQuery tables and objects in Cloud Storage.

A pipeline's rows in a table are written once and never change. One load job, whose id says whose rows they are, adds
all rows of a run or none, and adds them once however many drivers try (see load_jobs.py); running the same pipeline
again finds its rows and leaves them. Different rows under a used pipeline id are refused, so that lineage stays true.
The other ways were worse: the connector's own append adds the rows twice when two drivers of one run begin together,
it cannot delete rows, and its overwrite replaces whole tables or partitions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from py4j.java_gateway import JavaObject
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from sparklab.lineage import OF_THE_ATTEMPT
from sparklab.load_jobs import load_once
from sparklab.schemas import contract

_RUN_COLUMNS = ("pipeline_id", "model_version")


def load_table(spark: SparkSession, table: str) -> DataFrame:
    """Load a table, `project.dataset.table`."""
    return spark.read.format("bigquery").load(table)


def read_rows(spark: SparkSession, table: str, **equal: object) -> DataFrame:
    """Read the rows of a table whose columns equal the given values; the connector filters in BigQuery."""
    rows = load_table(spark, table)
    for column, value in equal.items():
        rows = rows.where(F.col(column) == F.lit(value))
    return contract(rows, table.rpartition(".")[2])


def append_once(rows: DataFrame, table: str, run: Mapping[str, object], staging: str) -> bool:
    """Add a run's rows to a table unless another driver does; False if it did."""

    def is_there() -> bool:
        return not read_rows(rows.sparkSession, table, **run).isEmpty()

    return load_once(rows, table, [f"{column}={value}" for column, value in run.items()], staging, is_there)


def write_rows_once(rows: DataFrame, table: str, lineage: Mapping[str, object], staging: str) -> None:
    """Write a run's rows: nothing happens if they are there, and others under the same run are refused."""
    stamped = contract(rows, table.rpartition(".")[2], lineage)
    run = {column: lineage[column] for column in _RUN_COLUMNS if column in stamped.columns}
    present = read_rows(rows.sparkSession, table, **run)
    if present.isEmpty() and append_once(stamped, table, run, staging):
        print(f"{table}: written")
        return
    # When and by which deployment is the attempt's; everything else is the run's.
    present = read_rows(rows.sparkSession, table, **run)
    kept, wanted = (side.drop(*OF_THE_ATTEMPT).cache() for side in (present, stamped))
    if kept.count() != wanted.count() or not wanted.exceptAll(kept).isEmpty():
        which = " and ".join(f"{column} {value!r}" for column, value in run.items())
        raise ValueError(
            f"table {table}: got {wanted.count():,} rows that differ from the {kept.count():,} which it holds"
            f" for {which}; expected the same rows. Run with a new pipeline id, or delete those rows first."
        )
    print(f"{table}: there already, left as it is")


def hash_file(spark: SparkSession, uri: str) -> str:
    """Give the MD5 of a file in hex, as Cloud Storage shows it for the object."""
    (file,) = spark.read.format("binaryFile").load(uri).select(F.md5("content")).collect()
    return file[0]


def read_csv(spark: SparkSession, uri: str) -> DataFrame:
    """Read a CSV with a header; every column is text and the values are as they stand in the file."""
    return spark.read.csv(uri, header=True, mode="FAILFAST")


def write_json(spark: SparkSession, uri: str, content: Mapping[str, object]) -> None:
    """Write standard JSON (no NaN, no Infinity) to one object, replacing it."""
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    files, path = _hadoop(spark, uri)
    _write(files.create(path, True), text)
    print(f"{uri}: written")


def write_json_once(spark: SparkSession, uri: str, content: Mapping[str, object]) -> None:
    """Write JSON in one line to an object that never changes: the same bytes are left, others are refused."""
    text = json.dumps(content, allow_nan=False) + "\n"
    files, path = _hadoop(spark, uri)
    if not files.exists(path):
        # Not to replace makes Cloud Storage refuse the second of two who write at once.
        _write(files.create(path, False), text)
        print(f"{uri}: written")
        return
    stream = files.open(path)
    present = bytes(spark._jvm.org.apache.commons.io.IOUtils.toByteArray(stream)).decode("utf-8")
    stream.close()
    if present != text:
        raise ValueError(
            f"{uri}: got content that differs from what the object holds; expected the same, since an object of this"
            " name never changes. Run with a new model version."
        )
    print(f"{uri}: there already, left as it is")


def _hadoop(spark: SparkSession, uri: str) -> tuple[JavaObject, JavaObject]:
    # Hadoop's file system is what Spark itself writes with: no client library is needed on the driver.
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    return path.getFileSystem(spark._jsc.hadoopConfiguration()), path


def _write(stream: JavaObject, text: str) -> None:
    stream.write(bytearray(text, "utf-8"))
    # Not in a finally: closing is what publishes the object, and half an object must not be.
    stream.close()


def save_model(model: PipelineModel, uri: str) -> PipelineModel:
    """Save a fitted pipeline, replacing it, and give what a later job will load."""
    model.write().overwrite().save(uri)
    print(f"{uri}: saved")
    return load_model(uri)


def load_model(uri: str) -> PipelineModel:
    """Load a fitted pipeline."""
    return PipelineModel.load(uri)
