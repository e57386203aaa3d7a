"""What a request for a job asks for, checked, and the job that is made of it."""

from __future__ import annotations

import hashlib
import re
import uuid

from . import datasets
from .errors import invalid, unimplemented
from .state import Call, Json, State, milliseconds, now

_ID = re.compile(r"^[\w-]{1,1024}$", re.ASCII)
_KINDS = ("query", "copy", "load")


def new_job(state: State, call: Call, request: Json) -> Json:
    project = call.path["projectId"]
    configuration = dict(request.get("configuration") or {})
    kinds = [kind for kind in ("query", "load", "copy", "extract") if kind in configuration]
    if len(kinds) != 1:
        raise invalid(
            "Job configuration must contain exactly one job-specific configuration object "
            f"(query, load, copy or extract); got {', '.join(kinds) or 'none'}"
        )
    if kinds[0] not in _KINDS:
        raise unimplemented(f"Jobs of type {kinds[0]}")
    reference = request.get("jobReference") or {}
    job_id = str(reference.get("jobId") or new_id())
    if not _ID.match(job_id):
        raise invalid(f"Invalid job ID {job_id!r}: expected letters, numbers, underscores and dashes")
    place = reference.get("location") or location(state, configuration[kinds[0]], project)
    moment = milliseconds(now())
    return {
        "kind": "bigquery#job",
        "id": f"{project}:{place}.{job_id}",
        "selfLink": f"https://bigquery.googleapis.com/bigquery/v2/projects/{project}/jobs/{job_id}?location={place}",
        "user_email": call.principal,
        "configuration": {**configuration, "jobType": kinds[0].upper()},
        "jobReference": {"projectId": project, "jobId": job_id, "location": place},
        "statistics": {"creationTime": moment, "startTime": moment},
        "status": {"state": "RUNNING"},
        "etag": datasets.etag({"id": job_id, "state": "RUNNING"}),
    }


def of_query(body: Json) -> Json:
    """What `jobs.query` asks for as `jobs.insert` would."""
    fields = ("query", "defaultDataset", "queryParameters", "parameterMode", "useLegacySql", "useQueryCache")
    fields += ("maximumBytesBilled", "createSession", "connectionProperties", "destinationEncryptionConfiguration")
    configuration: Json = {"query": {k: body[k] for k in fields if k in body}}
    configuration |= {k: body[k] for k in ("dryRun", "labels") if k in body}
    reference: Json = {"location": body["location"]} if body.get("location") else {}
    if body.get("requestId"):
        # The same request sent again gets the same job.
        reference["jobId"] = "job_" + hashlib.sha256(body["requestId"].encode()).hexdigest()[:28]
    return {"configuration": configuration, "jobReference": reference}


def new_id() -> str:
    return f"job_{uuid.uuid4().hex[:28]}"


def location(state: State, config: Json, project: str) -> str:
    """Where a job runs that does not say: with its data set, else where the lab is."""
    for name in ("destinationTable", "defaultDataset"):
        reference = config.get(name) or {}
        home, dataset = reference.get("projectId") or project, reference.get("datasetId")
        with state.database.reading():
            if dataset and state.emulator.catalog.get_dataset(home, dataset) is not None:
                return datasets.location(state, home, dataset)
    return state.location
