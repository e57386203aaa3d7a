"""The pipeline's steps that enter something: a run into its experiment, a version into the model registry.

They run in the image of Google's components, which has Google's clients. Each can be repeated: what an interrupted
attempt did is found and not done again.
"""

from google_cloud_pipeline_components import __version__ as components
from google_cloud_pipeline_components.types.artifact_types import VertexModel
from kfp import dsl

IMAGE = f"gcr.io/ml-pipeline/google-cloud-pipeline-components:{components}"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def join_experiment(experiment: str, pipeline_job: str) -> str:
    """Make the run a part of the experiment, so that its parameters and metrics stand beside those of other runs."""
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    session = AuthorizedSession(credentials)
    parent, _, run = pipeline_job.partition("/pipelineJobs/")
    store = f"{parent}/metadataStores/default"
    url = f"https://{parent.split('/')[-1]}-aiplatform.googleapis.com/v1/{store}/contexts"
    context = {
        "displayName": experiment,
        "schemaTitle": "system.Experiment",
        "schemaVersion": "0.0.1",
        "metadata": {"experiment_deleted": False},
    }
    made = session.post(url, params={"contextId": experiment}, json=context)
    if made.status_code != 409:  # It is there, by an earlier run.
        made.raise_for_status()
    children = {"childContexts": [f"{store}/contexts/{run}"]}
    session.post(f"{url}/{experiment}:addContextChildren", json=children).raise_for_status()
    return f"{store}/contexts/{experiment}"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register_version(
    model_id: str,
    version: str,
    artifacts: str,
    image: str,
    measured: str,
    pipeline_job: str,
    model: dsl.Output[VertexModel],
) -> str:
    """Enter a version into the model registry, as its challenger; give its resource name with the version's number.

    Google's own component for this makes another model at every run: it neither names one nor looks for one.
    """
    from google.api_core.exceptions import NotFound
    from google.cloud.aiplatform_v1 import ModelServiceClient

    parent = pipeline_job.partition("/pipelineJobs/")[0]
    host = f"{parent.split('/')[-1]}-aiplatform.googleapis.com"
    models = ModelServiceClient(client_options={"api_endpoint": host})
    name = f"{parent}/models/{model_id}"
    try:
        versions = list(models.list_model_versions(name=name))
    except NotFound:  # The first version makes the model.
        versions = []
    number = next((known.version_id for known in versions if known.labels.get("version") == version), None)
    if number is None:
        described = {
            "display_name": model_id,
            "description": "Predicts whether a customer leaves",
            "version_description": measured,
            "version_aliases": ["challenger"],
            "artifact_uri": artifacts,
            "container_spec": {
                "image_uri": image,
                "predict_route": "/v1/predict",
                "health_route": "/healthz",
                "ports": [{"container_port": 8080}],
            },
            "labels": {"version": version},
            "pipeline_job": pipeline_job,
        }
        place = {"parent_model": name} if versions else {"model_id": model_id}
        upload = models.upload_model({"parent": parent, "model": described, **place})
        number = upload.result().model_version_id
    model.uri = f"https://{host}/v1/{name}@{number}"
    model.metadata["resourceName"] = f"{name}@{number}"
    return f"{name}@{number}"
