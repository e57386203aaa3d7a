"""Use case: the customers' file to features in three steps, each a table of its own that a person can look at."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from sparklab.customers_csv import COLUMNS
from sparklab.preprocessing import tenure_group

_NO_SERVICE = "^No (internet|phone) service$"


def name_columns(source: DataFrame) -> DataFrame:
    """Step 1: the tables' column names, and null for every blank cell; all customers, all columns text."""
    return source.select(
        *(F.when(F.trim(column.header) != "", F.col(column.header)).alias(column.name) for column in COLUMNS)
    )


def drop_incomplete(named: DataFrame) -> DataFrame:
    """Step 2: customers without a blank cell, and "No" for what follows from another column."""
    return named.dropna().withColumns(
        {column.name: F.regexp_replace(column.name, _NO_SERVICE, "No") for column in COLUMNS if len(column.values) > 2}
    )


def type_columns(complete: DataFrame) -> DataFrame:
    """Step 3: numbers as numbers, the tenure's band, and the answer in lower case."""
    return complete.withColumns(
        {"tenure_group": tenure_group(F.col("tenure").cast("bigint")), "churn": F.lower("churn")}
    )
