"""Features, splits and model, on literal rows."""

import hashlib
import json
import math
from datetime import UTC, datetime

import pytest
from pyspark.ml import PipelineModel
from pyspark.ml.evaluation import BinaryClassificationEvaluator, MulticlassClassificationEvaluator
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from sparklab.evaluation import evaluate
from sparklab.features import AMOUNTS, CATEGORIES, feature_names, fit_encoding
from sparklab.scoring import score_customers, tracked_model
from sparklab.training import (
    ChurnTraining,
    collect_predictions,
    confirm_same_predictions,
    encode_customers,
    fit_forest,
    in_test_side,
    metrics_documents,
    predict,
    result_tables,
    train_churn_model,
    training_customers,
)
from test_preprocessing import clean

LINEAGE = {
    "pipeline_id": "run-1",
    "model_version": "model-1",
    "pipeline_execution_dt": datetime(2026, 11, 21, 9, tzinfo=UTC),
    **dict.fromkeys(("batch_id", "data_hash", "stack", "git_commit")),
}


@pytest.fixture(scope="module")
def training_data(spark: SparkSession) -> DataFrame:
    """200 customers in whom churn follows the contract, but for every seventh; every tenth is held out."""
    rows = []
    for n in range(200):
        monthly = n % 3 == 0
        leaves = monthly != (n % 7 == 0)
        rows.append(
            {
                "customer_id": f"id-{n}",
                "contract": "Month-to-month" if monthly else "Two year",
                "gender": "Male" if n % 2 else "Female",
                "monthly_charges": 20.0 + n % 50,
                "churn": "yes" if leaves else "no",
            }
        )
    return clean(spark, *rows).withColumn("scoring_candidate", F.col("customer_id").endswith("0")).cache()


@pytest.fixture(scope="module")
def training(training_data: DataFrame) -> ChurnTraining:
    return train_churn_model(training_data, splits=3, test_share=0.3, partitions=2)


def test_each_slot_of_the_feature_vector_is_named_as_spark_names_it(spark: SparkSession) -> None:
    rows = clean(spark, {})
    encoded = fit_encoding(rows).transform(rows)
    attributes = encoded.schema["features"].metadata["ml_attr"]["attrs"]
    by_index = sorted((a for group in attributes.values() for a in group), key=lambda a: a["idx"])
    spark_names = [attribute["name"].replace("_vector_", "=") for attribute in by_index]
    assert feature_names() == spark_names
    assert len(CATEGORIES) == 16
    assert feature_names()[:3] == [*AMOUNTS, "gender=Female"]


def test_a_customer_sets_one_slot_per_column_and_an_unknown_category_none(spark: SparkSession) -> None:
    rows = clean(spark, {}, {"contract": "Ten years"})
    vectors = fit_encoding(rows).transform(rows).select(vector_to_array("features").alias("v")).collect()
    known, unknown = (dict(zip(feature_names(), row.v, strict=True)) for row in vectors)
    assert sum(known.values()) == pytest.approx(2 * 29.85 + 16)
    assert known["contract=Month-to-month"] == 1
    assert {name: value for name, value in unknown.items() if name.startswith("contract=")} == {
        "contract=Month-to-month": 0,
        "contract=One year": 0,
        "contract=Two year": 0,
    }


def test_a_split_is_a_hash_of_the_customer_id_that_any_engine_can_compute(spark: SparkSession) -> None:
    ids = spark.createDataFrame([(f"id-{n}",) for n in range(300)], "customer_id string").repartition(5)
    for split in (1, 2):
        tested = {row[0] for row in ids.where(in_test_side(split, 0.2)).collect()}
        expected = {
            f"id-{n}"
            for n in range(300)
            if int(hashlib.sha256(f"split-{split}:id-{n}".encode()).hexdigest()[:8], 16) / 2**32 < 0.2
        }
        assert tested == expected
        assert 30 < len(tested) < 90


def test_scoring_candidates_take_part_in_no_split(training_data: DataFrame, training: ChurnTraining) -> None:
    customers = training_customers(training_data, 2)
    assert customers.count() == 180
    assert customers.where(F.col("customer_id").endswith("0")).isEmpty()
    assert training.test_customers.where(F.col("customer_id").endswith("0")).isEmpty()


def test_the_same_customers_give_the_same_model_however_they_arrive(training_data: DataFrame) -> None:
    def trees(rows: DataFrame) -> str:
        _, encoded = encode_customers(training_customers(rows, 2))
        return fit_forest(encoded).toDebugString.partition("\n")[2]

    shuffled = training_data.repartition(9, F.rand(seed=1)).orderBy(F.rand(seed=2))
    assert trees(training_data) == trees(shuffled)


