"""What a notebook needs of its lab: the values that the lab delivered, its tables, and arguments as a job gets them."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from sparklab.args import read_arguments
from sparklab.io import read_rows
from sparklab.lineage import batch_id, origin

SETTINGS = "spark.sparklab.settings"
"""Spark property of every session of the lab's template: where the lab's values lie."""

Arguments = Mapping[str, tuple[Callable[[str], object], str]]
"""By name: how a job reads the argument, and its text in the job catalogue, with `{setting}` for values."""


@dataclass(frozen=True)
class Lab:
    """One notebook's view of its lab."""

    spark: SparkSession
    values: Mapping[str, str]
    """Every setting that the job catalogue knows, those of this run among them."""

    @property
    def run(self) -> dict[str, object]:
        """Give what every row of this run has in its columns of lineage."""
        time = datetime.fromisoformat(self.values["execution_time"])
        run = {name: self.values[name] for name in ("pipeline_id", "model_version")}
        return run | {"pipeline_execution_dt": time, "batch_id": batch_id("notebook", run["pipeline_id"])} | origin()

    def uri(self, template: str) -> str:
        """Fill in a name such as gs://{pipelines_bucket}/specs/churn_training.json."""
        return template.format_map(self.values)

    def arguments(self, arguments: Arguments) -> Namespace:
        """Read arguments exactly as the job of the same arguments will, with this lab's values."""
        argv = [
            part
            for name, (_, template) in arguments.items()
            for part in (f"--{name.replace('_', '-')}", self.uri(template))
        ]
        args = read_arguments("notebook", argv, **{name: type_ for name, (type_, _) in arguments.items()})
        args.lineage["batch_id"] = self.run["batch_id"]
        return args

    def rows(self, table: str, **equal: object) -> DataFrame:
        """Read a table's rows of its newest run."""
        newest = self.newest(table)
        return read_rows(self.spark, self._name(table), pipeline_id=newest.pipeline_id, **equal)

    def newest(self, table: str) -> Row:
        """Read a row of a table's newest run."""
        found = read_rows(self.spark, self._name(table)).orderBy(F.desc("pipeline_execution_dt")).first()
        if found is None:
            raise LookupError(
                f"table {self._name(table)}: got no row; expected those of a run."
                " Work through the notebooks before this one, or: npx sparklab run"
            )
        return found

    def runs(self, table: str) -> DataFrame:
        """Count a table's rows by run."""
        return read_rows(self.spark, self._name(table)).groupBy("pipeline_id").count().orderBy("pipeline_id")

    def document(self, template: str) -> dict:
        """Read a JSON object of a bucket."""
        return read_document(self.spark, self.uri(template))

    def _name(self, table: str) -> str:
        return f"{self.values['dataset']}.{table}"


def open_lab(spark: SparkSession, pipeline_id: str = "notebook") -> Lab:
    """Open the lab that a session belongs to; what is written is written under `pipeline_id`, once."""
    uri = spark.conf.get(SETTINGS, None)
    if uri is None:
        raise LookupError(f"Spark property {SETTINGS}: got none; expected that of the lab's session template.")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    settings = read_document(spark, uri)
    run = {
        "pipeline_id": pipeline_id,
        "model_version": pipeline_id,
        "execution_time": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    place = {"project": settings["project"], "region": settings["region"], "code": settings["code"]}
    return Lab(spark, {**settings["jobs"], **place, **run})


def read_document(spark: SparkSession, uri: str) -> dict:
    """Read one JSON object with what Spark itself reads with."""
    return json.loads(spark.read.text(uri, wholetext=True).collect()[0][0])
