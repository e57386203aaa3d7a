"""The Spark session of a job."""

from __future__ import annotations

from pyspark.sql import SparkSession


def start_session(job: str) -> SparkSession:
    """Start the job's session, or take the one that is there; endpoints, connectors and sizes are the submitter's."""
    # One time zone for all drivers: a timestamp is written as it was given, wherever the job runs.
    return SparkSession.builder.appName(job).config("spark.sql.session.timeZone", "UTC").getOrCreate()
