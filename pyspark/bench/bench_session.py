"""What the benchmarks share: a fresh Spark process for each way, the customers as their table, and a stopwatch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping

from pyspark.sql import SparkSession

from sparklab.preprocessing import clean_customers, hold_out_customers

PARTITIONS = 2
CANDIDATES = 411


class Stopwatch:
    """Seconds on the clock and of the JVM's processors, since the last start."""

    def __init__(self, spark: SparkSession) -> None:
        self.seconds: dict[str, float] = {}
        self._process = spark._jvm.java.lang.ProcessHandle.current()
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._begin = self._now()

    def end(self, step: str) -> None:
        """Note the time since the beginning."""
        clock, cpu = (now - begin for now, begin in zip(self._now(), self._begin, strict=True))
        self.seconds |= {f"{step}_s": clock, f"{step}_cpu_s": cpu}

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), self._process.info().totalCpuDuration().get().toMillis() / 1000


def run_way(
    way: Callable[[SparkSession, str, str], dict[str, float]],
    source: str,
    java_options: str,
    properties: Mapping[str, str] | None = None,
) -> None:
    """Run one way on the clean customers in this process and print its figures as the last line.

    The way gets the session, the table as a Parquet folder, and a folder for what it saves; `properties` are those of
    its job, whose Java options follow the given ones, as the local Spark engine has it.
    """
    asked = dict(properties or {})
    options = f"{java_options} {asked.pop('spark.driver.extraJavaOptions', '')}".strip()
    builder = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "1g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", options)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(PARTITIONS))
    )
    for key, value in asked.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    with tempfile.TemporaryDirectory() as folder:
        table = f"{folder}/training_data"
        cleaned = clean_customers(spark.read.csv(source, header=True)).cache()
        hold_out_customers(cleaned, CANDIDATES).write.parquet(table)
        print(json.dumps(way(spark, table, f"{folder}/model")))


def in_fresh_process(*words: str) -> dict[str, float]:
    """Run a benchmark's file with these words in a Python and JVM of its own: no way profits from another's warm-up."""
    done = subprocess.run([sys.executable, *words], check=True, stdout=subprocess.PIPE, text=True, env=os.environ)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])
