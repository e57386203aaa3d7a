"""The three job files under spark-submit, with the catalogue's arguments, on the real customers."""

import hashlib
import math
import re
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from conftest import DATASET, PIPELINE, FolderLab
from sparklab.quality import DataQualityError
from sparklab.schemas import columns

TABLES = {
    "training_data": 7032,
    "batch_scoring_candidates": 411,
    "model_metrics": 27,
    "model_feature_importance_scores": 39,
    "model_asset_tracker": 1,
    "batch_predictions": 411,
    "population_stability": 18,
}


@pytest.fixture
def rows(finished_lab: FolderLab, spark: SparkSession) -> Callable[[str], list]:
    return lambda table: finished_lab.table(spark, table).collect()


def counts(rows: list, column: str) -> dict[str, int]:
    values = [row[column] for row in rows]
    return {value: values.count(value) for value in set(values)}


def test_preprocessing_keeps_the_7032_customers_with_charges(rows: Callable[[str], list]) -> None:
    customers = rows("training_data")
    assert len(customers) == len({row.customer_id for row in customers}) == 7032
    assert counts(customers, "churn") == {"no": 5163, "yes": 1869}
    assert counts(customers, "tenure_group") == {"0-12": 2175, "12-24": 1024, "24-48": 1594, "48-60": 832, ">60": 1407}
    assert not [row for row in customers if None in row]


def test_411_customers_are_held_out_and_never_trained_or_tested_on(rows: Callable[[str], list]) -> None:
    candidates = {row.customer_id for row in rows("batch_scoring_candidates")}
    assert len(candidates) == 411
    assert {row.customer_id for row in rows("training_data") if row.scoring_candidate} == candidates
    assert not candidates & {row.customer_id for row in rows("test_predictions")}
    assert {row.customer_id for row in rows("batch_predictions")} == candidates


def test_the_model_is_as_good_as_the_labs_on_average_over_five_splits(finished_lab: FolderLab) -> None:
    metrics = finished_lab.metrics("subset")
    assert len(metrics["splits"]) == 5
    assert metrics["mean"]["test_area_roc"] == pytest.approx(0.85, abs=0.02)
    assert metrics["mean"]["test_area_prc"] >= 0.62
    assert 0 < metrics["stddev"]["test_area_roc"] < 0.02


def test_metrics_agree_between_table_files_and_predictions(
    finished_lab: FolderLab, rows: Callable[[str], list]
) -> None:
    table = {row.metric_nm: row.metric_value for row in rows("model_metrics")}
    subset, full = finished_lab.metrics("subset"), finished_lab.metrics("full")
    assert {name: table[name] for name in table if name in subset} == {n: subset[n] for n in table if n in subset}
    predictions = sorted(rows("test_predictions"), key=lambda row: row.customer_id)
    assert len(predictions) == table["test_rows"]
    assert full["score"] == [row.probability for row in predictions]
    assert full["true"] == [float(row.churn == "yes") for row in predictions]
    left = [row for row in predictions if row.churn == "yes"]
    assert table["test_recall_yes"] == round(sum(row.prediction for row in left) / len(left), 5)
    assert table["test_recall"] == table["test_accuracy"]


def test_importance_sums_to_one_over_named_features(rows: Callable[[str], list]) -> None:
    importance = {row.feature_nm: row.importance_score for row in rows("model_feature_importance_scores")}
    assert len(importance) == 39
    assert math.isclose(sum(importance.values()), 1.0)
    assert "contract=Month-to-month" in sorted(importance, key=importance.__getitem__)[-5:]


def test_the_tracker_names_where_everything_of_the_model_is(
    finished_lab: FolderLab, rows: Callable[[str], list]
) -> None:
    (row,) = rows("model_asset_tracker")
    for uri in (row.model_gcs_uri, row.model_metrics_gcs_uri):
        assert (finished_lab.folder / "buckets" / uri.removeprefix("gs://")).exists()
    assert (row.model_training_bq_source, row.model_version) == (f"{DATASET}.training_data", "model-1")


def test_a_scored_customer_leads_to_batch_model_and_the_file_that_it_was_trained_on(
    finished_lab: FolderLab, rows: Callable[[str], list]
) -> None:
    file = (finished_lab.folder / "buckets/lab-raw/telco_customer_churn.csv").read_bytes()
    (model,) = rows("model_asset_tracker")
    assert (model.batch_id, model.data_hash) == ("churn-training-run-1", hashlib.md5(file).hexdigest())
    origins = {(row.batch_id, row.data_hash, row.model_version) for row in rows("batch_predictions")}
    assert origins == {("churn-scoring-run-1", model.data_hash, "model-1")}
    assert {(row.stack, row.git_commit) for row in rows("batch_predictions")} == {("test-stack", "0f0f-dirty")}
    assert finished_lab.metrics("subset")["git_commit"] == "0f0f-dirty"


