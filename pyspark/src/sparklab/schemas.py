"""The tables, from the BigQuery schema files that TypeScript reads too, and the contract that a select enforces."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 (the name that every Spark reader knows)

# Spark's type of each BigQuery type as the BigQuery connector reads and writes it.
_SPARK_TYPES = {
    "STRING": "string",
    "INTEGER": "bigint",
    "FLOAT": "double",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp",
}
# The schemas travel inside the package's archive; in a checkout they lie beside src/, where TypeScript reads them too.
_FOLDERS = (files("sparklab") / "tables", Path(__file__).parents[2] / "tables")

CHURN_LABELS = ("no", "yes")
"""The classes in the order of their label: churn "no" is 0.0, "yes" is 1.0, everywhere."""


@dataclass(frozen=True)
class Column:
    """One column of a table; `type` is Spark's."""

    name: str
    type: str


@cache
def columns(table: str) -> tuple[Column, ...]:
    """Read the columns of a table in their order."""
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    fields = json.loads((folder / f"{table}.json").read_text(encoding="utf-8"))
    return tuple(Column(field["name"], _SPARK_TYPES[field["type"]]) for field in fields)


def contract(rows: DataFrame, table: str, lineage: Mapping[str, object] | None = None) -> DataFrame:
    """Select exactly a table's columns, in order and type; `lineage` gives those that are the same in each row."""
    constants = lineage or {}
    expected = columns(table)
    missing = [column.name for column in expected if column.name not in constants and column.name not in rows.columns]
    if missing:
        got = ", ".join(rows.columns)
        raise ValueError(f"rows for table {table}: columns {', '.join(missing)} are missing; got {got}.")

    def value(column: Column) -> SparkColumn:
        return F.lit(constants[column.name]) if column.name in constants else F.col(column.name)

    return rows.select(*(value(column).cast(column.type).alias(column.name) for column in expected))
