"""Use case: train the churn model, measure it on held-out customers, and say what it looks at."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyspark import inheritable_thread_target
from pyspark.ml import PipelineModel
from pyspark.ml.classification import RandomForestClassificationModel, RandomForestClassifier
from pyspark.ml.functions import vector_to_array
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from sparklab.evaluation import Evaluation, Prediction, evaluate, spread
from sparklab.features import feature_names, fit_encoding
from sparklab.schemas import CHURN_LABELS, contract

OPERATION = "training"
# Spark's defaults, which the lab used; named, so that a new default cannot change the model.
FOREST = {"numTrees": 20, "maxDepth": 5, "maxBins": 32, "seed": 6}
REPORTED_SPLIT = 1
"""The split whose model is saved. Fixed beforehand: choosing the best one would be choosing on test data."""


@dataclass(frozen=True)
class ChurnTraining:
    """The saved model, the customers that it never saw, and the quality on every split (the reported one first)."""

    model: PipelineModel
    test_customers: DataFrame
    evaluations: list[Evaluation]
    operation: str = OPERATION


def train_churn_model(
    training_data: DataFrame,
    *,
    splits: int,
    test_share: float,
    partitions: int,
    settings: Mapping[str, object] = FOREST,
    operation: str = OPERATION,
) -> ChurnTraining:
    """Train one forest per split on the customers who are not held out for scoring; the first split's is the model."""
    customers = training_customers(training_data, partitions)
    encoding, encoded = encode_customers(customers)

    def train(split: int) -> tuple[RandomForestClassificationModel, Evaluation]:
        tested = in_test_side(split, test_share)
        forest = fit_forest(encoded.where(~tested), settings)
        return forest, evaluate(collect_predictions(forest, encoded.where(tested)))

    # The first fit warms everything up; the others are mostly waiting for small Spark jobs, so two run side by side.
    results = [train(REPORTED_SPLIT)]
    with ThreadPoolExecutor(max_workers=2) as threads:
        others = [split for split in range(1, splits + 1) if split != REPORTED_SPLIT]
        results += threads.map(inheritable_thread_target(train), others)
    encoded.unpersist()
    return ChurnTraining(
        model=PipelineModel([*encoding.stages, results[0][0]]),
        test_customers=customers.where(in_test_side(REPORTED_SPLIT, test_share)),
        evaluations=[evaluation for _, evaluation in results],
        operation=operation,
    )


def training_customers(training_data: DataFrame, partitions: int) -> DataFrame:
    """Select the customers who are not held out for scoring, cached in a fixed order in a fixed number of partitions.

    Bagging draws by row and partition: so the same customers give the same model, however the table delivers them.
    """
    rows = training_data.where(~F.col("scoring_candidate"))
    return rows.repartition(partitions, "customer_id").sortWithinPartitions("customer_id").cache()


def encode_customers(customers: DataFrame) -> tuple[PipelineModel, DataFrame]:
    """Compute the features once for all splits: customer, label and feature vector, cached."""
    encoding = fit_encoding(customers)
    labelled = encoding.transform(customers).withColumn("label", label().alias("label", metadata=_LABEL))
    return encoding, labelled.select("customer_id", "label", "features").cache()


def fit_forest(encoded: DataFrame, settings: Mapping[str, object] = FOREST) -> RandomForestClassificationModel:
    """Fit the random forest on encoded customers."""
    return RandomForestClassifier(**settings).fit(encoded)


def collect_predictions(forest: RandomForestClassificationModel, test: DataFrame) -> list[Prediction]:
    """Read what a forest predicts for encoded test customers."""
    probability = vector_to_array("probability")[1]
    rows = forest.transform(test).select("customer_id", "label", probability, "prediction").collect()
    return [Prediction(*row) for row in rows]


def in_test_side(split: int, test_share: float) -> Column:
    """Say whether a customer is on the test side of a split, from a hash of the id alone.

    The same in BigQuery: CAST(CONCAT('0x', SUBSTR(TO_HEX(SHA256(CONCAT('split-1:', customer_id))), 1, 8)) AS INT64)
    / 4294967296 < 0.2
    """
    digest = F.sha2(F.concat(F.lit(f"split-{split}:"), F.col("customer_id")), 256)
    return F.conv(F.substring(digest, 1, 8), 16, 10).cast("bigint") / 2**32 < test_share


