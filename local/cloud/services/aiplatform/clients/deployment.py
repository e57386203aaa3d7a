"""The champion's endpoint as google-cloud-aiplatform, unmodified, fills it and sees it.

Usage: python deployment.py before PARAMETERS BUNDLE        an earlier champion, which the next good model beats
       python deployment.py after PARAMETERS PREDICTIONS    who serves now, asked 5 x 10 times at once

PARAMETERS are the stack's values for the training pipeline's parameters, as JSON. PREDICTIONS is a file of
`{"instance": ...}` lines; what the model says of each is compared with what its bundle says without the server.
"""

import asyncio
import json
import sys
from pathlib import Path

from google.cloud import aiplatform, storage
from google.cloud.aiplatform_v1 import PredictionServiceAsyncClient
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

sys.path.insert(0, str(Path(__file__).parents[5] / "pyspark" / "src"))

from sparklab.bundle import Bundle
from sparklab.champion import POINTER, bundle_uri, champion_pointer

mode, parameters, file = sys.argv[1:]
LAB = json.loads(parameters)
FOLDER = f"gs://{LAB['bundles_bucket']}/customer-churn-model"
EARLIER = "golden"


def object_at(uri: str) -> storage.Blob:
    return storage.Blob.from_string(uri, client=storage.Client())


def serves_an_earlier_champion() -> None:
    bundle = bundle_uri(FOLDER, EARLIER)
    object_at(bundle).upload_from_filename(file)
    model = aiplatform.Model.upload(
        model_id=LAB["experiment"],
        display_name=LAB["experiment"],
        version_aliases=["champion"],
        artifact_uri=bundle.rpartition("/")[0],
        serving_container_image_uri=LAB["serving_image"],
        serving_container_predict_route="/v1/predict",
        serving_container_health_route="/healthz",
    )
    model.deploy(
        endpoint=aiplatform.Endpoint(LAB["deploy_to"]),
        machine_type="n1-standard-2",
        service_account=LAB["serving_account"],
    )
    (deployed,) = aiplatform.Endpoint(LAB["deploy_to"]).list_models()
    assert deployed.model_version_id == "1", deployed
    promotion = {"pipeline_id": "by-hand", "pipeline_job": "", "set_at": model.version_create_time, "area_prc": 0.5}
    object_at(f"{FOLDER}/{POINTER}").upload_from_string(champion_pointer(FOLDER, EARLIER, **promotion))


def serves_the_champion_alone() -> str:
    pointer = json.loads(object_at(f"{FOLDER}/{POINTER}").download_as_text())
    assert pointer["version"] != EARLIER, pointer
    champion = aiplatform.Model(f"{LAB['experiment']}@champion")
    assert champion.labels["version"] == pointer["version"], (champion.labels, pointer)
    endpoint = aiplatform.Endpoint(LAB["deploy_to"])
    (deployed,) = endpoint.list_models()
    assert (deployed.model, deployed.model_version_id) == (champion.resource_name, champion.version_id), deployed
    assert dict(endpoint.traffic_split) == {deployed.id: 100}, endpoint.traffic_split
    return pointer["version"]


def answers_many_at_once_as_its_bundle_does(version: str) -> None:
    bundle = Bundle(json.loads(object_at(bundle_uri(FOLDER, version)).download_as_text()))
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    instances = [json.loads(line)["instance"] for line in lines[:50]]
    answers = asyncio.run(five_times_ten(instances))
    assert [(row["probability"], row["model_version"]) for row in answers] == [
        (bundle.probability(instance), version) for instance in instances
    ]


async def five_times_ten(instances: list[dict]) -> list[dict]:
    client = PredictionServiceAsyncClient(client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"})

    async def ask(start: int) -> list[dict]:
        rows = [json_format.ParseDict(row, Value()) for row in instances[start : start + 10]]
        answer = await client.predict(endpoint=LAB["deploy_to"], instances=rows)
        return [json_format.MessageToDict(row) for row in answer._pb.predictions]

    answers = await asyncio.gather(*(ask(start) for start in range(0, len(instances), 10)))
    return [row for answer in answers for row in answer]


aiplatform.init(project="sparklab-local", location="us-central1")
if mode == "before":
    serves_an_earlier_champion()
else:
    version = serves_the_champion_alone()
    answers_many_at_once_as_its_bundle_does(version)
    print("champion", version)
