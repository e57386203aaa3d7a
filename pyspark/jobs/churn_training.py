"""Trains the churn model, measures it on held-out customers, saves it and enters it into the model asset tracker."""

from sparklab.args import count, dataset, gcs_uri, model_version, read_arguments, run_id, share, timestamp
from sparklab.io import read_rows, save_model, write_json, write_rows_once
from sparklab.spark import start_session
from sparklab.training import confirm_same_predictions, metrics_documents, result_tables, tracker_row, train_churn_model


def main() -> None:
    args = read_arguments(
        __doc__,
        dataset=dataset,
        models=gcs_uri,
        metrics=gcs_uri,
        splits=count,
        test_share=share,
        partitions=count,
        pipeline_id=run_id,
        model_version=model_version,
        execution_time=timestamp,
    )
    spark = start_session("churn_training")
    model_uri = f"{args.models}/{args.model_version}"
    metrics_uri = f"{args.metrics}/{args.model_version}"

    customers = read_rows(spark, f"{args.dataset}.training_data", pipeline_id=args.pipeline_id)
    training = train_churn_model(customers, splits=args.splits, test_share=args.test_share, partitions=args.partitions)
    for table, rows in result_tables(training, args.lineage).items():
        write_rows_once(rows, f"{args.dataset}.{table}", args.lineage)
    confirm_same_predictions(training.model, save_model(training.model, model_uri), training.test_customers)
    for extent, document in metrics_documents(training, args.lineage).items():
        write_json(spark, f"{metrics_uri}/{extent}/metrics.json", document)
    # Last, so that a model which the tracker names is complete.
    tracked = tracker_row(training, args.dataset, model_uri, f"{metrics_uri}/subset/metrics.json", args.lineage)
    write_rows_once(tracked, f"{args.dataset}.model_asset_tracker", args.lineage)


if __name__ == "__main__":
    main()
