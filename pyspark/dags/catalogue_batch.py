"""What DAGs are built of: jobs of the catalogue (jobs.yaml) as batches of managed Spark.

No value stands here. A job's text comes from the catalogue; what belongs to the lab comes, when a task runs, from the
Airflow variable `sparklab`, which whoever made the environment has set; what belongs to the run comes from the run.
"""

import re
from pathlib import Path

import yaml
from airflow.providers.google.cloud.operators.dataproc import DataprocCreateBatchOperator

# Beside this file in an environment's bucket, above it in the repository.
_PLACES = [folder / "jobs.yaml" for folder in Path(__file__).parents[:2]]
JOBS = yaml.safe_load(next(file for file in _PLACES if file.is_file()).read_text())["jobs"]

# A run's id to the microsecond: a repeated task of the run finds its own batch, and no other run has one of that id.
PIPELINE_ID = "{{ dag_run.run_after.strftime('%Y%m%d-%H%M%S-%f') }}"
_OF_THE_RUN = {"pipeline_id": PIPELINE_ID, "execution_time": "{{ dag_run.run_after.isoformat() }}"}


def lab(path: str) -> str:
    """Name a value of the lab, as a template."""
    return f"{{{{ var.json.sparklab.{path} }}}}"


def lab_option(path: str) -> str:
    """Name a value of a part of the lab that may be off, as a template: without it an empty field."""
    value = "var.json.sparklab"
    for name in path.split("."):
        value = f"({value}.{name} | default({{}}))"
    return f"{{{{ {value} or '' }}}}"


def catalogue_batch(name: str, **settings: str) -> DataprocCreateBatchOperator:
    """Run a job as a batch; `settings` go before those of the run and of the lab."""
    job, given = JOBS[name], _OF_THE_RUN | settings
    arguments = {
        flag: re.sub(r"\{(\w+)\}", lambda found: given.get(found[1], lab(f"jobs.{found[1]}")), text)
        for flag, text in job["arguments"].items()
    }
    return DataprocCreateBatchOperator(
        task_id=name,
        doc=job["description"],
        project_id=lab("project"),
        region=lab("region"),
        batch_id=f"{name.replace('_', '-')}-{PIPELINE_ID}",
        batch={
            "labels": {"job": name.replace("_", "-"), "environment": lab("environment")},
            "pyspark_batch": {
                "main_python_file_uri": f"{lab('code')}/{job['main']}",
                "python_file_uris": [f"{lab('code')}/sparklab.zip"],
                "args": [part for pair in arguments.items() for part in pair],
            },
            "runtime_config": {
                "version": lab("batch.runtimeConfig.version"),
                "container_image": lab_option("batch.runtimeConfig.containerImage"),
                "properties": dict(job["properties"]),
            },
            "environment_config": _ENVIRONMENT,
        },
    )


_EXECUTION = "batch.environmentConfig.executionConfig"
_PERIPHERALS = "batch.environmentConfig.peripheralsConfig"
_ENVIRONMENT = {
    "execution_config": {
        "service_account": lab(f"{_EXECUTION}.serviceAccount"),
        "staging_bucket": lab(f"{_EXECUTION}.stagingBucket"),
        "subnetwork_uri": lab_option(f"{_EXECUTION}.subnetworkUri"),
        "authentication_config": {
            "user_workload_authentication_type": lab(
                f"{_EXECUTION}.authenticationConfig.userWorkloadAuthenticationType"
            )
        },
    },
    "peripherals_config": {
        "metastore_service": lab_option(f"{_PERIPHERALS}.metastoreService"),
        "spark_history_server_config": {
            "dataproc_cluster": lab_option(f"{_PERIPHERALS}.sparkHistoryServerConfig.dataprocCluster")
        },
    },
}