def label() -> Column:
    """Give a customer's class as the forest counts it: 1.0 for churn."""
    return (F.col("churn") == CHURN_LABELS[1]).cast("double")


# With the classes in the column's metadata Spark need not search the data for them.
_LABEL = {"ml_attr": {"type": "nominal", "name": "label", "vals": list(CHURN_LABELS)}}


def predict(model: PipelineModel, customers: DataFrame) -> DataFrame:
    """Add the predicted class and the probability of churn to customers."""
    scored = model.transform(customers)
    return scored.select(*customers.columns, "prediction", vector_to_array("probability")[1].alias("probability"))


def confirm_same_predictions(model: PipelineModel, reloaded: PipelineModel, customers: DataFrame) -> None:
    """Fail unless the model as loaded from where it was saved predicts exactly what the one in memory does."""
    columns = ("customer_id", "prediction", "probability")
    expected = predict(model, customers).select(*columns)
    different = expected.exceptAll(predict(reloaded, customers).select(*columns)).count()
    if different:
        raise RuntimeError(f"reloaded model: {different:,} of {expected.count():,} predictions differ; expected none.")


def result_tables(training: ChurnTraining, lineage: Mapping[str, object]) -> dict[str, DataFrame]:
    """Give the rows of every table that a training writes, by table."""
    create = training.test_customers.sparkSession.createDataFrame
    metrics = training.evaluations[0].metrics()
    for statistic, values in spread(training.evaluations).items():
        metrics |= {f"{name}_{statistic}": value for name, value in values.items()}
    names = feature_names()
    scores = training.model.stages[-1].featureImportances.toArray()
    importance = [(index, name, float(scores[index])) for index, name in enumerate(names)]
    rows = {
        "test_predictions": predict(training.model, training.test_customers),
        "model_metrics": create(
            [(name, float(value)) for name, value in metrics.items()], "metric_nm string, metric_value double"
        ).coalesce(1),
        "model_feature_importance_scores": create(
            importance, "feature_index long, feature_nm string, importance_score double"
        ).coalesce(1),
    }
    return {
        table: contract(frame, table, {**lineage, "operation": training.operation}) for table, frame in rows.items()
    }


def metrics_documents(training: ChurnTraining, lineage: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Give the metrics as JSON objects: `subset`, and `full` with true class, score and prediction of each row."""
    reported = training.evaluations[0]
    subset: dict[str, object] = {
        **{name: str(value) for name, value in lineage.items() if value is not None},
        "operation": training.operation,
        **reported.headline,
        "per_class": {
            name: {"precision": reported.precision[name], "recall": reported.recall[name]} for name in CHURN_LABELS
        },
        "confusion_matrix": {"labels": list(CHURN_LABELS), "actual_by_predicted": reported.confusion},
        "splits": [{"split": split, **e.headline} for split, e in enumerate(training.evaluations, start=1)],
        **spread(training.evaluations),
    }
    arrays = {
        "true": [p.label for p in reported.predictions],
        "score": [p.probability for p in reported.predictions],
        "prediction": [p.prediction for p in reported.predictions],
    }
    return {"subset": subset, "full": {**subset, **arrays}}


def tracker_row(
    training: ChurnTraining, dataset: str, model_uri: str, metrics_uri: str, lineage: Mapping[str, object]
) -> DataFrame:
    """Give the one row by which later jobs find the model and everything about it."""
    row = {
        "model_nm": "CUSTOMER_CHURN_PREDICTION",
        "operation": training.operation,
        "model_gcs_uri": model_uri,
        "model_metrics_gcs_uri": metrics_uri,
        "model_training_bq_source": f"{dataset}.training_data",
        "model_metrics_bq": f"{dataset}.model_metrics",
        "model_test_results_bq": f"{dataset}.test_predictions",
    }
    return contract(training.test_customers.sparkSession.range(1), "model_asset_tracker", {**row, **lineage})
