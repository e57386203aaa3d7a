"""Job records in the database: written in the transaction of what they tell about."""

from __future__ import annotations

import json

from . import datasets
from .errors import BigQueryError
from .state import Json, State, milliseconds, now


def read(state: State, project: str, job_id: str) -> Json | None:
    row = state.database.connection.execute(
        "SELECT body FROM sparklab.jobs WHERE project = ? AND id = ?", [project, job_id]
    ).fetchone()
    return json.loads(row[0]) if row else None


def save(state: State, job: Json) -> None:
    reference = job["jobReference"]
    state.database.connection.execute(
        "INSERT OR REPLACE INTO sparklab.jobs VALUES (?, ?, ?, ?)",
        [reference["projectId"], reference["jobId"], int(job["statistics"]["creationTime"]), json.dumps(job)],
    )


def key(job: Json) -> tuple[str, str]:
    return job["jobReference"]["projectId"], job["jobReference"]["jobId"]


def runs_elsewhere(job: Json) -> bool:
    """Whether Spark runs for a job, which goes on without this engine."""
    return job["status"]["state"] != "DONE" and "sparkStatistics" in job["statistics"].get("query", {})


def finish(state: State, job: Json, statistics: Json, configuration: Json | None = None) -> None:
    """Records the job's end in the caller's transaction, with what the job did."""
    kind = job["configuration"]["jobType"].lower()
    if configuration:
        job = {**job, "configuration": {**job["configuration"], kind: {**job["configuration"][kind], **configuration}}}
    save(state, ended({**job, "statistics": {**job["statistics"], **statistics}}))


def ended(job: Json, error: BigQueryError | None = None) -> Json:
    status: Json = {"state": "DONE"}
    if error:
        status |= {"errorResult": error.proto(), "errors": [error.proto()]}
    done = {**job, "status": status, "statistics": {**job["statistics"], "endTime": milliseconds(now())}}
    return {**done, "etag": datasets.etag(done)}
