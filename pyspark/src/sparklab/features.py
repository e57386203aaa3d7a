"""The features of the churn model: 16 categorical columns, one slot per category, and 2 amounts."""

from __future__ import annotations

from pyspark import SparkContext
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import OneHotEncoder, StringIndexerModel, VectorAssembler
from pyspark.sql import DataFrame

from sparklab.customers_csv import COLUMNS, INTERNET_SERVICES

AMOUNTS = ("monthly_charges", "total_charges")
CATEGORIES = (
    "gender",
    "senior_citizen",
    "partner",
    "dependents",
    "phone_service",
    "multiple_lines",
    "internet_service",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "contract",
    "paperless_billing",
    "payment_method",
)


def fit_encoding(customers: DataFrame) -> PipelineModel:
    """Make the encoding from a customer's columns to the feature vector; only the schema of `customers` is looked at.

    The categories of each column are those that the customers' file may hold (preprocessing refuses all others), in
    alphabetical order. So no pass over the data is needed to find them, every split and every version of the model has
    the same features, and nothing of a test customer can reach the model through the encoding. Should a category come
    that is not known, all slots of its column are zero.
    """
    indexes = [f"{name}_index" for name in CATEGORIES]
    vectors = [f"{name}_vector" for name in CATEGORIES]
    stages = [
        _indexer(indexes),
        OneHotEncoder(inputCols=indexes, outputCols=vectors, dropLast=True),
        VectorAssembler(inputCols=[*AMOUNTS, *vectors], outputCol="features"),
    ]
    return Pipeline(stages=stages).fit(customers)


def categories(column: str) -> list[str]:
    """List the categories of a column after cleaning, in the order of their slots."""
    values = next(source.values for source in COLUMNS if source.name == column)
    return sorted(set(values) - {"No internet service"} if column in INTERNET_SERVICES else values)


def feature_names() -> list[str]:
    """Name each slot of the feature vector: an amount's column, or `column=category`."""
    return [*AMOUNTS, *(f"{column}={category}" for column in CATEGORIES for category in categories(column))]


def _indexer(outputs: list[str]) -> StringIndexerModel:
    # "keep" numbers what is unknown after the known categories; the encoder's dropLast drops exactly that slot.
    # StringIndexerModel.from_arrays_of_labels would do, but fills up columns that have fewer categories with null.
    context = SparkContext.getOrCreate()
    text = context._jvm.java.lang.String
    labels = context._gateway.new_array(text, len(CATEGORIES), 0)
    for position, column in enumerate(CATEGORIES):
        labels[position] = StringIndexerModel._new_java_array(categories(column), text)
    model = StringIndexerModel._create_from_java_class("org.apache.spark.ml.feature.StringIndexerModel", labels)
    return model.setInputCols(list(CATEGORIES)).setOutputCols(outputs).setHandleInvalid("keep")
