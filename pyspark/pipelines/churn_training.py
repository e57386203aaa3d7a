"""The churn training pipeline: clean, register and train, evaluate, tune what is good enough, export it, register it,
and let it answer online if it beats the champion.

Spark steps are the jobs of the catalogue (jobs.yaml), run as batches by Google's own component. Compiled to
churn_training.json, which is what is uploaded and submitted: `python pyspark/pipelines/churn_training.py`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from answering import follow_champion, promote
from evaluation import evaluate_model
from google_cloud_pipeline_components.v1.dataset import TabularDatasetCreateOp
from judgement import better_model, champion_or_challenger, only_model
from kfp import compiler, dsl
from registration import join_experiment, register_version
from steps import Spark, deployed_version, imported_file, step

from sparklab.catalogue import read_catalogue

HERE = Path(__file__).parent
CATALOGUE = read_catalogue(HERE.parent / "jobs.yaml")
COMPILED = HERE / "churn_training.json"
MODELS = "customer-churn-model"


@dsl.pipeline(name="churn-training", description="Trains, measures, tunes and registers the churn model")
def churn_training(
    region: str,
    code: str,
    dataset: str,
    raw_bucket: str,
    models_bucket: str,
    metrics_bucket: str,
    bundles_bucket: str,
    staging_bucket: str,
    spark_runtime: str,
    spark_service_account: str,
    experiment: str,
    pipeline_id: str,
    model_version: str,
    execution_time: str,
    threshold: float = 0.5,
    tuning_search: str = "",
    serving_image: str = "",
    serving_account: str = "",
    deploy_to: str = "",
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
        bundles_bucket: Bucket of exported models and of the pointer to the champion.
        staging_bucket: Bucket for what Spark and its connectors store in between.
        spark_runtime: Version of the Spark runtime.
        spark_service_account: Account that the batches run as.
        experiment: Name of the experiment that the run belongs to, and of the model in the registry.
        pipeline_id: Id of the run; batch ids end with it, so that a repeated run finds its own batches.
        model_version: Version of the model that is trained.
        execution_time: Time of the run with its zone.
        threshold: Least area under the precision-recall curve of a model that goes on.
        tuning_search: How the forest's settings are searched for; without it they are not.
        serving_image: Container image that serves the model; without one no model is registered.
        serving_account: Account that a deployed model runs as; it reads the model's bundle.
        deploy_to: Resource name of the endpoint that serves the champion; without one it is not deployed.
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
        "bundles_bucket": str(bundles_bucket),
        "staging_bucket": str(staging_bucket),
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
    job = dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER
    step(join_experiment(experiment=experiment, pipeline_job=job), "Join the experiment")

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
    measured = f"gs://{metrics_bucket}/{MODELS}/training/{model_version}/full/metrics.json"
    metrics = step(imported_file(uri=measured), "Metrics", training)
    evaluation = step(evaluate_model(metrics=metrics.output), "Evaluate the model")
    trained = {"version": model_version, "area": evaluation.outputs["Output"]}

    with dsl.If(evaluation.outputs["Output"] >= threshold, name="Good enough"):
        with dsl.If(tuning_search != "", name="To be tuned"):
            tuning = spark.batch(CATALOGUE.jobs["churn_tuning"])
            tuned_version = f"{model_version}-tuned"
            measured = f"gs://{metrics_bucket}/{MODELS}/hyperparameter-tuning/{tuned_version}/full/metrics.json"
            metrics = step(imported_file(uri=measured), "Metrics of the tuned model", tuning)
            tuned = step(evaluate_model(metrics=metrics.output, prefix="tuned_"), "Evaluate the tuned model")
            better = better_model(**trained, tuned_version=tuned_version, tuned_area=tuned.outputs["Output"])
            step(better, "Better model")
        with dsl.Else(name="Not to be tuned"):
            only = step(only_model(**trained), "Only model")
        offered = {name: dsl.OneOf(better.outputs[name], only.outputs[name]) for name in ("version", "area")}

        folder = f"gs://{bundles_bucket}/{MODELS}"
        champion = step(imported_file(uri=f"{folder}/champion.json"), "Champion")
        verdict = champion_or_challenger(**offered, champion=champion.output)
        step(verdict, "Champion or challenger")
        version, area = str(verdict.outputs["version"]), str(verdict.outputs["area"])
        export = spark.batch(CATALOGUE.jobs["churn_export"], model_version=version)

        promotion = {
            **{name: verdict.outputs[name] for name in ("version", "area", "rival")},
            **{"folder": folder, "pipeline_id": pipeline_id, "pipeline_job": job},
            "set_at": dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER,
        }
        with dsl.If(serving_image != "", name="Has an image"):
            registered = register_version(
                model_id=experiment,
                version=verdict.outputs["version"],
                artifacts=f"{folder}/{version}",
                image=serving_image,
                measured=f"AUPR {area}. {verdict.outputs['reason']}",
                pipeline_job=job,
            )
            step(registered, "Register the version", export)
            serving = {"endpoint": deploy_to, "service_account": serving_account}
            model = registered.outputs["Output"]
            # What cannot be deployed is not promoted; what is promoted decides who gets the traffic.
            with dsl.If(verdict.outputs["role"] == "champion", name="New champion"):
                deployed = step(deployed_version(**serving, model=model), "Deploy to the endpoint")
                step(promote(**promotion, **serving, model=model), "Promote", deployed)
            with dsl.Else(name="No new champion"), dsl.If(deploy_to != "", name="Has an endpoint"):
                step(follow_champion(folder=folder, **serving), "Follow the champion")
        with dsl.Else(name="Has no image"), dsl.If(verdict.outputs["role"] == "champion", name="New champion alone"):
            step(promote(**promotion), "Promote without a registry", export)


if __name__ == "__main__":
    compiler.Compiler().compile(churn_training, str(COMPILED))
