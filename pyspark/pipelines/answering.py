"""The pipeline's steps that change who answers: a version is deployed, becomes the champion, and the rest follows.

The pointer to the champion (champion.schema.json) alone decides. It is replaced only while it names the version that
the new one was compared with; the registry's alias and the endpoint then take over what it names at that moment. So
each step can be repeated, and done beside that of another run: whoever comes last leaves what the pointer says.

A lightweight component carries its source with it, and that of the functions that it names as its own.
"""

from kfp import dsl
from registration import IMAGE


def read_champion(folder: str) -> tuple[dict, int]:
    """Give the pointer with its generation; where there is none, an empty one of generation 0."""
    import json

    from google.api_core.exceptions import NotFound
    from google.cloud import storage

    pointer = storage.Blob.from_string(f"{folder}/champion.json", client=storage.Client())
    try:
        return json.loads(pointer.download_as_bytes()), pointer.generation
    except NotFound:
        return {}, 0


def region_of(name: str) -> dict[str, str]:
    """Give a client's option that leads it to a resource's region."""
    return {"api_endpoint": f"{name.split('/')[3]}-aiplatform.googleapis.com"}


def deploy_version(endpoint: str, model: str, service_account: str) -> None:
    """Deploy a version beside those that serve, without a share of the traffic, unless it is there.

    Its number in the registry is its id at the endpoint, so that it is there once however often it is asked for.
    """
    from google.cloud.aiplatform_v1 import EndpointServiceClient

    endpoints = EndpointServiceClient(client_options=region_of(endpoint))
    number = model.rpartition("@")[2]
    if any(deployed.id == number for deployed in endpoints.get_endpoint(name=endpoint).deployed_models):
        return
    described = {
        "id": number,
        "model": model,
        "display_name": "churn",
        "service_account": service_account,
        "dedicated_resources": {
            "machine_spec": {"machine_type": "n1-standard-2"},
            "min_replica_count": 1,
            "max_replica_count": 1,
        },
    }
    # How long is too long is the service's to say: it ends the operation.
    endpoints.deploy_model({"endpoint": endpoint, "deployed_model": described}).result(timeout=None)


def give_traffic(endpoint: str, model: str) -> None:
    """Let one deployed version take the endpoint's whole traffic; undeploy the others, which would be paid for."""
    from google.api_core.exceptions import NotFound
    from google.cloud.aiplatform_v1 import EndpointServiceClient

    endpoints = EndpointServiceClient(client_options=region_of(endpoint))
    number = model.rpartition("@")[2]
    found = endpoints.get_endpoint(name=endpoint)
    if dict(found.traffic_split) != {number: 100}:
        shares = {"name": endpoint, "traffic_split": {number: 100}}
        endpoints.update_endpoint({"endpoint": shares, "update_mask": {"paths": ["traffic_split"]}})
    for other in [deployed.id for deployed in found.deployed_models if deployed.id != number]:
        try:
            endpoints.undeploy_model({"endpoint": endpoint, "deployed_model_id": other}).result(timeout=None)
        except NotFound:
            print(f"{endpoint}: {other} is undeployed already, by another run.")


def name_champion(model: str) -> None:
    """Give a version of the registry the alias of the champion, and take that of a challenger from it.

    By REST: the import of the registry's client takes longer than all the rest of a run without an endpoint.
    """
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    url = f"https://{region_of(model)['api_endpoint']}/v1/{model}:mergeVersionAliases"
    aliases = {"versionAliases": ["champion", "-challenger", "default"]}
    AuthorizedSession(credentials).post(url, json=aliases).raise_for_status()


def follow_pointer(folder: str, endpoint: str, service_account: str) -> str:
    """Bring the alias, and the endpoint if there is one, to the champion; give its name in the registry.

    A pointer that was replaced meanwhile is followed anew: the run that did it may have been at work here already.
    """
    from google.api_core.exceptions import GoogleAPICallError

    while True:
        pointer, generation = read_champion(folder)
        model = pointer.get("model", "")
        if not model:
            print(f"{folder}/champion.json names no model of the registry: alias and endpoint stay as they are.")
            return ""
        problem = None
        try:
            name_champion(model)
            if endpoint:
                deploy_version(endpoint, model, service_account)
                give_traffic(endpoint, model)
        except GoogleAPICallError as error:
            problem = error
        if read_champion(folder)[1] != generation:
            continue
        if problem:
            raise problem
        return model


FOLLOWING = [region_of, read_champion, deploy_version, give_traffic, name_champion, follow_pointer]


@dsl.component(base_image=IMAGE, install_kfp_package=False, additional_funcs=[region_of, deploy_version])
def deploy(endpoint: str, model: str, service_account: str) -> str:
    """Deploy a version before it becomes the champion: one that cannot serve never does."""
    deploy_version(endpoint, model, service_account)
    return model


@dsl.component(base_image=IMAGE, install_kfp_package=False, additional_funcs=FOLLOWING)
def promote(
    folder: str,
    version: str,
    rival: str,
    area: float,
    pipeline_id: str,
    pipeline_job: str,
    set_at: str,
    model: str = "",
    endpoint: str = "",
    service_account: str = "",
) -> str:
    """Make a version the champion, if the one that it was compared with still is; alias and endpoint follow.

    They follow the other champion, too, if that came first: what was deployed for this version is undeployed then.
    """
    import json

    from google.api_core.exceptions import PreconditionFailed
    from google.cloud import storage

    champion, generation = read_champion(folder)
    current = champion.get("version", "")
    if current == rival != version:
        pointer = {
            "version": version,
            "bundle": f"{folder}/{version}/bundle.json",
            "pipelineId": pipeline_id,
            "pipelineJob": pipeline_job,
            "setAt": f"{set_at[:19]}Z",
            "areaPrc": area,
            **({"model": model} if model else {}),
        }
        text = json.dumps(pointer, indent=1) + "\n"
        written = storage.Blob.from_string(f"{folder}/champion.json", client=storage.Client())
        try:
            written.upload_from_string(text, content_type="application/json", if_generation_match=generation)
            current = version
        except PreconditionFailed:  # Another run came first; or the answer to this very write was lost.
            current = read_champion(folder)[0].get("version", "")
    follow_pointer(folder, endpoint, service_account)
    if current != version:
        raise RuntimeError(
            f"{folder}/champion.json: got champion '{current}'; expected '{rival}', which {version} was compared with."
            " Another run came first: start this one again to compare with its model."
        )
    return f"{folder}/champion.json"


@dsl.component(base_image=IMAGE, install_kfp_package=False, additional_funcs=FOLLOWING)
def follow_champion(folder: str, endpoint: str, service_account: str) -> str:
    """Bring alias and endpoint to the champion where a run has none of its own; what was interrupted is mended so."""
    return follow_pointer(folder, endpoint, service_account)
