"""How many customers leave, by the values of one column."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

_NOT_GROUPS = {"customer_id", "churn", "scoring_candidate", "pipeline_id", "pipeline_execution_dt"}


def churn_rates(customers: DataFrame, column: str) -> DataFrame:
    """Count customers and those who left, by value of a column; a column that is no group is refused."""
    groups = sorted(set(customers.columns) - _NOT_GROUPS)
    if column not in groups:
        raise ValueError(f"churn rates: got column {column!r}; expected one of {', '.join(groups)}")
    left = F.sum(F.when(F.lower("churn") == "yes", 1).otherwise(0))
    return (
        customers.groupBy(F.col(column).cast("string").alias("value"))
        .agg(F.count("*").alias("customers"), left.alias("churned"))
        .select(
            F.lit(column).alias("column"),
            "value",
            "customers",
            "churned",
            (F.col("churned") / F.col("customers")).alias("rate"),
        )
        .orderBy("value")
    )
