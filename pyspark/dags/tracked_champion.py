"""Asks the model tracker for the champion: of all trained models the one that was measured best."""

from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException
from google.auth.transport.requests import AuthorizedSession

_BEST = """
SELECT model_version
FROM `{dataset}.model_asset_tracker` JOIN `{dataset}.model_metrics` USING (model_version)
WHERE metric_nm = 'test_area_prc'
ORDER BY metric_value DESC, model_version DESC
LIMIT 1
"""


@task
def tracked_champion(project: str, region: str, dataset: str) -> str:
    """Give the version of the model with the largest area under the precision-recall curve."""
    session = AuthorizedSession(GoogleBaseHook().get_credentials())
    answer = session.post(
        f"https://bigquery.googleapis.com/bigquery/v2/projects/{project}/queries",
        json={"query": _BEST.format(dataset=dataset), "useLegacySql": False, "location": region, "timeoutMs": 60_000},
        timeout=90,
    )
    found = answer.json()
    if not answer.ok or not found["jobComplete"]:
        raise RuntimeError(f"the model tracker did not answer: {answer.status_code} {answer.text}")
    if not found.get("rows"):
        raise AirflowFailException(
            f"model_asset_tracker of {dataset}: got no model; expected at least one. Run churn_training first."
        )
    return found["rows"][0]["f"][0]["v"]
