"""One batch through Google's Python clients, led to the cloud by the environment alone.

Usage: one_batch.py submit BATCH_ID [SCRIPT.py]   uploads the script, if one is given, and submits it
       one_batch.py wait BATCH_ID                 waits for the batch's end; prints it as JSON, with its driver's output
       one_batch.py output BATCH_ID               prints the driver's output so far
"""

from __future__ import annotations

import json
import sys
import time

import google.auth
from client_accounts import make_account
from google.auth.transport.requests import AuthorizedSession
from google.cloud import dataproc_v1, storage

REGION = "us-central1"
CREDENTIALS, PROJECT = google.auth.default()
BUCKET = f"{PROJECT}-one-batch"
CLIENT = dataproc_v1.BatchControllerClient(client_options={"api_endpoint": f"{REGION}-dataproc.googleapis.com"})


def main(command: str, batch_id: str, *rest: str) -> None:
    commands = {"submit": submit, "wait": wait, "output": lambda name: print(output(name))}
    commands[command](batch_id, *rest)


def submit(batch_id: str, *script: str) -> None:
    bucket = storage.Client().lookup_bucket(BUCKET) or storage.Client().create_bucket(BUCKET, location=REGION)
    for file in script:
        bucket.blob(f"{batch_id}.py").upload_from_filename(file)
    account = make_account(AuthorizedSession(CREDENTIALS), PROJECT, "one-batch", ("dataproc.worker",))
    CLIENT.create_batch(
        parent=f"projects/{PROJECT}/regions/{REGION}",
        batch_id=batch_id,
        batch=dataproc_v1.Batch(
            pyspark_batch=dataproc_v1.PySparkBatch(
                main_python_file_uri=f"gs://{BUCKET}/{batch_id}.py", args=[f"gs://{BUCKET}/{batch_id}"]
            ),
            environment_config=dataproc_v1.EnvironmentConfig(
                execution_config=dataproc_v1.ExecutionConfig(service_account=account, staging_bucket=BUCKET)
            ),
        ),
    )


def wait(batch_id: str) -> None:
    while (batch := get(batch_id)).state.name in ("PENDING", "RUNNING", "CANCELLING"):
        time.sleep(0.5)
    shown = {"state": batch.state.name, "message": batch.state_message, "output": output(batch_id)}
    print(json.dumps(shown | {"history": [left.state.name for left in batch.state_history]}))


def output(batch_id: str) -> str:
    _, _, path = get(batch_id).runtime_info.output_uri.partition(f"{BUCKET}/")
    if not path:
        return ""
    parts = storage.Client().list_blobs(BUCKET, prefix=path)
    return "".join(part.download_as_text() for part in parts)


def get(batch_id: str) -> dataproc_v1.Batch:
    return CLIENT.get_batch(name=f"projects/{PROJECT}/locations/{REGION}/batches/{batch_id}")


if __name__ == "__main__":
    main(*sys.argv[1:])
