"""Engineers data, step 3: types the columns and adds the tenure's band."""

from sparklab.args import dataset, gcs_uri, read_arguments, run_id, timestamp
from sparklab.engineering import type_columns
from sparklab.io import read_rows, write_rows_once
from sparklab.quality import customer_expectations, expect
from sparklab.schemas import contract
from sparklab.spark import start_session


def main() -> None:
    args = read_arguments(__doc__, dataset=dataset, staging=gcs_uri, pipeline_id=run_id, execution_time=timestamp)
    spark = start_session("churn_data_step_3")

    rows = read_rows(spark, f"{args.dataset}.training_data_step_2", pipeline_id=args.pipeline_id)
    typed = contract(type_columns(rows), "training_data_step_3", args.lineage)
    expect(typed.cache(), "training_data_step_3", customer_expectations())
    write_rows_once(typed, f"{args.dataset}.training_data_step_3", args.lineage, args.staging)


if __name__ == "__main__":
    main()
