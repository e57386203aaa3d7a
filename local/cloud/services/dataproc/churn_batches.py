"""Runs the job catalogue as batches with Google's own Python clients, led to the cloud by the environment alone.

Makes what the jobs need (buckets, objects, data set, tables, service account), submits each job in its order, and
prints one JSON document: each batch's state, seconds and usage, and the rows of each table.

Usage: churn_batches.py REPOSITORY CUSTOMERS.csv PIPELINE_ID
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import google.auth
import yaml
from client_accounts import make_account
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery, dataproc_v1, storage

REGION = "us-central1"
ROLES = ("raw", "code", "models", "metrics", "bundles", "staging")

# What the jobs do: read and write objects, tables through the Storage API, and by jobs.
ACCOUNT_ROLES = ("dataproc.worker", "bigquery.dataEditor", "bigquery.jobUser", "bigquery.readSessionUser")


def main(repository: Path, customers: Path, pipeline_id: str) -> None:
    credentials, project = google.auth.default()
    sources = repository / "pyspark"
    buckets = {role: f"{project}-{role}" for role in ROLES}
    dataset = f"{project}.churn_batches"
    upload(storage.Client(), buckets, sources, customers)
    warehouse = bigquery.Client()
    tables = make_tables(warehouse, dataset, sources / "tables")
    account = make_account(AuthorizedSession(credentials), project, "churn-batches", ACCOUNT_ROLES)
    settings = {f"{role}_bucket": bucket for role, bucket in buckets.items()} | {
        "project": project,
        "region": REGION,
        "dataset": dataset,
        "pipeline_id": pipeline_id,
        "model_version": f"{pipeline_id}-v1",
        "execution_time": "2026-11-21T09:00:00Z",
    }
    catalogue = yaml.safe_load((sources / "jobs.yaml").read_text(encoding="utf-8"))["jobs"]
    training = {name: job for name, job in catalogue.items() if job["pipeline"] == "churn_training"}
    batches = {name: run(name, job, settings, account) for name, job in training.items()}
    counted = {table: warehouse.get_table(f"{dataset}.{table}").num_rows for table in tables}
    print(json.dumps({"batches": batches, "rows": counted, "metrics": metrics(warehouse, dataset)}))


def upload(client: storage.Client, buckets: dict[str, str], sources: Path, customers: Path) -> None:
    made = {role: client.create_bucket(name, location=REGION) for role, name in buckets.items()}
    made["raw"].blob("telco_customer_churn.csv").upload_from_filename(customers)
    for job in (sources / "jobs").glob("*.py"):
        made["code"].blob(f"jobs/{job.name}").upload_from_filename(job)
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        for module in (sources / "src" / "sparklab").glob("*.py"):
            archive.write(module, f"sparklab/{module.name}")
        for table in (sources / "tables").glob("*.json"):
            archive.write(table, f"sparklab/tables/{table.name}")
    made["code"].blob("sparklab.zip").upload_from_string(package.getvalue(), "application/zip")


def make_tables(client: bigquery.Client, dataset: str, schemas: Path) -> list[str]:
    made = bigquery.Dataset(dataset)
    made.location = REGION
    client.create_dataset(made)
    for schema in schemas.glob("*.json"):
        client.create_table(bigquery.Table(f"{dataset}.{schema.stem}", client.schema_from_json(schema)))
    return sorted(schema.stem for schema in schemas.glob("*.json"))


def run(name: str, job: dict, settings: dict[str, str], account: str) -> dict[str, object]:
    client = dataproc_v1.BatchControllerClient(
        client_options={"api_endpoint": f"{REGION}-dataproc.googleapis.com"}
    )
    code = f"gs://{settings['project']}-code"
    filled = [text for flag, value in job["arguments"].items() for text in (flag, value.format(**settings))]
    operation = client.create_batch(
        parent=f"projects/{settings['project']}/locations/{REGION}",
        batch_id=f"{name}-{settings['pipeline_id']}".replace("_", "-"),
        batch=dataproc_v1.Batch(
            pyspark_batch=dataproc_v1.PySparkBatch(
                main_python_file_uri=f"{code}/{job['main']}",
                python_file_uris=[f"{code}/sparklab.zip"],
                args=filled,
            ),
            runtime_config=dataproc_v1.RuntimeConfig(version="2.3", properties=job["properties"]),
            environment_config=dataproc_v1.EnvironmentConfig(
                execution_config=dataproc_v1.ExecutionConfig(
                    service_account=account, staging_bucket=settings["staging_bucket"]
                )
            ),
        ),
    )
    batch = operation.result(timeout=900)
    return {
        "state": batch.state.name,
        "seconds": round((batch.state_time - batch.create_time).total_seconds(), 1),
        "milliDcuSeconds": batch.runtime_info.approximate_usage.milli_dcu_seconds,
        "history": [left.state.name for left in batch.state_history],
    }


def metrics(client: bigquery.Client, dataset: str) -> dict[str, float]:
    rows = client.query_and_wait(f"SELECT metric_nm, metric_value FROM `{dataset}.model_metrics`")
    return {row["metric_nm"]: row["metric_value"] for row in rows}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
