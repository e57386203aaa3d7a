"""Expectations that fail with the whole list, and how far two populations are apart."""

import math
import re

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparklab.customers_csv import COLUMNS
from sparklab.quality import (
    DataQualityError,
    bounds_of,
    customer_expectations,
    expect,
    population_stability,
    prediction_expectations,
    source_expectations,
)
from test_preprocessing import clean, source


def problems(rows: DataFrame, expectations: list, **options: str) -> list[str]:
    with pytest.raises(DataQualityError) as error:
        expect(rows, "rows", expectations, **options)
    assert str(error.value).splitlines()[0] == f"data quality of rows: {len(error.value.problems)} expectations failed."
    return error.value.problems


def test_every_problem_of_the_source_is_named_at_once_with_its_number_and_an_example(spark: SparkSession) -> None:
    rows = source(
        spark,
        {"customerID": "a", "gender": "male", "tenure": "-1"},
        {"customerID": "b", "gender": "F", "MonthlyCharges": None},
        {"customerID": "c"},
        {"customerID": "c"},
    )
    assert problems(rows, source_expectations(), key="customerID") == [
        "customerID: got 3 different values in 4 rows; expected unique ones.",
        "gender: 2 rows, such as a; expected one of Female, Male.",
        "tenure: 1 rows, such as a; expected a whole number of months from 0.",
        "MonthlyCharges: 1 rows, such as b; expected an amount such as 29.85.",
    ]


def test_blank_total_charges_are_expected_of_the_source_and_not_of_clean_customers(spark: SparkSession) -> None:
    others = ({"customerID": f"c-{n}"} for n in range(99))
    rows = source(spark, {"customerID": "a", "TotalCharges": " "}, *others)
    assert expect(rows, "rows", source_expectations(), key="customerID") is rows
    customers = clean(spark, {"customer_id": "a", "total_charges": None, "tenure": 0, "churn": "Yes"})
    assert problems(customers, customer_expectations()) == [
        "total_charges: 1 rows, such as a; expected a value in every row.",
        "tenure: 1 rows, such as a; expected 1 month or more of those who have been charged.",
        "churn: 1 rows, such as a; expected one of no, yes.",
    ]


def test_no_rows_are_a_problem(spark: SparkSession) -> None:
    rows = source(spark, {}).where("false")
    assert problems(rows, source_expectations(), key="customerID") == ["rows: got none; expected at least one."]
    assert len(source_expectations()) == len(COLUMNS) + 1


def test_missing_columns_are_named_beside_what_else_is_wrong(spark: SparkSession) -> None:
    rows = source(spark, {"customerID": "a", "gender": "x"}).drop("Contract", "TotalCharges")
    found = problems(rows, source_expectations(), key="customerID")
    assert [problem.split(";")[0] for problem in found] == [
        "Contract: the column is missing",
        "TotalCharges: the column is missing",
        "gender: 1 rows, such as a",
    ]
    predictions = spark.createDataFrame([("a", 1.0)], "id string, prediction double")
    assert problems(predictions, prediction_expectations(), key="customer_id") == [
        "probability: the column is missing; got id, prediction."
    ]


def test_a_few_blank_total_charges_are_customers_of_the_first_month_and_many_an_export_that_went_wrong(
    spark: SparkSession,
) -> None:
    def customers(blank: int) -> DataFrame:
        return source(
            spark, *({"customerID": f"c-{n:03}", "TotalCharges": " " if n < blank else "9"} for n in range(200))
        )

    expect(customers(2), "rows", source_expectations(), key="customerID")
    assert problems(customers(3), source_expectations(), key="customerID") == [
        "TotalCharges: 3 rows, such as c-000; expected blank in at most 1% of the rows."
    ]


def test_a_probability_is_a_number_from_0_to_1_that_agrees_with_the_class(spark: SparkSession) -> None:
    rows = [("a", 0.6, 1.0), ("b", 0.5, 0.0), ("c", math.nan, 1.0), ("d", None, 0.0), ("e", 0.9, 0.0), ("f", 1.5, 1.0)]
    predictions = spark.createDataFrame(rows, "customer_id string, probability double, prediction double")
    assert problems(predictions, prediction_expectations()) == [
        "probability: 3 rows, such as c; expected 0 to 1.",
        "prediction: 1 rows, such as e; expected 1.0 where the probability exceeds 0.5, else 0.0.",
    ]


def test_the_stability_index_is_that_of_its_formula_and_tells_the_same_from_the_shifted(spark: SparkSession) -> None:
    def rows(yes: int, no: int, charge: float) -> DataFrame:
        values = [("yes" if n < yes else "no", float(n) + charge) for n in range(yes + no)]
        return spark.createDataFrame(values, "partner string, charges double").coalesce(1)

    learned = rows(50, 50, 0)
    features = bounds_of(learned, ["charges"], bands=4) | {"partner": ()}
    assert features["charges"] == [24.0, 49.0, 74.0]
    result = {r.feature_nm: r for r in population_stability(learned, rows(80, 20, 1000), features).collect()}
    assert result["partner"].psi == pytest.approx(0.3 * math.log(0.8 / 0.5) - 0.3 * math.log(0.2 / 0.5))
    assert (result["partner"].psi_level, result["charges"].psi_level) == ("shifted", "shifted")
    same = population_stability(learned, learned, features).collect()
    assert [(row.psi, row.psi_level) for row in same] == [(0.0, "stable")] * 2
    assert re.fullmatch("stable|moderate|shifted", result["charges"].psi_level)
