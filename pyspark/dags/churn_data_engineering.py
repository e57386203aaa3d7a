"""Makes the training data from the customers' file in three steps, each a batch that writes a table of its own."""

from datetime import timedelta

from airflow.sdk import DAG, chain

from catalogue_batch import catalogue_batch

STEPS = ("churn_data_step_1", "churn_data_step_2", "churn_data_step_3")

with DAG(
    dag_id="churn_data_engineering",
    description="From the customers' file to typed training data, in three steps",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["churn"],
):
    chain(*(catalogue_batch(step) for step in STEPS))
