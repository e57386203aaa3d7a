"""Churn rate by the values of one column, as a BigQuery stored procedure that replaces the table churn_rates.

    CALL `project.dataset.churn_rates`("20261121-090000", "contract")

BigQuery gives each argument as JSON in the environment, and the data set as a Spark property.
"""

import json
import os

from sparklab.io import read_rows
from sparklab.rates import churn_rates
from sparklab.spark import start_session


def argument(name: str) -> str:
    """Give an argument of the call."""
    return json.loads(os.environ[f"BIGQUERY_PROC_PARAM.{name}"])


def main() -> None:
    """Read one run's customers, count, replace the table."""
    spark = start_session("churn_rates")
    dataset = spark.conf.get("spark.sparklab.dataset")
    customers = read_rows(spark, f"{dataset}.training_data", pipeline_id=argument("pipeline_id"))
    rates = churn_rates(customers, argument("column")).cache()
    rates.show(truncate=False)
    rates.write.format("bigquery").option("writeMethod", "direct").mode("overwrite").save(f"{dataset}.churn_rates")


if __name__ == "__main__":
    main()
