"""Appends rows to a BigQuery table exactly once: by a load job whose id says which rows they are.

BigQuery takes a job id once for each project and location, and a load job adds all of its rows or none. So of any
number of writers of the same rows, at the same moment or after one was killed, one adds them and the others find its
job. The client is the one inside Spark's BigQuery connector, which every driver has; nothing is installed beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import count

from py4j.java_gateway import JavaObject
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

_CLIENT = "com.google.cloud.spark.bigquery.repackaged.com.google.cloud"
_TIMES = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"
_ID_IS_USED = 409


def load_once(rows: DataFrame, table: str, run: Sequence[str], staging: str, is_there: Callable[[], bool]) -> bool:
    """Add rows to `project.dataset.table`; False when another writer of the same run has added them.

    `run` says which rows they are, `staging` is the folder for what is loaded, gs://bucket/folder. `is_there` tells
    whether the table has rows of the run: those of an earlier job may have been deleted, so that they are added anew.
    """
    spark = rows.sparkSession
    digest = hashlib.sha256("\n".join([table, *run]).encode()).hexdigest()[:32]
    name = f"sparklab-{table.rpartition('.')[2]}-{digest}"
    context = spark.sparkContext
    folder = f"{staging}/{name}-{context.applicationId}-{context.startTime}"
    # JSON has no required columns, which Parquet has: the table's own schema decides.
    rows.coalesce(1).write.mode("overwrite").json(folder, timestampFormat=_TIMES, ignoreNullFields=True)
    jobs = LoadJobs(spark, table)
    try:
        for attempt in count(1):
            job, is_ours = jobs.load(f"{folder}/*.json", f"{name}-{attempt}")
            failure = job.getStatus().getError()
            if failure is None and (is_ours or is_there()):
                return is_ours
            if is_ours:
                raise RuntimeError(f"table {table}: load job {job.getJobId().getJob()}: {failure.getMessage()}")
        raise AssertionError("counting does not end")
    finally:
        path = spark._jvm.org.apache.hadoop.fs.Path(folder)
        path.getFileSystem(spark._jsc.hadoopConfiguration()).delete(path, True)


@dataclass(frozen=True)
class LoadJobs:
    """Load jobs into one table."""

    spark: SparkSession
    table: str

    def load(self, uri: str, job_id: str) -> tuple[JavaObject, bool]:
        """Give the job of that id after its end, and whether it loads this file."""
        project, dataset, name = self.table.split(".")
        bigquery = self._classes("bigquery")
        client = bigquery.BigQueryOptions.newBuilder().setProjectId(project).build().getService()
        source = bigquery.DatasetId.of(project, dataset)
        location = client.getDataset(source, self._none("bigquery.BigQuery$DatasetOption")).getLocation()
        reference = bigquery.JobId.newBuilder().setProject(project).setLocation(location).setJob(job_id).build()
        target = bigquery.TableId.of(project, dataset, name)
        settings = bigquery.LoadJobConfiguration.newBuilder(target, uri, bigquery.FormatOptions.json())
        settings.setWriteDisposition(getattr(bigquery, "JobInfo$WriteDisposition").WRITE_APPEND)
        settings.setCreateDisposition(getattr(bigquery, "JobInfo$CreateDisposition").CREATE_NEVER)
        options = self._none("bigquery.BigQuery$JobOption")
        try:
            client.create(bigquery.JobInfo.newBuilder(settings.build()).setJobId(reference).build(), options)
        except Py4JJavaError as error:
            if getattr(error.java_exception, "getCode", int)() != _ID_IS_USED:
                raise
        # The client takes a young job of this id for its own: only what the job loads says whose it is.
        job = client.getJob(reference, options)
        is_ours = list(job.getConfiguration().getSourceUris()) == [uri]
        return job.waitFor(self._none("RetryOption")), is_ours

    def _classes(self, path: str) -> JavaObject:
        return reduce(getattr, f"{_CLIENT}.{path}".split("."), self.spark._jvm)

    def _none(self, path: str) -> JavaObject:
        """Give no options of a kind: Java's way of leaving out the rest of the arguments is an empty array."""
        return self.spark.sparkContext._gateway.new_array(self._classes(path), 0)
