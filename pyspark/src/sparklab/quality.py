"""What rows must be like on their way in and out of a job, counted in one pass; a batch fails with the whole list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from sparklab.customers_csv import COLUMNS
from sparklab.schemas import CHURN_LABELS

MOST_BLANKS = 0.01


class DataQualityError(ValueError):
    """Rows that are not as expected; the message lists every expectation that failed."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join([f"data quality of {where}: {len(problems)} expectations failed.", *problems]))
        self.problems = list(problems)


@dataclass(frozen=True)
class Expectation:
    """One rule: which rows break it, and what is expected instead."""

    column: str
    expected: str
    broken: Column
    needs: tuple[str, ...] = ()
    """Columns that `broken` looks at besides its own."""
    at_most: float = 0.0
    """Share of the rows that may break it."""


def expect(rows: DataFrame, where: str, expectations: Sequence[Expectation], *, key: str = "customer_id") -> DataFrame:
    """Give the rows back if they meet all expectations, there is at least one, and each has its own key."""
    missing = dict.fromkeys(one.column for one in expectations if one.column not in rows.columns)
    problems = [f"{name}: the column is missing; got {', '.join(rows.columns)}." for name in missing]
    able = [one for one in expectations if {one.column, *one.needs} <= set(rows.columns)]
    broken = [F.coalesce(one.broken, F.lit(False)) for one in able]
    names = F.col(key) if key in rows.columns else F.lit(None)
    result = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.countDistinct(names).alias("keys"),
        *(F.count_if(condition).alias(f"broken_{n}") for n, condition in enumerate(broken)),
        *(F.min(F.when(condition, names)).alias(f"example_{n}") for n, condition in enumerate(broken)),
    ).collect()[0]
    if not result.rows:
        problems.append("rows: got none; expected at least one.")
    if key in rows.columns and result["keys"] != result["rows"]:
        problems.append(
            f"{key}: got {result['keys']:,} different values in {result['rows']:,} rows; expected unique ones."
        )
    for n, one in enumerate(able):
        if result[f"broken_{n}"] > one.at_most * result["rows"]:
            example = result[f"example_{n}"]
            problems.append(
                f"{one.column}: {result[f'broken_{n}']:,} rows, such as {example}; expected {one.expected}."
            )
    if problems:
        raise DataQualityError(where, problems)
    return rows


def source_expectations() -> list[Expectation]:
    """Say what the customers' file may hold, by its own headers."""
    allowed = [
        Expectation(
            column.header,
            column.expectation(),
            ~(value.isin(*column.values) if column.values else value.rlike(rf"^({column.pattern})$")),
        )
        for column in COLUMNS
        for value in (F.coalesce(F.col(column.header), F.lit("")),)
    ]
    # Those of the first month, who have not been charged; many more of them are an export that went wrong.
    blank = F.trim(F.coalesce(F.col("TotalCharges"), F.lit(""))) == ""
    expected = f"blank in at most {MOST_BLANKS:.0%} of the rows"
    return [*allowed, Expectation("TotalCharges", expected, blank, at_most=MOST_BLANKS)]


def filled_expectations() -> list[Expectation]:
    """Say that no column of the customers' file is left out of any row."""
    return [Expectation(column.name, "a value in every row", F.col(column.name).isNull()) for column in COLUMNS]


def customer_expectations() -> list[Expectation]:
    """Say what clean customers are like."""
    unknown = F.col("churn").isNull() | ~F.col("churn").isin(*CHURN_LABELS)
    return [*candidate_expectations(), Expectation("churn", f"one of {', '.join(CHURN_LABELS)}", unknown)]


def candidate_expectations() -> list[Expectation]:
    """Say what clean customers are like of whom it is not known whether they leave."""
    return [
        *(one for one in filled_expectations() if one.column != "churn"),
        Expectation("tenure", "1 month or more of those who have been charged", F.col("tenure") < 1),
        Expectation("monthly_charges", "more than 0", F.col("monthly_charges") <= 0),
        Expectation("total_charges", "at least 0", F.col("total_charges") < 0),
    ]


def prediction_expectations() -> list[Expectation]:
    """Say what predictions are like."""
    probability, prediction = F.col("probability"), F.col("prediction")
    return [
        Expectation("probability", "0 to 1", probability.isNull() | F.isnan(probability) | ~probability.between(0, 1)),
        Expectation(
            "prediction",
            "1.0 where the probability exceeds 0.5, else 0.0",
            prediction != (probability > 0.5).cast("double"),
            needs=("probability",),
        ),
    ]


def population_stability(expected: DataFrame, actual: DataFrame, features: Mapping[str, Sequence[float]]) -> DataFrame:
    """Give the population stability index of each feature: feature_nm, psi and its level.

    `features` has the inner bounds of an amount's bands, and none for a category. A band that one side lacks counts as
    half a row there, so that the index stays finite.
    """
    session = expected.sparkSession
    left, right = (_shares(rows, features) for rows in (expected, actual))
    values = []
    for feature in features:
        bands = left[feature].keys() | right[feature].keys()
        sides = [{band: side[feature].get(band, 0.5) for band in bands} for side in (left, right)]
        psi = 0.0
        for band in bands:
            share, other = (side[band] / sum(side.values()) for side in sides)
            psi += (other - share) * math.log(other / share)
        level = "stable" if psi < 0.1 else "moderate" if psi < 0.25 else "shifted"
        values.append((feature, psi, level))
    return session.createDataFrame(values, "feature_nm string, psi double, psi_level string").coalesce(1)


def bounds_of(rows: DataFrame, amounts: Sequence[str], bands: int = 10) -> dict[str, list[float]]:
    """Give the inner bounds of bands that hold equally many rows, for each amount."""
    shares = [step / bands for step in range(1, bands)]
    return {name: sorted(set(rows.approxQuantile(name, shares, 0.001))) for name in amounts}


def _shares(rows: DataFrame, features: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Count the rows of every band of every feature in one pass."""
    bands = [
        F.struct(F.lit(name).alias("feature"), _band(F.col(name), bounds).alias("band"))
        for name, bounds in features.items()
    ]
    counted = rows.select(F.explode(F.array(*bands)).alias("f")).groupBy("f.feature", "f.band").count().collect()
    shares: dict[str, dict[str, float]] = {name: {} for name in features}
    for row in counted:
        shares[row.feature][row.band] = float(row["count"])
    return shares


def _band(value: Column, bounds: Sequence[float]) -> Column:
    if not bounds:
        return F.coalesce(value.cast("string"), F.lit("(none)"))
    number = sum(((value > bound).cast("int") for bound in bounds), F.lit(0))
    return F.coalesce(number.cast("string"), F.lit("(none)"))
