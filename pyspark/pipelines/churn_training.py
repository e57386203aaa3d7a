"""The churn training pipeline: clean, register and train, evaluate, and register the model if it is good enough.

Spark steps are the jobs of the catalogue (jobs.yaml), run as batches by Google's own component. Compiled to
churn_training.json, which is what is uploaded and submitted: `python pyspark/pipelines/churn_training.py`.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from evaluation import evaluate_model  # noqa: E402
from google_cloud_pipeline_components.v1.dataset import TabularDatasetCreateOp  # noqa: E402
from kfp import compiler, dsl  # noqa: E402
from steps import Spark, imported_file, registered_model, step  # noqa: E402

from sparklab.catalogue import read_catalogue  # noqa: E402

CATALOGUE = read_catalogue(HERE.parent / "jobs.yaml")
COMPILED = HERE / "churn_training.json"


@dsl.pipeline(name="churn-training", description="Trains, measures and registers the churn model")
def churn_training(
    region: str,
    code: str,
    dataset: str,
    raw_bucket: str,
    models_bucket: str,
    metrics_bucket: str,
    spark_runtime: str,
    spark_service_account: str,
    pipeline_id: str,
    model_version: str,
    execution_time: str,
    threshold: float = 0.5,
    tuning_search: str = "",
    serving_image: str = "",
    spark_image: str = "",
    subnetwork: str = "",
    metastore: str = "",
    history_server: str = "",
) -> None:
    """Wire the steps.

    Args:
        region: Where batches run and resources are registered.
        code: Folder of the jobs' code, gs://bucket/prefix.
        dataset: BigQuery data set with its project.
        raw_bucket: Bucket of the customers' file.
        models_bucket: Bucket of trained models.
        metrics_bucket: Bucket of metrics as JSON.
        spark_runtime: Version of the Spark runtime.
        spark_service_account: Account that the batches run as.
        pipeline_id: Id of the run; batch ids end with it, so that a repeated run finds its own batches.
        model_version: Version of the model that is trained.
        execution_time: Time of the run with its zone.
        threshold: Least area under the precision-recall curve of a model that goes on.
        tuning_search: How the forest's settings are searched for; without it they are not.
        serving_image: Container image that serves the model; without one no model is registered.
        spark_image: Container image of the batches, over the runtime's own.
        subnetwork: Subnetwork that the batches run in.
        metastore: Resource name of the batches' metastore.
        history_server: Resource name of the cluster that shows the batches' histories.
    """
    settings = {
        "dataset": str(dataset),
        "raw_bucket": str(raw_bucket),
        "models_bucket": str(models_bucket),
        "metrics_bucket": str(metrics_bucket),
        "pipeline_id": str(pipeline_id),
        "model_version": str(model_version),
        "execution_time": str(execution_time),
        "tuning_search": str(tuning_search),
    }

    spark = Spark(
        region=region,
        code=code,
        settings=settings,
        batch_options={
            "runtime_config_version": spark_runtime,
            "service_account": spark_service_account,
            "container_image": spark_image,
            "subnetwork_uri": subnetwork,
            "metastore_service": metastore,
            "spark_history_dataproc_cluster": history_server,
        },
    )

    preprocessing = spark.batch(CATALOGUE.jobs["churn_preprocessing"])
    step(
        TabularDatasetCreateOp(
            location=region,
            display_name=f"churn-{pipeline_id}",
            bq_source=f"bq://{dataset}.training_data",
        ),
        "Register the training data",
        preprocessing,
    )
    training = spark.batch(CATALOGUE.jobs["churn_training"], preprocessing)
    results = f"customer-churn-model/training/{model_version}"
    metrics = step(imported_file(uri=f"gs://{metrics_bucket}/{results}/full/metrics.json"), "Metrics", training)
    evaluation = step(evaluate_model(metrics=metrics.output), "Evaluate the model")
    with dsl.If(evaluation.outputs["Output"] >= threshold, name="Good enough"):
        with dsl.If(tuning_search != "", name="To be tuned"):
            spark.batch(CATALOGUE.jobs["churn_tuning"])
        with dsl.If(serving_image != "", name="Has an image"):
            model_uri = f"gs://{models_bucket}/{results}"
            step(
                registered_model(region=region, model_uri=model_uri, serving_image=serving_image), "Register the model"
            )


if __name__ == "__main__":
    compiler.Compiler().compile(churn_training, str(COMPILED))
