"""Makes what the churn training pipeline needs: the lab of the batches' test, and the compiled pipeline in a bucket.

Usage: python churn_lab.py REPOSITORY CUSTOMERS.csv
Prints the pipeline's parameters as JSON.
"""

import json
import sys
from pathlib import Path

repository, customers = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(repository / "local" / "cloud" / "services" / "dataproc"))

import churn_batches as lab  # noqa: E402
import google.auth  # noqa: E402
from google.auth.transport.requests import AuthorizedSession  # noqa: E402
from google.cloud import bigquery, storage  # noqa: E402

credentials, project = google.auth.default()
sources = repository / "pyspark"
buckets = {role: f"{project}-{role}" for role in lab.ROLES}
lab.upload(storage.Client(), buckets, sources, customers)
lab.make_tables(bigquery.Client(), f"{project}.churn_pipeline", sources / "tables")
account = lab.make_account(AuthorizedSession(credentials), project)
pipelines = storage.Client().create_bucket(f"{project}-pipelines", location=lab.REGION)
spec = sources / "pipelines" / "churn_training.json"
pipelines.blob("specs/churn_training.json").upload_from_filename(spec)
parameters = {f"{role}_bucket": bucket for role, bucket in buckets.items()} | {
    "region": lab.REGION,
    "code": f"gs://{buckets['code']}",
    "dataset": f"{project}.churn_pipeline",
    "experiment": "lab-churn",
    "spark_runtime": "2.3",
    "spark_service_account": account,
    "serving_image": "us-central1-docker.pkg.dev/sparklab-local/lab/scoring-api:1",
}
print(json.dumps({"account": account, "parameters": parameters}))
