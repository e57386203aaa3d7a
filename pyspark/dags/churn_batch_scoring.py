"""Scores the customers that were held out of training with the champion, the model that answers online."""

from datetime import timedelta

from airflow.sdk import DAG

from catalogue_batch import catalogue_batch, lab
from tracked_champion import tracked_champion

with DAG(
    dag_id="churn_batch_scoring",
    description="The champion's predictions for the customers held out of training, as one batch",
    schedule=None,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["churn"],
):
    champion = tracked_champion(
        project=lab("project"), region=lab("region"), dataset=lab("jobs.dataset"), pointer=lab("champion")
    )
    champion >> catalogue_batch("churn_scoring", model_version="{{ ti.xcom_pull(task_ids='tracked_champion') }}")
