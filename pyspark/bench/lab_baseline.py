"""Trains and tunes the churn model in the way of the lab that this project succeeds, as the benchmarks' baseline.

Kept as it was on purpose: one indexer and one encoder per column, each fitted by its own pass over the source, nothing
cached, 200 shuffle partitions, one evaluator per metric. The customers, the columns, the forest and the held-out split
are the same as ours, so that time and AUROC can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.ml.tuning import CrossValidator, CrossValidatorModel
from pyspark.sql import DataFrame

from sparklab.features import AMOUNTS, CATEGORIES
from sparklab.training import FOREST
from sparklab.tuning import Combination

SHUFFLE_PARTITIONS = "200"


def train_the_labs_way(customers: DataFrame) -> PipelineModel:
    """Fit indexers, encoders and forest on the customers of one split's training side."""
    customers.sparkSession.conf.set("spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS)
    forest = RandomForestClassifier(labelCol="label", featuresCol="features", seed=FOREST["seed"])
    return Pipeline(stages=[*feature_stages(), forest]).fit(customers)


def tune_the_labs_way(customers: DataFrame, combinations: Sequence[Combination], folds: int) -> CrossValidatorModel:
    """Fit the features, then Spark's own cross-validation, one forest after the other, and the best on everybody."""
    customers.sparkSession.conf.set("spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS)
    features = Pipeline(stages=feature_stages()).fit(customers).transform(customers)
    forest = RandomForestClassifier(labelCol="label", featuresCol="features", seed=FOREST["seed"])
    grid = [
        {forest.maxDepth: one.max_depth, forest.maxBins: one.max_bins, forest.numTrees: one.num_trees}
        for one in combinations
    ]
    validation = CrossValidator(
        estimator=forest,
        estimatorParamMaps=grid,
        evaluator=BinaryClassificationEvaluator(metricName="areaUnderROC"),
        numFolds=folds,
        seed=FOREST["seed"],
    )
    return validation.fit(features)


def feature_stages() -> list[Estimator | Transformer]:
    """List an indexer and an encoder for each column, and what assembles them."""
    stages = []
    for column in CATEGORIES:
        stages += [
            StringIndexer(inputCol=column, outputCol=f"{column}Index"),
            OneHotEncoder(inputCols=[f"{column}Index"], outputCols=[f"{column}classVec"]),
        ]
    stages += [
        StringIndexer(inputCol="churn", outputCol="label"),
        VectorAssembler(inputCols=[*AMOUNTS, *(f"{column}classVec" for column in CATEGORIES)], outputCol="features"),
    ]
    return stages


def evaluate_the_labs_way(model: PipelineModel, customers: DataFrame) -> dict[str, float]:
    """Compute the six metrics one by one on the customers of the test side; give the two areas."""
    predictions = model.transform(customers)
    for metric in ("accuracy", "f1", "weightedPrecision", "weightedRecall"):
        MulticlassClassificationEvaluator(metricName=metric).evaluate(predictions)
    return {
        "area_roc": BinaryClassificationEvaluator(metricName="areaUnderROC").evaluate(predictions),
        "area_prc": BinaryClassificationEvaluator(metricName="areaUnderPR").evaluate(predictions),
    }
