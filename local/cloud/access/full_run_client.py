"""The calls of a full run that no command of the lab makes: what an operator may do by hand, by Google's own APIs.

Usage: full_run_client.py publish|dead-letter|query|procedure|call|task|metrics|scheduled-notebook
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from typing import TypeVar

import requests
from google.api_core.retry import Retry, if_exception_type
from google.auth.transport.requests import Request
from grants_client import CREDENTIALS, PROJECT, REGION, SESSION, asked, fire

PREFIX = "sparklab-local"
DATASET = f"{PROJECT}.sparklab_local_churn"
LOCATION = REGION.split("/")[-1]
BIGQUERY = f"https://bigquery.googleapis.com/bigquery/v2/projects/{PROJECT}"
PUBSUB = f"https://pubsub.googleapis.com/v1/projects/{PROJECT}"
REQUESTS = f"{PREFIX}-training-requests"
CALLER = f"{PREFIX}-scheduler@{PROJECT}.iam.gserviceaccount.com"
# A message is tried five times, with pauses that double from ten seconds on.
PATIENCE_SECONDS = 600

Found = TypeVar("Found")


class NotThereError(Exception):
    """What is waited for has not come yet."""


def until(look: Callable[[], Found], what: str) -> Found:
    """Looks again, less and less often, until there is something."""

    def found() -> Found:
        if something := look():
            return something
        raise NotThereError(what)

    return Retry(predicate=if_exception_type(NotThereError), maximum=5, timeout=PATIENCE_SECONDS)(found)()


def newest_run() -> dict:
    url = f"https://{LOCATION}-aiplatform.googleapis.com/v1/{REGION}/pipelineJobs"
    found = asked("GET", url, params={"filter": 'labels.pipeline="churn-training"'}).get("pipelineJobs", [])
    return max(found, key=lambda job: job["createTime"])


def order() -> dict:
    """What was ordered for the newest run: whoever orders it again gets the same run."""
    labels = newest_run()["labels"]
    return {"date": labels["date"], "attempt": int(labels["attempt"])}


def function_url() -> str:
    functions = f"https://cloudfunctions.googleapis.com/v2/{REGION}/functions"
    return asked("GET", f"{functions}/{PREFIX}-start-pipeline")["url"]


def rows(sql: str) -> list:
    """A query's rows, however long it takes."""
    answer = asked("POST", f"{BIGQUERY}/queries", json={"query": sql, "useLegacySql": False, "location": LOCATION})
    url = f"{BIGQUERY}/queries/{answer['jobReference']['jobId']}"
    while not answer["jobComplete"]:
        answer = asked("GET", url, params={"location": LOCATION, "timeoutMs": 10_000})
    return answer.get("rows", [])


def publish() -> str:
    """A message that the function refuses, as often as it comes."""
    data = base64.b64encode(b"no order").decode()
    return json.dumps(asked("POST", f"{PUBSUB}/topics/{REQUESTS}:publish", json={"messages": [{"data": data}]}))


def dead_letter() -> str:
    url = f"{PUBSUB}/subscriptions/{PREFIX}-dead-training-requests"
    pull = {"maxMessages": 1, "returnImmediately": True}
    [letter] = until(lambda: asked("POST", f"{url}:pull", json=pull).get("receivedMessages"), "dead letters")
    asked("POST", f"{url}:acknowledge", json={"ackIds": [letter["ackId"]]})
    return json.dumps(letter["message"]["attributes"])


def query() -> str:
    """The external table, which BigLake's connection reads, and one of the jobs' tables."""
    tables = ("raw_customers", "model_metrics")
    return json.dumps({table: rows(f"SELECT COUNT(*) FROM `{DATASET}.{table}`") for table in tables})


def procedure() -> str:
    run = newest_run()["name"].split("/")[-1]
    rows(f"CALL `{DATASET}.churn_rates`('{run}', 'contract')")
    return run


def call() -> str:
    """The same order once more, by hand: with an identity token, which the session above does not send."""
    CREDENTIALS.refresh(Request())
    headers = {"authorization": f"Bearer {CREDENTIALS.id_token}"}
    answer = requests.post(function_url(), json=order(), headers=headers, timeout=60)
    answer.raise_for_status()
    return answer.text


def task() -> str:
    """The same order as a task of the queue; it is gone once the function has taken it."""
    url = function_url()
    request = {
        "url": url,
        "headers": {"content-type": "application/json"},
        "body": base64.b64encode(json.dumps(order()).encode()).decode(),
        "oidcToken": {"serviceAccountEmail": CALLER, "audience": url},
    }
    tasks = f"https://cloudtasks.googleapis.com/v2/{REGION}/queues/{REQUESTS}/tasks"
    name = asked("POST", tasks, json={"task": {"httpRequest": request}})["name"]
    place = f"https://cloudtasks.googleapis.com/v2/{name}"
    until(lambda: SESSION.get(place).status_code == 404, f"end of {name}")
    return name


def metrics() -> str:
    url = f"https://storage.googleapis.com/storage/v1/b/{PREFIX}-metrics/o"
    found = asked("GET", url, params={"maxResults": 1})["items"][0]["name"]
    asked("GET", f"{url}/{found.replace('/', '%2F')}")
    return found


def scheduled_notebook() -> str:
    """Fires the schedule, which is paused, and waits for the batch that it submits."""
    url = f"https://{LOCATION}-dataproc.googleapis.com/v1/{REGION}/batches"

    def batches() -> dict[str, str]:
        found = asked("GET", url, params={"pageSize": 1000}).get("batches", [])
        return {batch["name"]: batch["state"] for batch in found}

    before = batches()
    if status := fire(f"{PREFIX}-notebook"):
        raise SystemExit(f"{PREFIX}-notebook: its call ended with {json.dumps(status)}")

    def ended() -> dict[str, str]:
        mine = {name: state for name, state in batches().items() if name not in before}
        return {name: state for name, state in mine.items() if state in {"SUCCEEDED", "FAILED", "CANCELLED"}}

    [(name, state)] = until(ended, "the schedule's batch").items()
    if state != "SUCCEEDED":
        raise SystemExit(f"{name}: ended as {state}")
    return name


COMMANDS = {
    command.__name__.replace("_", "-"): command
    for command in (publish, dead_letter, query, procedure, call, task, metrics, scheduled_notebook)
}

if __name__ == "__main__":
    [asked_for] = sys.argv[1:]
    print(COMMANDS[asked_for]())
