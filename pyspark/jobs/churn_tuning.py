"""Searches the forest's settings by cross-validation, trains with the best, and enters that model into the tracker."""

import time

from sparklab.args import count, dataset, gcs_uri, model_version, read_arguments, run_id, search, share, timestamp
from sparklab.io import read_rows
from sparklab.model_records import record_training
from sparklab.quality import customer_expectations, expect
from sparklab.schemas import contract
from sparklab.spark import start_session
from sparklab.training import (
    REPORTED_SPLIT,
    encode_customers,
    in_test_side,
    train_churn_model,
    training_customers,
)
from sparklab.tuning import SCORE_COLUMNS, CrossValidation, best_combination, deepest, proposals, score_rows, tune

ARGUMENTS = {
    **{"dataset": dataset, "models": gcs_uri, "metrics": gcs_uri, "search": search, "trials": count, "minutes": count},
    **{"staging": gcs_uri, "folds": count, "splits": count, "test_share": share, "partitions": count},
    **{"pipeline_id": run_id, "model_version": model_version, "execution_time": timestamp},
}


def main() -> None:
    args = read_arguments(__doc__, **ARGUMENTS)
    spark = start_session("churn_tuning")
    customers = read_rows(spark, f"{args.dataset}.training_data", pipeline_id=args.pipeline_id).cache()
    expect(customers, "training_data", customer_expectations())
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
    table = spark.createDataFrame(score_rows(scores), SCORE_COLUMNS).coalesce(1)
    record_training(spark, training, args, {"tuning_scores": contract(table, "tuning_scores", args.lineage)})


if __name__ == "__main__":
    main()
