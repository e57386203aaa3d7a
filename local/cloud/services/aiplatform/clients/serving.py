"""Models and endpoints of google-cloud-aiplatform, unmodified, behind which the real scoring API answers.

Usage: python serving.py IMAGE ARTIFACTS ACCOUNT PREDICTIONS

PREDICTIONS is a file of `{"instance": ..., "probability": ...}` lines, in Spark's own words.
"""

import asyncio
import json
import sys
from pathlib import Path

from google.api_core.exceptions import FailedPrecondition, InvalidArgument
from google.cloud import aiplatform
from google.cloud.aiplatform_v1 import PredictionServiceAsyncClient
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value

image, artifacts, account, predictions = sys.argv[1:]
lines = [json.loads(line) for line in Path(predictions).read_text(encoding="utf-8").splitlines()]
instances = [line["instance"] for line in lines]
expected = [line["probability"] for line in lines]
CONTAINER = {
    "serving_container_image_uri": image,
    "serving_container_predict_route": "/vertex/predict",
    "serving_container_health_route": "/vertex/health",
    "serving_container_ports": [9090],
}
MACHINE = {"machine_type": "n1-standard-2", "service_account": account}


def refuses_an_unknown_image() -> None:
    container = CONTAINER | {"serving_container_image_uri": "us-central1-docker.pkg.dev/sparklab-local/images/x:1"}
    model = aiplatform.Model.upload(display_name="strange", artifact_uri=artifacts, **container)
    try:
        model.deploy(endpoint=aiplatform.Endpoint.create(display_name="empty"), **MACHINE)
    except InvalidArgument as error:
        assert "npx sparklab image build" in str(error), error
    else:
        raise AssertionError("an image that nobody has built was deployed")
    model.delete()


def deploys_a_version() -> None:
    model = aiplatform.Model.upload(
        display_name="churn", artifact_uri=artifacts, version_aliases=["champion"], **CONTAINER
    )
    endpoint = aiplatform.Endpoint.create(display_name="churn")
    aiplatform.Model(model.resource_name, version="champion").deploy(endpoint=endpoint, **MACHINE)
    (deployed,) = endpoint.list_models()
    assert (deployed.model, deployed.model_version_id, deployed.service_account) == (model.resource_name, "1", account)
    assert dict(endpoint.traffic_split) == {deployed.id: 100}


def predicts_as_spark_does() -> None:
    answer = churn().predict(instances=instances)
    assert [row["probability"] for row in answer.predictions] == expected
    assert (answer.model_version_id, answer.deployed_model_id) == ("1", churn().list_models()[0].id)
    raw = churn().raw_predict(
        body=json.dumps({"instances": instances[:3]}).encode(), headers={"Content-Type": "application/json"}
    )
    assert [row["probability"] for row in raw.json()["predictions"]] == expected[:3]


def answers_many_at_once() -> None:
    asyncio.run(five_times_ten())


async def five_times_ten() -> None:
    client = PredictionServiceAsyncClient(client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"})
    name = churn().resource_name

    async def ask(start: int) -> list[float]:
        rows = [json_format.ParseDict(row, Value()) for row in instances[start : start + 10]]
        answer = await client.predict(endpoint=name, instances=rows)
        return [json_format.MessageToDict(row)["probability"] for row in answer._pb.predictions]

    answers = await asyncio.gather(*(ask(start) for start in range(0, 50, 10)))
    assert [probability for answer in answers for probability in answer] == expected[:50]


def says_what_is_wrong_with_instances() -> None:
    missing = {name: value for name, value in instances[0].items() if name != "contract"}
    try:
        churn().predict(instances=[missing, instances[1] | {"churn": "no", "monthly_charges": "much"}])
    except InvalidArgument as error:
        for problem in ("instances[0].contract", "instances[1].churn", "instances[1].monthly_charges"):
            assert problem in str(error), (problem, error)
        return
    raise AssertionError("wrong instances were predicted for")


def splits_traffic() -> None:
    endpoint, (first,) = churn(), churn().list_models()
    challenger = aiplatform.Model.upload(
        display_name="churn", artifact_uri=artifacts, parent_model=first.model, is_default_version=False, **CONTAINER
    )
    challenger.deploy(endpoint=endpoint, traffic_percentage=20, **MACHINE)
    asked = [endpoint.predict(instances=instances[:1]).model_version_id for _ in range(20)]
    assert (asked.count("1"), asked.count("2")) == (16, 4), asked
    second = next(model.id for model in endpoint.list_models() if model.id != first.id)
    endpoint.update(traffic_split={first.id: 0, second: 100})
    assert {endpoint.predict(instances=instances[:1]).model_version_id for _ in range(3)} == {"2"}
    endpoint.undeploy(deployed_model_id=first.id)
    assert [model.id for model in endpoint.list_models()] == [second]


def keeps_what_serves() -> None:
    for held in (churn(), aiplatform.Model(churn().list_models()[0].model)):
        try:
            held.delete()
        except FailedPrecondition:
            continue
        raise AssertionError(f"{held.resource_name} was deleted while it serves")
    churn().undeploy_all()
    churn().delete()


def churn() -> aiplatform.Endpoint:
    (endpoint,) = aiplatform.Endpoint.list(filter='display_name="churn"')
    return endpoint


aiplatform.init(project="sparklab-local", location="us-central1")
for check in (
    refuses_an_unknown_image,
    deploys_a_version,
    predicts_as_spark_does,
    answers_many_at_once,
    says_what_is_wrong_with_instances,
    splits_traffic,
    keeps_what_serves,
):
    check()
    print(check.__name__, flush=True)
