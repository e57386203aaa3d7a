"""Trains the churn model in the way of the lab that this project succeeds, as the baseline of the training benchmark.

Kept as it was on purpose: one indexer and one encoder per column, each fitted by its own pass over the source, nothing
cached, 200 shuffle partitions, one evaluator per metric. The customers, the columns, the forest and the held-out split
are the same as ours, so that time and AUROC can be compared.
"""

from __future__ import annotations

from collections.abc import Callable

from pyspark.ml import Pipeline
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from sparklab.features import AMOUNTS, CATEGORIES
from sparklab.training import FOREST, REPORTED_SPLIT, in_test_side

SHUFFLE_PARTITIONS = "200"


def train_the_labs_way(
    spark: SparkSession, customers: str, model: str, test_share: float, end_step: Callable[[str], None]
) -> dict[str, float]:
    """Train on the Parquet folder `customers`, save the model, say when each step ends, and give the two areas."""
    spark.conf.set("spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS)
    rows = spark.read.parquet(customers).where(~F.col("scoring_candidate"))
    tested = in_test_side(REPORTED_SPLIT, test_share)
    train, test = rows.where(~tested), rows.where(tested)
    stages = []
    for column in CATEGORIES:
        stages += [
            StringIndexer(inputCol=column, outputCol=f"{column}Index"),
            OneHotEncoder(inputCols=[f"{column}Index"], outputCols=[f"{column}classVec"]),
        ]
    stages += [
        StringIndexer(inputCol="churn", outputCol="label"),
        VectorAssembler(inputCols=[*AMOUNTS, *(f"{column}classVec" for column in CATEGORIES)], outputCol="features"),
        RandomForestClassifier(labelCol="label", featuresCol="features", seed=FOREST["seed"]),
    ]
    fitted = Pipeline(stages=stages).fit(train)
    end_step("train")

    predictions = fitted.transform(test)
    roc = BinaryClassificationEvaluator(metricName="areaUnderROC").evaluate(predictions)
    prc = BinaryClassificationEvaluator(metricName="areaUnderPR").evaluate(predictions)
    for metric in ("accuracy", "f1", "weightedPrecision", "weightedRecall"):
        MulticlassClassificationEvaluator(metricName=metric).evaluate(predictions)
    end_step("evaluate")
    fitted.write().overwrite().save(model)
    end_step("save")
    return {"area_roc": roc, "area_prc": prc}
