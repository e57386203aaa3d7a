"""Engineers data, step 1: names the columns of the customers' file and turns blank cells into nulls."""

from sparklab.args import dataset, gcs_uri, read_arguments, run_id, timestamp
from sparklab.engineering import name_columns
from sparklab.io import read_csv, write_rows_once
from sparklab.quality import expect, source_expectations
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(
        __doc__, customers=gcs_uri, dataset=dataset, staging=gcs_uri, pipeline_id=run_id, execution_time=timestamp
    )
    spark = start_session("churn_data_step_1")

    source = expect(read_csv(spark, args.customers).cache(), args.customers, source_expectations(), key="customerID")
    write_rows_once(name_columns(source), f"{args.dataset}.training_data_step_1", args.lineage, args.staging)


if __name__ == "__main__":
    main()
