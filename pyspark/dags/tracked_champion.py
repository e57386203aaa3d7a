"""Finds the champion among the tracked models: the version that the pointer names, which is what answers online too."""

from urllib.parse import quote

from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException
from google.auth.transport.requests import AuthorizedSession
from requests import Response

_TRACKED = "SELECT model_version FROM `{dataset}.model_asset_tracker` WHERE model_version = @version"
_SECONDS = 60


@task
def tracked_champion(project: str, region: str, dataset: str, pointer: str) -> str:
    """Give the version that the pointer (champion.schema.json) names, once the model tracker has it."""
    session = AuthorizedSession(GoogleBaseHook().get_credentials())
    version = _promoted(session, pointer)
    query = {
        "query": _TRACKED.format(dataset=dataset),
        "queryParameters": [
            {"name": "version", "parameterType": {"type": "STRING"}, "parameterValue": {"value": version}}
        ],
        "parameterMode": "NAMED",
        "useLegacySql": False,
        "location": region,
        "timeoutMs": _SECONDS * 1000,
    }
    url = f"https://bigquery.googleapis.com/bigquery/v2/projects/{project}/queries"
    found = _content(session.post(url, json=query, timeout=_SECONDS + 30), "the model tracker")
    if not found["jobComplete"]:
        raise RuntimeError(f"the model tracker: got no answer within {_SECONDS} s; expected one. Run the task again.")
    if not found.get("rows"):
        raise AirflowFailException(
            f"model_asset_tracker of {dataset}: got no model {version}; expected the champion of {pointer}."
            " Promote a version that is tracked."
        )
    return version


def _promoted(session: AuthorizedSession, pointer: str) -> str:
    bucket, _, name = pointer.removeprefix("gs://").partition("/")
    url = f"https://storage.googleapis.com/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
    answer = session.get(url, params={"alt": "media"}, timeout=_SECONDS)
    if answer.status_code == 404:
        raise AirflowFailException(
            f"No champion yet: {pointer} does not exist."
            " Run the training pipeline, which promotes a model that is good enough."
        )
    return _content(answer, pointer)["version"]


def _content(answer: Response, what: str) -> dict:
    if not answer.ok:
        raise RuntimeError(f"{what}: got {answer.status_code} {answer.text}; expected an answer.")
    return answer.json()
