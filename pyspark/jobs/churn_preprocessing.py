"""Cleans the customers' file into training_data and holds some customers out of training for batch scoring."""

from sparklab.args import count, dataset, gcs_uri, read_arguments, run_id, timestamp
from sparklab.io import hash_file, read_csv, write_rows_once
from sparklab.preprocessing import clean_customers, hold_out_customers, scoring_candidates, summarise_customers
from sparklab.quality import customer_expectations, expect, source_expectations
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(
        __doc__,
        customers=gcs_uri,
        dataset=dataset,
        staging=gcs_uri,
        scoring_customers=count,
        pipeline_id=run_id,
        execution_time=timestamp,
    )
    spark = start_session("churn_preprocessing")

    source = read_csv(spark, args.customers).cache()
    expect(source, args.customers, source_expectations(), key="customerID")
    clean = expect(clean_customers(source).cache(), "the clean customers", customer_expectations())
    customers = hold_out_customers(clean, args.scoring_customers).cache()
    print(f"{source.count():,} rows read; {summarise_customers(customers)}")

    lineage = args.lineage | {"data_hash": hash_file(spark, args.customers)}
    write_rows_once(customers, f"{args.dataset}.training_data", lineage, args.staging)
    candidates = scoring_candidates(customers)
    write_rows_once(candidates, f"{args.dataset}.batch_scoring_candidates", lineage, args.staging)


if __name__ == "__main__":
    main()
