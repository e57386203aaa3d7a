"""The three steps of data engineering, on the real customers."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from conftest import FolderLab
from sparklab.customers_csv import COLUMNS
from sparklab.schemas import columns


@pytest.fixture(scope="module")
def engineered(empty_lab: FolderLab, spark: SparkSession) -> FolderLab:
    for job in empty_lab.catalogue.in_order("churn_data_engineering"):
        empty_lab.run(job.name)
    return empty_lab


def test_the_steps_keep_7043_then_7032_customers(engineered: FolderLab, spark: SparkSession) -> None:
    for step, customers in ((1, 7043), (2, 7032), (3, 7032)):
        table = engineered.table(spark, f"training_data_step_{step}")
        assert table.count() == customers
        assert table.dtypes == [(column.name, column.type) for column in columns(f"training_data_step_{step}")]


def test_step_1_has_nulls_for_the_11_blank_cells_alone(engineered: FolderLab, spark: SparkSession) -> None:
    table = engineered.table(spark, "training_data_step_1")
    nulls = table.agg(*(F.count_if(F.col(column.name).isNull()).alias(column.name) for column in COLUMNS)).collect()[0]
    assert {name: count for name, count in nulls.asDict().items() if count} == {"total_charges": 11}


def test_after_step_2_no_column_says_what_another_says(engineered: FolderLab, spark: SparkSession) -> None:
    table = engineered.table(spark, "training_data_step_2")
    assert {row.multiple_lines for row in table.select("multiple_lines").distinct().collect()} == {"Yes", "No"}
    assert {row.tech_support for row in table.select("tech_support").distinct().collect()} == {"Yes", "No"}
    assert {row.internet_service for row in table.select("internet_service").distinct().collect()} == {
        "DSL",
        "Fiber optic",
        "No",
    }


def test_step_3_has_the_tenure_groups_and_answers_of_the_training_data(
    engineered: FolderLab, spark: SparkSession
) -> None:
    rows = engineered.table(spark, "training_data_step_3").groupBy("tenure_group").count().collect()
    assert dict(rows) == {"0-12": 2175, "12-24": 1024, "24-48": 1594, "48-60": 832, ">60": 1407}
    churn = engineered.table(spark, "training_data_step_3").groupBy("churn").count().collect()
    assert dict(churn) == {"no": 5163, "yes": 1869}
