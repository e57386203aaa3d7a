"""Churn rates by one column, and the schema of the raw customers' external table."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from sparklab.customers_csv import COLUMNS
from sparklab.rates import churn_rates

SCHEMA = "customer_id string, contract string, senior_citizen long, churn string"
ROWS = [("a", "Monthly", 0, "yes"), ("b", "Monthly", 1, "no"), ("c", "Yearly", 0, "No"), ("d", None, 0, "Yes")]


def test_counts_customers_and_churn_by_value(spark: SparkSession) -> None:
    rates = churn_rates(spark.createDataFrame(ROWS, SCHEMA), "contract")
    expected = [("contract", None, 1, 1, 1.0), ("contract", "Monthly", 2, 1, 0.5), ("contract", "Yearly", 1, 0, 0.0)]
    schema = "column string not null, value string, customers long not null, churned long, rate double"
    assertDataFrameEqual(rates, spark.createDataFrame(expected, schema), checkRowOrder=True)


def test_refuses_a_column_that_is_no_group(spark: SparkSession) -> None:
    message = "churn rates: got column 'customer_id'; expected one of contract, senior_citizen"
    with pytest.raises(ValueError, match=message):
        churn_rates(spark.createDataFrame(ROWS, SCHEMA), "customer_id")


def test_the_external_table_has_the_columns_of_the_file() -> None:
    schema = json.loads((Path(__file__).parents[1] / "external_tables" / "raw_customers.json").read_text("utf8"))
    assert [field["name"] for field in schema] == [column.header for column in COLUMNS]
