"""Experiments and metadata of google-cloud-aiplatform, unmodified.

Usage: python experiments.py SPECS BUCKET ACCOUNT
"""

import sys
from pathlib import Path

from google.cloud import aiplatform, storage

specs, bucket, account = sys.argv[1:]


def logs_runs() -> None:
    for name, depth, area in (("first", 4, 0.61), ("second", 6, 0.66)):
        aiplatform.start_run(name)
        aiplatform.log_params({"depth": depth})
        aiplatform.log_metrics({"area_prc": area})
        aiplatform.end_run()
    runs = aiplatform.ExperimentRun.list(experiment="churn")
    found = {run.name: (run.get_params(), run.get_metrics(), run.get_state()) for run in runs}
    assert found == {
        "first": ({"depth": 4.0}, {"area_prc": 0.61}, "COMPLETE"),
        "second": ({"depth": 6.0}, {"area_prc": 0.66}, "COMPLETE"),
    }, found


def tracks_a_pipeline() -> None:
    storage.Client().bucket(bucket).blob("given.txt").upload_from_string("given")
    job = aiplatform.PipelineJob(
        display_name="tracked",
        template_path=str(Path(specs) / "files.json"),
        job_id="tracked",
        pipeline_root=f"gs://{bucket}/root",
        parameter_values={"text": "a b", "uri": f"gs://{bucket}/given.txt"},
        enable_caching=False,
    )
    job.submit(service_account=account, experiment="churn")
    job.wait()
    context = job._get_context()
    assert context.parent_contexts, context
    parents = list(context.parent_contexts)
    assert aiplatform.Experiment("churn").resource_name in parents, parents
    (run,) = aiplatform.Execution.list(filter=f'in_context("{context.resource_name}") AND schema_title="system.Run"')
    assert run.metadata["input:text"] == "a b"


def follows_lineage() -> None:
    (artifact,) = aiplatform.Artifact.list(filter='schema_title="system.Dataset" AND display_name="file"')
    assert artifact.metadata == {"words": 2.0}
    graph = artifact.api_client.query_artifact_lineage_subgraph(artifact=artifact.resource_name)
    assert sorted(execution.display_name for execution in graph.executions) == ["read", "write"]
    assert sorted(event.type_.name for event in graph.events if event.artifact == artifact.resource_name) == [
        "INPUT",
        "OUTPUT",
    ]


aiplatform.init(project="sparklab-local", location="us-central1", experiment="churn", experiment_tensorboard=False)
for check in (logs_runs, tracks_a_pipeline, follows_lineage):
    check()
    print(check.__name__, flush=True)