def test_the_metrics_are_those_of_sparks_own_evaluators(training_data: DataFrame) -> None:
    _, encoded = encode_customers(training_customers(training_data, 2))
    tested = in_test_side(1, 0.3)
    forest = fit_forest(encoded.where(~tested))
    evaluation = evaluate(collect_predictions(forest, encoded.where(tested)))
    predictions = forest.transform(encoded.where(tested)).cache()

    def area(metric: str) -> float:
        evaluator = BinaryClassificationEvaluator(rawPredictionCol="probability", metricName=metric, numBins=0)
        return evaluator.evaluate(predictions)

    def of(metric: str, label: float = 0.0) -> float:
        return MulticlassClassificationEvaluator(metricName=metric, metricLabel=label).evaluate(predictions)

    assert evaluation.metrics() == pytest.approx(
        {
            "test_area_roc": area("areaUnderROC"),
            "test_area_prc": area("areaUnderPR"),
            "test_accuracy": of("accuracy"),
            "test_f1": of("f1"),
            "test_precision": of("weightedPrecision"),
            "test_recall": of("weightedRecall"),
            "test_precision_no": of("precisionByLabel"),
            "test_precision_yes": of("precisionByLabel", 1.0),
            "test_recall_no": of("recallByLabel"),
            "test_recall_yes": of("recallByLabel", 1.0),
            **{
                f"test_actual_{a}_predicted_{p}": predictions.where(f"label = {i} and prediction = {j}").count()
                for i, a in enumerate(("no", "yes"))
                for j, p in enumerate(("no", "yes"))
            },
            "test_rows": predictions.count(),
        },
        abs=1e-5,
    )


def test_a_saved_model_predicts_exactly_as_the_one_in_memory(training: ChurnTraining) -> None:
    training.model.write().overwrite().save("gs://lab-models/tests/model")
    reloaded = PipelineModel.load("gs://lab-models/tests/model")
    confirm_same_predictions(training.model, reloaded, training.test_customers)


def test_a_model_that_predicts_otherwise_is_noticed(training_data: DataFrame, training: ChurnTraining) -> None:
    encoding, encoded = encode_customers(training_customers(training_data.where("contract = 'Two year'"), 2))
    other = PipelineModel([*encoding.stages, fit_forest(encoded)])
    with pytest.raises(RuntimeError, match=r"reloaded model: \d+ of \d+ predictions differ"):
        confirm_same_predictions(training.model, other, training.test_customers)


def test_importance_is_named_and_sums_to_one(training: ChurnTraining) -> None:
    rows = result_tables(training, LINEAGE)["model_feature_importance_scores"].collect()
    assert [row.feature_index for row in rows] == list(range(len(feature_names())))
    assert math.isclose(sum(row.importance_score for row in rows), 1.0)
    assert max(rows, key=lambda row: row.importance_score).feature_nm.startswith("contract=")


def test_metrics_are_one_row_each_with_mean_and_deviation_of_the_six(training: ChurnTraining) -> None:
    rows = result_tables(training, LINEAGE)["model_metrics"].collect()
    names = [row.metric_nm for row in rows]
    assert len(names) == len(set(names)) == 6 + 4 + 4 + 1 + 12
    assert {(row.pipeline_id, row.model_version, row.operation) for row in rows} == {("run-1", "model-1", "training")}
    values = {row.metric_nm: row.metric_value for row in rows}
    assert values["test_area_roc"] == training.evaluations[0].headline["test_area_roc"]
    assert values["test_rows"] == training.test_customers.count()


def test_documents_are_standard_json_whose_arrays_belong_together(training: ChurnTraining) -> None:
    documents = metrics_documents(training, LINEAGE)
    json.dumps(documents, allow_nan=False)
    full = documents["full"]
    assert {key: full[key] for key in documents["subset"]} == documents["subset"]
    assert (
        len(full["true"]) == len(full["score"]) == len(full["prediction"]) == len(training.evaluations[0].predictions)
    )
    pairs = list(zip(full["true"], full["prediction"], strict=True))
    matrix = [[pairs.count((actual, predicted)) for predicted in (0.0, 1.0)] for actual in (0.0, 1.0)]
    assert full["confusion_matrix"] == {"labels": ["no", "yes"], "actual_by_predicted": matrix}
    assert all(
        (score > 0.5) == (prediction == 1.0)
        for score, prediction in zip(full["score"], full["prediction"], strict=True)
        if score != 0.5
    )
    assert [entry["split"] for entry in full["splits"]] == [1, 2, 3]


def test_scoring_adds_class_and_probability_and_needs_no_answer(
    training_data: DataFrame, training: ChurnTraining
) -> None:
    candidates = training_data.where("scoring_candidate").drop("churn", "scoring_candidate")
    scored = score_customers(candidates, training.model, LINEAGE)
    rows = scored.collect()
    assert len(rows) == 20
    assert all((row.probability > 0.5) == (row.prediction == 1.0) for row in rows)
    expected = {row.customer_id: row.probability for row in predict(training.model, candidates).collect()}
    assert {row.customer_id: row.probability for row in rows} == expected
    with pytest.raises(ValueError, match="got no customer of the pipeline that trained the model"):
        score_customers(candidates.where("false"), training.model, LINEAGE)


def test_a_model_version_must_be_in_the_tracker_exactly_once(spark: SparkSession) -> None:
    tracker = spark.createDataFrame([("model-1",), ("model-2",), ("model-2",)], "model_version string")
    assert tracked_model(tracker, "model-1").model_version == "model-1"
    for version, rows in (("model-2", 2), ("model-3", 0)):
        with pytest.raises(ValueError, match=f"got {rows} rows for model version '{version}'; expected exactly one"):
            tracked_model(tracker, version)