def test_every_row_is_traceable_and_every_table_has_its_schema(finished_lab: FolderLab, spark: SparkSession) -> None:
    for table in [*TABLES, "test_predictions"]:
        written = finished_lab.table(spark, table)
        assert written.dtypes == [(column.name, column.type) for column in columns(table)]
        runs = written.selectExpr("pipeline_id", "cast(pipeline_execution_dt as string)").distinct().collect()
        assert runs == [(PIPELINE, "2026-11-21 09:00:00")]
        assert "model_version" not in written.columns or written.select("model_version").distinct().collect() == [
            ("model-1",)
        ]


def test_running_everything_again_leaves_everything_as_it_was(
    finished_lab: FolderLab, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {table: finished_lab.table(spark, table).count() for table in TABLES}
    for job in finished_lab.catalogue.in_order("churn_training"):
        finished_lab.run(job.name, execution_time="2026-11-22T09:00:00Z")
        kept = [line for line in capsys.readouterr().out.splitlines() if line.startswith(DATASET)]
        assert [line.partition(": ")[2] for line in kept] == ["there already, left as it is"] * len(job.writes)
    assert {table: finished_lab.table(spark, table).count() for table in TABLES} == before == TABLES


def test_another_pipeline_adds_its_rows_beside(finished_lab: FolderLab, spark: SparkSession) -> None:
    finished_lab.run("churn_scoring", pipeline_id="run-2")
    predictions = finished_lab.table(spark, "batch_predictions").groupBy("pipeline_id").count().collect()
    assert sorted(predictions) == [("run-1", 411), ("run-2", 411)]


def test_other_rows_under_a_used_pipeline_id_are_refused(finished_lab: FolderLab, spark: SparkSession) -> None:
    file = finished_lab.folder / "buckets/lab-raw/telco_customer_churn.csv"
    original = file.read_text()
    file.write_text(original.replace("Mailed check", "Electronic check", 1))
    try:
        with pytest.raises(
            ValueError, match=r"got 7,032 rows that differ from the 7,032 .* pipeline_id 'run-1'; expected"
        ):
            finished_lab.run("churn_preprocessing")
    finally:
        file.write_text(original)
    assert finished_lab.table(spark, "training_data").count() == 7032


def test_a_bad_file_fails_the_batch_with_the_whole_list_and_writes_nothing(
    empty_lab: FolderLab, spark: SparkSession
) -> None:
    tables = empty_lab.folder / "tables"
    before = sorted(tables.rglob("*.parquet"))
    file = empty_lab.folder / "buckets/lab-raw/telco_customer_churn.csv"
    original = file.read_text()
    head, first, second, *rest = original.splitlines()
    blank = [",".join([*line.split(",")[:-2], " ", line.split(",")[-1]]) for line in rest[:80]]
    worse = [
        head.replace("PaperlessBilling", "Paper"),
        first.replace("Mailed check", "Barter"),
        second.replace(",9,", ",many,", 1),
        second.replace(",9,", ",10,", 1),
    ]
    lines = [*worse, *blank, *rest[80:]]
    blanks = sum(line.split(",")[-2].strip() == "" for line in lines)
    file.write_text("\n".join(lines) + "\n")
    try:
        with pytest.raises(DataQualityError) as error:
            empty_lab.run("churn_preprocessing", pipeline_id="bad")
    finally:
        file.write_text(original)
    assert [re.sub(r", such as [^;]+|; got customerID.*", "", problem) for problem in error.value.problems] == [
        "PaperlessBilling: the column is missing",
        "customerID: got 7,043 different values in 7,044 rows; expected unique ones.",
        "tenure: 1 rows; expected a whole number of months from 0.",
        "PaymentMethod: 1 rows; expected one of "
        "Bank transfer (automatic), Credit card (automatic), Electronic check, Mailed check.",
        f"TotalCharges: {blanks} rows; expected blank in at most 1% of the rows.",
    ]
    assert sorted(tables.rglob("*.parquet")) == before


def test_a_model_that_is_not_tracked_cannot_score(finished_lab: FolderLab, spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="got 0 rows for model version 'absent'; expected exactly one"):
        finished_lab.run("churn_scoring", model_version="absent", pipeline_id="run-3")


def test_a_failing_job_ends_spark_submit_with_an_error(finished_lab: FolderLab) -> None:
    absent = finished_lab.submit("churn_preprocessing", raw_bucket="lab-metrics")
    assert absent.returncode == 1
    # spark-submit leads the standard error of a Python driver to its standard output.
    assert "Path does not exist: gs://lab-metrics/telco_customer_churn.csv" in absent.stdout
    wrong = finished_lab.submit("churn_scoring", execution_time="yesterday")
    assert wrong.returncode == 2
    assert "--execution-time: got 'yesterday'; expected a time with its zone" in wrong.stdout
