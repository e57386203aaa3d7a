"""PipelineJob of google-cloud-aiplatform, unmodified, by gRPC and by REST.

Usage: python pipeline_job.py SPECS BUCKET ACCOUNT FOLDER
"""

import contextlib
import sys
from pathlib import Path

from google.api_core.exceptions import AlreadyExists
from google.cloud import aiplatform

specs, bucket, account, folder = sys.argv[1:]


def job(name: str, job_id: str, values: dict) -> aiplatform.PipelineJob:
    return aiplatform.PipelineJob(
        display_name=f"display {job_id}",
        template_path=str(Path(specs) / f"{name}.json"),
        job_id=job_id,
        pipeline_root=f"gs://{bucket}/root",
        parameter_values=values,
        enable_caching=False,
        labels={"made-by": "client"},
    )


def submits_and_waits() -> None:
    run = job("values", "by-client", {"name": "client", "threshold": 100.0})
    run.submit(service_account=account)
    run.wait()
    assert run.state.name == "PIPELINE_STATE_SUCCEEDED", run.state
    details = {detail.task_name: detail for detail in run.task_details}
    assert details["add"].state.name == "SUCCEEDED"
    assert details["add"].execution.metadata["output:Output"] == 3.5
    assert details["Enough"].state.name == "NOT_TRIGGERED"
    assert details["add"].parent_task_id == details["values"].task_id


def takes_the_id_once() -> None:
    try:
        job("values", "by-client", {}).submit(service_account=account)
    except AlreadyExists as error:
        assert error.code == 409
    else:
        raise AssertionError("a second job of the same id was made")


def finds_it_again() -> None:
    found = aiplatform.PipelineJob.list(filter='display_name="display by-client"')
    assert [run.name for run in found] == ["by-client"]
    assert aiplatform.PipelineJob.get("by-client").labels == {"made-by": "client"}


def cancels_and_deletes() -> None:
    run = job("waiting", "stopped", {"first": f"{folder}/none", "second": f"{folder}/none"})
    run.submit(service_account=account)
    run.cancel()
    with contextlib.suppress(RuntimeError):
        run.wait()
    assert run.state.name == "PIPELINE_STATE_CANCELLED", run.state
    run.delete()
    assert aiplatform.PipelineJob.list(filter='display_name="display stopped"') == []


aiplatform.init(project="sparklab-local", location="us-central1")
for check in (submits_and_waits, takes_the_id_once, finds_it_again, cancels_and_deletes):
    check()
    print(check.__name__, flush=True)
aiplatform.init(project="sparklab-local", location="us-central1", api_transport="rest")
finds_it_again()
print("finds_it_again_by_rest")
