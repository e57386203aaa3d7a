"""Cleaning customers, one rule at a time, on literal rows."""

import hashlib

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.testing import assertDataFrameEqual

from sparklab.customers_csv import COLUMNS
from sparklab.preprocessing import clean_customers, hold_out_customers, scoring_candidates, tenure_group
from sparklab.schemas import contract

SOURCE = dict(
    zip(
        [column.header for column in COLUMNS],
        [
            "7590-VHVEG",
            "Female",
            "0",
            "Yes",
            "No",
            "1",
            "No",
            "No phone service",
            "DSL",
            "No",
            "Yes",
            "No",
            "No",
            "No",
            "No",
            "Month-to-month",
            "Yes",
            "Electronic check",
            "29.85",
            "29.85",
            "No",
        ],
        strict=True,
    )
)
CLEAN = {
    "customer_id": "7590-VHVEG",
    "gender": "Female",
    "senior_citizen": 0,
    "partner": "Yes",
    "dependents": "No",
    "tenure": 1,
    "tenure_group": "0-12",
    "phone_service": "No",
    "multiple_lines": "No phone service",
    "internet_service": "DSL",
    "online_security": "No",
    "online_backup": "Yes",
    "device_protection": "No",
    "tech_support": "No",
    "streaming_tv": "No",
    "streaming_movies": "No",
    "contract": "Month-to-month",
    "paperless_billing": "Yes",
    "payment_method": "Electronic check",
    "monthly_charges": 29.85,
    "total_charges": 29.85,
    "churn": "no",
}
CLEAN_SCHEMA = ", ".join(
    f"{name} {'bigint' if isinstance(value, int) else 'double' if isinstance(value, float) else 'string'}"
    for name, value in CLEAN.items()
)


def source(spark: SparkSession, *changes: dict[str, str | None]) -> DataFrame:
    rows = [tuple((SOURCE | {"customerID": f"id-{number}"} | change).values()) for number, change in enumerate(changes)]
    return spark.createDataFrame(rows, ", ".join(f"{header} string" for header in SOURCE))


def clean(spark: SparkSession, *changes: dict[str, object]) -> DataFrame:
    rows = [tuple((CLEAN | change).values()) for change in changes]
    return spark.createDataFrame(rows, CLEAN_SCHEMA)


def test_columns_get_their_names_types_order_and_tenure_group(spark: SparkSession) -> None:
    cleaned = clean_customers(source(spark, {}, {"Churn": "Yes", "tenure": "72", "TotalCharges": "45"}))
    expected = clean(
        spark,
        {"customer_id": "id-0"},
        {"customer_id": "id-1", "churn": "yes", "tenure": 72, "tenure_group": ">60", "total_charges": 45.0},
    )
    assertDataFrameEqual(cleaned.select(expected.columns), expected)
    assert set(cleaned.columns) == set(CLEAN)


def test_no_internet_service_becomes_no_in_six_columns_and_stays_elsewhere(spark: SparkSession) -> None:
    services = ["OnlineSecurity", "OnlineBackup", "DeviceProtection", "TechSupport", "StreamingTV", "StreamingMovies"]
    without = {"InternetService": "No", **dict.fromkeys(services, "No internet service")}
    expected = clean(spark, {"customer_id": "id-0", "internet_service": "No", "online_backup": "No"})
    cleaned = clean_customers(source(spark, without)).select(expected.columns)
    assertDataFrameEqual(cleaned, expected)


def test_customers_without_total_charges_are_left_out(spark: SparkSession) -> None:
    cleaned = clean_customers(source(spark, {"TotalCharges": " "}, {}, {"TotalCharges": None}, {"TotalCharges": ""}))
    assert [row.customer_id for row in cleaned.collect()] == ["id-1"]


def test_tenure_groups_include_their_upper_bound(spark: SparkSession) -> None:
    months = spark.createDataFrame([(m,) for m in (0, 12, 13, 24, 25, 48, 49, 60, 61)], "tenure bigint")
    groups = [row[0] for row in months.select(tenure_group(F.col("tenure"))).collect()]
    assert groups == ["0-12", "0-12", "12-24", "12-24", "24-48", "24-48", "48-60", "48-60", ">60"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gender": "F"}, "customer id-1, column gender: got 'F'; expected one of Female, Male."),
        ({"tenure": "two"}, "customer id-1, column tenure: got 'two'; expected a whole number of months from 0."),
        ({"MonthlyCharges": None}, "customer id-1, column MonthlyCharges: got ''; expected an amount such as 29.85."),
        ({"Churn": "no"}, "customer id-1, column Churn: got 'no'; expected one of Yes, No."),
        ({"customerID": "id-0"}, "customer id-0: occurs more than once; expected unique ids."),
        ({"customerID": None}, "customer without id, column customerID: got ''; expected an id"),
    ],
)
def test_a_value_that_the_file_may_not_hold_fails_the_job(spark: SparkSession, change: dict, message: str) -> None:
    with pytest.raises(Py4JJavaError) as error:
        clean_customers(source(spark, {}, change)).collect()
    assert message in str(error.value)


def customers(spark: SparkSession, number: int) -> DataFrame:
    return clean(spark, *({"customer_id": f"id-{n}"} for n in range(number)))


def test_those_with_the_smallest_hash_are_held_out_whatever_the_order(spark: SparkSession) -> None:
    rows = customers(spark, 20)
    held_out = {
        frozenset(row.customer_id for row in scoring_candidates(hold_out_customers(order, 3)).collect())
        for order in (rows, rows.orderBy(F.desc("customer_id")), rows.repartition(7))
    }
    digest = {f"id-{n}": hashlib.sha256(f"scoring:id-{n}".encode()).hexdigest() for n in range(20)}
    assert held_out == {frozenset(sorted(digest, key=digest.__getitem__)[:3])}


def test_candidates_carry_no_answer_and_all_customers_stay_marked(spark: SparkSession) -> None:
    marked = hold_out_customers(customers(spark, 5), 2)
    assert marked.groupBy("scoring_candidate").count().orderBy("scoring_candidate").collect() == [(False, 3), (True, 2)]
    assert set(scoring_candidates(marked).columns) == set(CLEAN) - {"churn"}


def test_holding_out_everyone_is_refused(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="got 5; expected fewer than the 5 customers"):
        hold_out_customers(customers(spark, 5), 5)


def test_a_contract_selects_order_and_types_and_adds_the_lineage(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("y", 1, 0.5)], "feature_nm string, feature_index int, importance_score float")
    lineage = {"pipeline_id": "run-1", "model_version": "m", "operation": "training", "git_commit": None}
    with pytest.raises(ValueError, match="columns pipeline_execution_dt are missing; got feature_nm"):
        contract(rows, "model_feature_importance_scores", lineage)
    stamped = contract(
        rows.withColumn("pipeline_execution_dt", F.lit("2026-11-21 09:00:00")),
        "model_feature_importance_scores",
        lineage,
    )
    assert stamped.dtypes == [
        ("feature_index", "bigint"),
        ("feature_nm", "string"),
        ("importance_score", "double"),
        ("operation", "string"),
        ("model_version", "string"),
        ("pipeline_id", "string"),
        ("pipeline_execution_dt", "timestamp"),
    ]
