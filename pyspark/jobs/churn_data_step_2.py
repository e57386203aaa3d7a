"""Engineers data, step 2: keeps complete customers and says No where a service follows from another column."""

from sparklab.args import dataset, gcs_uri, read_arguments, run_id, timestamp
from sparklab.engineering import drop_incomplete
from sparklab.io import read_rows, write_rows_once
from sparklab.quality import expect, filled_expectations
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(__doc__, dataset=dataset, staging=gcs_uri, pipeline_id=run_id, execution_time=timestamp)
    spark = start_session("churn_data_step_2")

    rows = read_rows(spark, f"{args.dataset}.training_data_step_1", pipeline_id=args.pipeline_id)
    complete = expect(drop_incomplete(rows).cache(), "training_data_step_2", filled_expectations())
    write_rows_once(complete, f"{args.dataset}.training_data_step_2", args.lineage, args.staging)


if __name__ == "__main__":
    main()
