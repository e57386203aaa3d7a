"""What pipelines are built of: catalogue jobs as batches, imported files, deployed versions."""

from collections.abc import Mapping
from dataclasses import dataclass

from answering import deploy
from google_cloud_pipeline_components.v1.dataproc import DataprocPySparkBatchOp
from kfp import dsl

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


@dsl.pipeline(name="deployed-version")
def deployed_version(endpoint: str, model: str, service_account: str) -> None:
    """Deploy a registered version; without an endpoint there is nothing to do."""
    with dsl.If(endpoint != "", name="Has an endpoint"):
        step(deploy(endpoint=endpoint, model=model, service_account=service_account), "Deploy")
