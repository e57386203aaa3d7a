"""Searches the forest's settings by cross-validation, trains with the best, and enters that model into the tracker."""

import time

from sparklab.args import count, dataset, gcs_uri, model_version, read_arguments, run_id, search, share, timestamp
from sparklab.io import read_rows, save_model, write_json, write_rows_once
from sparklab.schemas import contract
from sparklab.spark import start_session
from sparklab.training import (
    REPORTED_SPLIT,
    confirm_same_predictions,
    encode_customers,
    in_test_side,
    metrics_documents,
    result_tables,
    tracker_row,
    train_churn_model,
    training_customers,
)
from sparklab.tuning import SCORE_COLUMNS, CrossValidation, best_combination, deepest, proposals, score_rows, tune

ARGUMENTS = {
    **{"dataset": dataset, "models": gcs_uri, "metrics": gcs_uri, "search": search, "trials": count, "minutes": count},
    **{"folds": count, "splits": count, "test_share": share, "partitions": count},
    **{"pipeline_id": run_id, "model_version": model_version, "execution_time": timestamp},
}


def main() -> None:
    args = read_arguments(__doc__, **ARGUMENTS)
    spark = start_session("churn_tuning")
    model_uri = f"{args.models}/{args.model_version}"
    metrics_uri = f"{args.metrics}/{args.model_version}"

    customers = read_rows(spark, f"{args.dataset}.training_data", pipeline_id=args.pipeline_id).cache()
    _, encoded = encode_customers(training_customers(customers, args.partitions))
    # The customers on whom the chosen model is measured in the end have no part in choosing it.
    rest = encoded.where(~in_test_side(REPORTED_SPLIT, args.test_share))
    validation = CrossValidation(rest, args.folds, deepest(args.search))
    found = proposals(args.search, args.trials)
    scores = tune(validation.score, found, seconds=args.minutes * 60, clock=time.monotonic)
    chosen = best_combination(scores)
    print(f"{len(scores)} scores of {len(scores) // args.folds} combinations; chosen: {chosen}")

    sizes = {"splits": args.splits, "test_share": args.test_share, "partitions": args.partitions}
    training = train_churn_model(customers, **sizes, settings=chosen.forest(), operation="hyperparameter-tuning")
    tables = result_tables(training, args.lineage)
    tables["tuning_scores"] = contract(
        spark.createDataFrame(score_rows(scores), SCORE_COLUMNS).coalesce(1), "tuning_scores", args.lineage
    )
    for table, rows in tables.items():
        write_rows_once(rows, f"{args.dataset}.{table}", args.lineage)
    confirm_same_predictions(training.model, save_model(training.model, model_uri), training.test_customers)
    for extent, document in metrics_documents(training, args.lineage).items():
        write_json(spark, f"{metrics_uri}/{extent}/metrics.json", document)
    # Last, so that a model which the tracker names is complete.
    tracked = tracker_row(training, args.dataset, model_uri, f"{metrics_uri}/subset/metrics.json", args.lineage)
    write_rows_once(tracked, f"{args.dataset}.model_asset_tracker", args.lineage)


if __name__ == "__main__":
    main()
