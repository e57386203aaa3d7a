"""Use case: from the customers' file to clean customers, some of them held out of training for batch scoring."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from sparklab.customers_csv import COLUMNS, INTERNET_SERVICES

_NUMBERS = {"senior_citizen": "bigint", "tenure": "bigint", "monthly_charges": "double", "total_charges": "double"}


def clean_customers(source: DataFrame) -> DataFrame:
    """Turn the file's text columns into the 22 columns of a customer, without those who have no total charges yet.

    A value that the file may not hold fails the job with the customer and the column; it is never dropped silently.
    """
    named = source.select(*(F.col(column.header).alias(column.name) for column in COLUMNS))
    checked = named.select(_unique_id(), *(_allowed(column.name) for column in COLUMNS[1:]))
    typed = checked.withColumns(
        {name: F.when(F.trim(name) != "", F.col(name).cast(type_)) for name, type_ in _NUMBERS.items()}
    ).where(F.col("total_charges").isNotNull())
    return typed.withColumns(
        {
            "tenure_group": tenure_group(F.col("tenure")),
            "churn": F.lower("churn"),
            **{name: F.regexp_replace(name, "^No internet service$", "No") for name in INTERNET_SERVICES},
        }
    )


def tenure_group(tenure: Column) -> Column:
    """Give the band that a number of months lies in; a band includes its upper bound."""
    return (
        F.when(tenure <= 12, "0-12")
        .when(tenure <= 24, "12-24")
        .when(tenure <= 48, "24-48")
        .when(tenure <= 60, "48-60")
        .otherwise(">60")
    )


def hold_out_customers(customers: DataFrame, number: int) -> DataFrame:
    """Mark exactly `number` customers as scoring candidates: those with the smallest hash of their id.

    The choice depends on the ids alone: not on the order of rows, the partitions, the engine or a seed.
    """
    total = customers.count()
    if number >= total:
        raise ValueError(
            f"scoring candidates: got {number:,}; expected fewer than the {total:,} customers that there are."
        )
    digest = F.sha2(F.concat(F.lit("scoring:"), F.col("customer_id")), 256)
    chosen = customers.select("customer_id", digest.alias("digest")).orderBy("digest", "customer_id").limit(number)
    marked = chosen.select("customer_id", F.lit(True).alias("scoring_candidate"))
    return customers.join(F.broadcast(marked), "customer_id", "left").withColumn(
        "scoring_candidate", F.coalesce("scoring_candidate", F.lit(False))
    )


def scoring_candidates(customers: DataFrame) -> DataFrame:
    """Select the customers who are held out, without the answer."""
    return customers.where("scoring_candidate").drop("churn", "scoring_candidate")


def summarise_customers(customers: DataFrame) -> str:
    """Say in one line what is there, for the driver's log."""
    counts = {row["churn"]: row["count"] for row in customers.groupBy("churn").count().collect()}
    total = sum(counts.values())
    return f"{total:,} customers: {counts.get('no', 0):,} stayed, {counts.get('yes', 0):,} left"


def _allowed(name: str) -> Column:
    """Pass a column's allowed values and fail on any other."""
    column = next(column for column in COLUMNS if column.name == name)
    value = F.coalesce(F.col(name), F.lit(""))
    allowed = value.isin(*column.values) if column.values else value.rlike(rf"^({column.pattern})$")
    complaint = F.concat(
        F.lit("customer "),
        F.coalesce("customer_id", F.lit("without id")),
        F.lit(f", column {column.header}: got '"),
        value,
        F.lit(f"'; expected {column.expectation()}."),
    )
    return F.when(allowed, value).otherwise(F.raise_error(complaint)).alias(name)


def _unique_id() -> Column:
    occurrences = F.count(F.lit(1)).over(Window.partitionBy("customer_id"))
    complaint = F.concat(F.lit("customer "), "customer_id", F.lit(": occurs more than once; expected unique ids."))
    return F.when(occurrences == 1, _allowed("customer_id")).otherwise(F.raise_error(complaint)).alias("customer_id")
