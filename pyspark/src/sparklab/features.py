"""The features of the churn model: 16 categorical columns, one slot per category, and 2 amounts."""

from __future__ import annotations

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import DataFrame

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
    """Learn which categories each column has: one pass over the data for all 16 columns.

    Categories are numbered alphabetically, not by frequency. So the encoding depends only on which categories occur,
    and one that is fitted on all customers of the training data equals one fitted on any split of them that knows every
    category: the splits share it, and nothing of a test customer but the existence of a category can reach the model.
    A category that was not seen is encoded as zeros in all slots of its column.
    """
    indexes = [f"{name}_index" for name in CATEGORIES]
    vectors = [f"{name}_vector" for name in CATEGORIES]
    return Pipeline(
        stages=[
            # "keep" numbers what is unknown after the known ones, and dropLast drops exactly that number's slot.
            StringIndexer(
                inputCols=list(CATEGORIES), outputCols=indexes, handleInvalid="keep", stringOrderType="alphabetAsc"
            ),
            OneHotEncoder(inputCols=indexes, outputCols=vectors, dropLast=True),
            VectorAssembler(inputCols=[*AMOUNTS, *vectors], outputCol="features"),
        ]
    ).fit(customers)


def feature_names(encoding: PipelineModel) -> list[str]:
    """Name each slot of the feature vector: an amount's column, or `column=category`."""
    labels = encoding.stages[0].labelsArray
    return [
        *AMOUNTS,
        *(f"{column}={label}" for column, known in zip(CATEGORIES, labels, strict=True) for label in known),
    ]
