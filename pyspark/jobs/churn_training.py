"""Trains the churn model, measures it on held-out customers, saves it and enters it into the model asset tracker."""

from sparklab.args import count, dataset, gcs_uri, model_version, read_arguments, run_id, share, timestamp
from sparklab.io import read_rows
from sparklab.model_records import record_training
from sparklab.quality import customer_expectations, expect
from sparklab.spark import start_session
from sparklab.training import train_churn_model


def main() -> None:
    args = read_arguments(
        __doc__,
        dataset=dataset,
        staging=gcs_uri,
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
    customers = read_rows(spark, f"{args.dataset}.training_data", pipeline_id=args.pipeline_id).cache()
    expect(customers, "training_data", customer_expectations())
    training = train_churn_model(customers, splits=args.splits, test_share=args.test_share, partitions=args.partitions)
    record_training(spark, training, args)


if __name__ == "__main__":
    main()
