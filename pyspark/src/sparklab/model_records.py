"""What a job leaves of a training: its tables, the model, the metrics files, and last the tracker's row."""

from __future__ import annotations

from argparse import Namespace

from pyspark.sql import DataFrame, SparkSession

from sparklab.io import save_model, write_json, write_rows_once
from sparklab.quality import expect, prediction_expectations
from sparklab.training import (
    ChurnTraining,
    confirm_same_predictions,
    metrics_documents,
    result_tables,
    tracker_row,
)


def record_training(
    spark: SparkSession, training: ChurnTraining, args: Namespace, more: dict[str, DataFrame] | None = None
) -> None:
    """Write a training where the job's arguments say; `more` are further tables of the same run.

    The model is read back and must predict the same. The tracker comes last: a model which it names is complete.
    """
    model_uri = f"{args.models}/{args.model_version}"
    metrics_uri = f"{args.metrics}/{args.model_version}"
    lineage = args.lineage | {"data_hash": source_hash(training.test_customers)}
    results = result_tables(training, args.lineage)
    expect(results["test_predictions"].cache(), "the test predictions", prediction_expectations())
    for table, rows in (results | (more or {})).items():
        write_rows_once(rows, f"{args.dataset}.{table}", args.lineage, args.staging)
    confirm_same_predictions(training.model, save_model(training.model, model_uri), training.test_customers)
    for extent, document in metrics_documents(training, lineage).items():
        write_json(spark, f"{metrics_uri}/{extent}/metrics.json", document)
    tracked = tracker_row(training, args.dataset, model_uri, f"{metrics_uri}/subset/metrics.json", lineage)
    write_rows_once(tracked, f"{args.dataset}.model_asset_tracker", lineage, args.staging)


def source_hash(customers: DataFrame) -> str | None:
    """Give the hash of the file that the customers come from; None for rows from before it was kept."""
    first = customers.select("data_hash").first()
    return first.data_hash if first else None
