"""What pipelines are built of: catalogue jobs as batches, imported files, deployed models."""

from collections.abc import Mapping
from dataclasses import dataclass

from google_cloud_pipeline_components.types import artifact_types
from google_cloud_pipeline_components.v1.dataproc import DataprocPySparkBatchOp
from google_cloud_pipeline_components.v1.endpoint import ModelDeployOp
from kfp import dsl
from registration import undeploy_replaced

from sparklab.catalogue import Job


@dataclass(frozen=True)
class Spark:
    """How a pipeline's batches run: pipeline parameters, and the settings that the jobs' arguments name."""

    region: str
    code: str
    settings: Mapping[str, str]
    batch_options: Mapping[str, str]

    def batch(self, job: Job, *after: dsl.PipelineTask, **settings: str) -> dsl.PipelineTask:
        """Add a job of the catalogue as a batch of the run; `settings` go before the pipeline's own."""
        task = DataprocPySparkBatchOp(
            location=self.region,
            batch_id=job.batch_id(self.settings["pipeline_id"]),
            labels={"job": job.name.replace("_", "-"), "pipeline-job": dsl.PIPELINE_JOB_NAME_PLACEHOLDER},
            main_python_file_uri=f"{self.code}/{job.main}",
            python_file_uris=[f"{self.code}/sparklab.zip"],
            args=job.command_arguments({**self.settings, **settings}),
            runtime_config_properties=dict(job.properties),
            **self.batch_options,
        )
        return step(task, job.name.replace("_", " ").capitalize(), *after)


def step(task: dsl.PipelineTask, title: str, *after: dsl.PipelineTask) -> dsl.PipelineTask:
    """Name a task for its reader; a repeat of a step is meant, so no earlier result is taken instead."""
    return task.set_display_name(title).set_caching_options(False).after(*after)


# An importer takes its URI from one input as it is; the parts of a pipeline below put it together before.
@dsl.pipeline(name="imported-file")
def imported_file(uri: str) -> dsl.Artifact:
    """Give an object that a batch wrote as an artifact."""
    file = dsl.importer(artifact_uri=uri, artifact_class=dsl.Artifact, reimport=True)
    return step(file, "Import").output


@dsl.pipeline(name="deployed-model")
def deployed_model(
    region: str, endpoint: str, service_account: str, model: dsl.Input[artifact_types.VertexModel]
) -> None:
    """Let a registered model take an endpoint's whole traffic by Google's own component; undeploy what it replaced."""
    place = dsl.importer(
        artifact_uri=f"https://{region}-aiplatform.googleapis.com/v1/{endpoint}",
        artifact_class=artifact_types.VertexEndpoint,
        reimport=True,
        metadata={"resourceName": endpoint},
    )
    deployment = ModelDeployOp(
        model=model,
        endpoint=step(place, "Import").output,
        deployed_model_display_name="churn",
        service_account=service_account,
        traffic_split={"0": "100"},
        dedicated_resources_machine_type="n1-standard-2",
        dedicated_resources_min_replica_count=1,
        dedicated_resources_max_replica_count=1,
    )
    step(deployment, "Deploy")
    step(undeploy_replaced(endpoint=endpoint), "Undeploy what was replaced", deployment)
