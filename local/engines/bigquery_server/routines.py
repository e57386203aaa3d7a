"""Routines: bigquery.routines.*. SQL and JavaScript ones are bqemulator's; Spark procedures are kept as they came."""

from __future__ import annotations

import asyncio
from typing import Any

from bqemulator.api.routes import routines as emulated

from . import datasets
from .errors import duplicate, invalid, not_found
from .state import (
    Call,
    Json,
    State,
    delete_document,
    get_document,
    list_documents,
    milliseconds,
    now,
    page,
    put_document,
)

_OUTPUT = ("etag", "creationTime", "lastModifiedTime")
_RUN_BY_SQL = ("SQL", "JAVASCRIPT")


class _Body:
    """What bqemulator's handlers need of a request."""

    def __init__(self, body: Json) -> None:
        self._body = body

    async def json(self) -> Json:
        return self._body


def insert(state: State, call: Call) -> Json:
    reference = call.body.get("routineReference") or {}
    project, dataset, routine = call.path["projectId"], call.path["datasetId"], reference.get("routineId")
    if not routine:
        raise invalid("Required parameter is missing: routineReference.routineId")
    with state.database.writing():
        datasets.find(state, project, dataset)
        if get_document(state, _name(call, routine)):
            raise duplicate(f"Routine {project}:{dataset}.{routine}")
        if _language(call.body) in _RUN_BY_SQL:
            _emulate(emulated.insert_routine(project, dataset, _request(call.body), state.emulator))
        return _keep(state, call, routine, {**_stored(call.body), "creationTime": milliseconds(now())})


def get(state: State, call: Call) -> Json:
    with state.database.reading():
        return _find(state, call)


def list_all(state: State, call: Call) -> Json:
    with state.database.reading():
        datasets.find(state, call.path["projectId"], call.path["datasetId"])
        found = [body for _, body in list_documents(state, _name(call, ""))]
    items, token = page(found, call)
    keys = ("etag", "routineReference", "routineType", "creationTime", "lastModifiedTime", "language")
    return {
        "routines": [{k: r[k] for k in keys if k in r} for r in items],
        **({"nextPageToken": token} if token else {}),
    }


def update(state: State, call: Call) -> Json:
    path = call.path
    with state.database.writing():
        old = _find(state, call)
        if _language(call.body) in _RUN_BY_SQL:
            args = (path["projectId"], path["datasetId"], path["routineId"], _request(call.body), state.emulator)
            _emulate(emulated.update_routine(*args))
        return _keep(state, call, path["routineId"], {**_stored(call.body), "creationTime": old["creationTime"]})


def delete(state: State, call: Call) -> Json:
    path = call.path
    with state.database.writing():
        old = _find(state, call)
        if _language(old) in _RUN_BY_SQL:
            _emulate(emulated.delete_routine(path["projectId"], path["datasetId"], path["routineId"], state.emulator))
        delete_document(state, _name(call, path["routineId"]))
    return {}


def _find(state: State, call: Call) -> Json:
    path = call.path
    found = get_document(state, _name(call, path["routineId"]))
    if found is None:
        raise not_found(f"Routine {path['projectId']}:{path['datasetId']}.{path['routineId']}")
    return found


def _keep(state: State, call: Call, routine: str, body: Json) -> Json:
    ids = {"projectId": call.path["projectId"], "datasetId": call.path["datasetId"], "routineId": routine}
    kept = {**body, "routineReference": ids, "lastModifiedTime": milliseconds(now())}
    kept["etag"] = datasets.etag(kept)
    put_document(state, _name(call, routine), kept)
    return kept


def _name(call: Call, routine: str) -> str:
    return f"routines/{call.path['projectId']}/{call.path['datasetId']}/{routine}"


def _language(body: Json) -> str:
    return str(body.get("language") or ("" if body.get("sparkOptions") else "SQL"))


def _stored(body: Json) -> Json:
    return {k: v for k, v in body.items() if k not in _OUTPUT}


def _request(body: Json) -> Any:
    return _Body(body)


def _emulate(result: Any) -> None:
    if asyncio.iscoroutine(result):
        asyncio.run(result)
