"""Engineers data, step 2: keeps complete customers and says No where a service follows from another column."""

from sparklab.args import dataset, read_arguments, run_id, timestamp
from sparklab.engineering import drop_incomplete
from sparklab.io import read_rows, write_rows_once
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(__doc__, dataset=dataset, pipeline_id=run_id, execution_time=timestamp)
    spark = start_session("churn_data_step_2")

    rows = read_rows(spark, f"{args.dataset}.training_data_step_1", pipeline_id=args.pipeline_id)
    write_rows_once(drop_incomplete(rows), f"{args.dataset}.training_data_step_2", args.lineage)


if __name__ == "__main__":
    main()
