"""The pipeline's steps that change something outside: the experiment, the model registry, the pointer to the champion.

They run in the image of Google's components, which has Google's authentication library, and speak REST. Each can be
repeated: what an interrupted attempt did is found and not done again.
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
    import time

    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    session = AuthorizedSession(credentials)
    parent = pipeline_job.partition("/pipelineJobs/")[0]
    api = f"https://{parent.split('/')[-1]}-aiplatform.googleapis.com/v1"
    name = f"{parent}/models/{model_id}"

    def answer(method: str, url: str, body: dict | None = None) -> dict:
        response = session.request(method, url, json=body)
        if not response.ok:
            raise RuntimeError(f"{method} {url}: {response.status_code} {response.text}")
        return response.json()

    known = session.get(f"{api}/{name}:listVersions")
    if known.status_code != 404:  # The first version makes the model.
        known.raise_for_status()
    versions = known.json().get("models", []) if known.ok else []
    number = next((v["versionId"] for v in versions if v.get("labels", {}).get("version") == version), None)
    if number is None:
        described = {
            "displayName": model_id,
            "description": "Predicts whether a customer leaves",
            "versionDescription": measured,
            "versionAliases": ["challenger"],
            "artifactUri": artifacts,
            "containerSpec": {
                "imageUri": image,
                "predictRoute": "/v1/predict",
                "healthRoute": "/healthz",
                "ports": [{"containerPort": 8080}],
            },
            "labels": {"version": version},
            "pipelineJob": pipeline_job,
        }
        place = {"parentModel": name} if versions else {"modelId": model_id}
        operation = answer("POST", f"{api}/{parent}/models:upload", {"model": described, **place})
        while not operation.get("done"):
            time.sleep(1)
            operation = answer("GET", f"{api}/{operation['name']}")
        if "error" in operation:
            raise RuntimeError(f"{name}: {operation['error']}")
        number = operation["response"]["modelVersionId"]
    model.uri = f"{api}/{name}@{number}"
    model.metadata["resourceName"] = f"{name}@{number}"
    return f"{name}@{number}"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promote(
    folder: str,
    version: str,
    rival: str,
    area: float,
    pipeline_id: str,
    pipeline_job: str,
    set_at: str,
    model: str = "",
) -> str:
    """Make a version the champion: the pointer (champion.schema.json) first, then the alias in the registry.

    The pointer is replaced only while it names the rival that the version was compared with.
    """
    import json

    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    session = AuthorizedSession(credentials)
    bucket, _, prefix = folder.removeprefix("gs://").partition("/")
    name = f"{prefix}/champion.json"
    objects = "https://storage.googleapis.com/{}storage/v1/b/" + bucket + "/o"
    found = session.get(f"{objects.format('')}/{name.replace('/', '%2F')}", params={"alt": "media"})
    if found.status_code != 404:
        found.raise_for_status()
    current = found.json()["version"] if found.ok else ""
    generation = found.headers["x-goog-generation"] if found.ok else "0"
    if current not in (rival, version):
        raise RuntimeError(
            f"gs://{bucket}/{name}: got champion '{current}'; expected '{rival}', which {version} was compared with."
            " Another run came first: start this one again to compare with its model."
        )
    if current != version:
        pointer = {
            "version": version,
            "bundle": f"{folder}/{version}/bundle.json",
            "pipelineId": pipeline_id,
            "pipelineJob": pipeline_job,
            "setAt": f"{set_at[:19]}Z",
            "areaPrc": area,
            **({"model": model} if model else {}),
        }
        query = {"uploadType": "media", "name": name, "ifGenerationMatch": generation}
        body = json.dumps(pointer, indent=1) + "\n"
        headers = {"content-type": "application/json"}
        written = session.post(objects.format("upload/"), params=query, data=body.encode(), headers=headers)
        if not written.ok:
            raise RuntimeError(f"gs://{bucket}/{name}: {written.status_code} {written.text}")
    if model:
        region = model.split("/")[3]
        url = f"https://{region}-aiplatform.googleapis.com/v1/{model}:mergeVersionAliases"
        session.post(url, json={"versionAliases": ["champion", "-challenger", "default"]}).raise_for_status()
    return f"gs://{bucket}/{name}"
