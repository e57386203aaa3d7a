"""Data sets: bigquery.datasets.*. The document holds what clients sent; bqemulator's catalogue knows that it exists."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from bqemulator.catalog.models import DatasetMeta
from bqemulator.storage.sql_identifiers import quoted_schema

from .errors import BigQueryError, duplicate, invalid, not_found
from .state import Call, Json, State, delete_document, get_document, milliseconds, now, page, put_document

_ID = re.compile(r"^\w{1,1024}$", re.ASCII)
_OUTPUT = ("kind", "id", "etag", "selfLink", "creationTime", "lastModifiedTime", "type")
_API = "https://bigquery.googleapis.com/bigquery/v2"


def hidden(dataset: str) -> bool:
    """Data sets of query results; lists leave them out, as Google's do."""
    return dataset.startswith("_")


def etag(body: Json) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:22]


def check_etag(call: Call, current: Json) -> None:
    if call.if_match not in (None, "*", current["etag"]):
        raise BigQueryError("conditionNotMet", f"Precondition check failed: etag is {current['etag']}")


def find(state: State, project: str, dataset: str) -> DatasetMeta:
    meta = state.emulator.catalog.get_dataset(project, dataset)
    if meta is None:
        raise not_found(f"Dataset {project}:{dataset}")
    return meta


def location(state: State, project: str, dataset: str) -> str:
    return str(_resource(state, find(state, project, dataset))["location"])


def insert(state: State, call: Call) -> Json:
    project, body = call.path["projectId"], call.body
    dataset = str((body.get("datasetReference") or {}).get("datasetId") or "")
    if not _ID.match(dataset) or hidden(dataset):
        raise invalid(f'Invalid dataset ID "{dataset}". Dataset IDs must be alphanumeric (plus underscores).')
    with state.database.writing():
        if state.emulator.catalog.get_dataset(project, dataset) is not None:
            raise duplicate(f"Dataset {project}:{dataset}")
        meta = create(state, project, dataset)
        document = {"location": "US", "access": _default_access(call.principal), **_stored(body)}
        put_document(state, _name(meta), {**document, "created": milliseconds(meta.creation_time)})
        return _resource(state, meta)


def create(state: State, project: str, dataset: str) -> DatasetMeta:
    moment = now()
    meta = DatasetMeta(
        project_id=project, dataset_id=dataset, creation_time=moment, last_modified_time=moment, etag="", location="US"
    )
    state.database.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted_schema(project, dataset)}")
    return state.emulator.catalog.create_dataset(meta)


def get(state: State, call: Call) -> Json:
    with state.database.reading():
        return _resource(state, find(state, call.path["projectId"], call.path["datasetId"]))


def list_all(state: State, call: Call) -> Json:
    project = call.path["projectId"]
    with state.database.reading():
        metas = sorted(state.emulator.catalog.list_datasets(project), key=lambda meta: meta.dataset_id)
        bodies = [_resource(state, m) for m in metas if call.flag("all") or not hidden(m.dataset_id)]
    items, token = page([b for b in bodies if labelled(b, call.query.get("filter"))], call)
    keys = ("kind", "id", "datasetReference", "labels", "friendlyName", "location")
    listed = [{k: item[k] for k in keys if k in item} for item in items]
    following = {"nextPageToken": token} if token else {}
    return {"kind": "bigquery#datasetList", "etag": etag({"items": listed}), "datasets": listed, **following}


def labelled(body: Json, expression: str | None) -> bool:
    """`labels.name[:value]`, joined by spaces: all must hold."""
    for term in (expression or "").split():
        found = re.match(r"^labels\.([\w-]+)(?::(.*))?$", term)
        if not found:
            raise invalid(f"Invalid filter: got {term!r}; expected labels.<name>[:<value>]")
        labels = body.get("labels", {})
        if found[1] not in labels or (found[2] and labels[found[1]] != found[2]):
            return False
    return True


def update(state: State, call: Call) -> Json:
    """PUT replaces what a client may set, except the access list where the request leaves it out."""
    return _change(
        state, call, lambda old: {"access": old["access"], "location": old["location"], **_stored(call.body)}
    )


def patch(state: State, call: Call) -> Json:
    return _change(state, call, lambda old: merged(old, _stored(call.body)))


def _change(state: State, call: Call, change: Any) -> Json:
    with state.database.writing():
        meta = find(state, call.path["projectId"], call.path["datasetId"])
        current = _resource(state, meta)
        check_etag(call, current)
        document = change(_stored(current))
        if document["location"].lower() != current["location"].lower():
            raise invalid(f"Cannot change location of dataset {current['id']}: got {document['location']}")
        catalog = state.emulator.catalog
        meta = catalog.update_dataset(meta.model_copy(update={"last_modified_time": now()}))
        put_document(state, _name(meta), {**document, "created": milliseconds(meta.creation_time)})
        return _resource(state, meta)


def delete(state: State, call: Call) -> Json:
    project, dataset = call.path["projectId"], call.path["datasetId"]
    with state.database.writing() as connection:
        meta = find(state, project, dataset)
        catalog = state.emulator.catalog
        contents = [*catalog.list_tables(project, dataset), *catalog.list_routines(project, dataset)]
        if contents and not call.flag("deleteContents"):
            raise BigQueryError("resourceInUse", f"Dataset {project}:{dataset} is still in use")
        connection.execute(f"DROP SCHEMA IF EXISTS {quoted_schema(project, dataset)} CASCADE")
        catalog.delete_dataset(project, dataset, delete_contents=True)
        delete_document(state, _name(meta))
        for kind in ("tables", "routines"):
            connection.execute(
                "DELETE FROM sparklab.resources WHERE starts_with(name, ?)", [f"{kind}/{project}/{dataset}/"]
            )
    return {}


def merged(old: Json, change: Json) -> Json:
    """JSON merge patch (RFC 7396): null removes, objects merge, all else replaces."""
    result = dict(old)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def _stored(body: Json) -> Json:
    return {k: v for k, v in body.items() if k not in (*_OUTPUT, "datasetReference", "created")}


def _name(meta: DatasetMeta) -> str:
    return f"datasets/{meta.project_id}/{meta.dataset_id}"


def _default_access(principal: str) -> list[Json]:
    """What Google gives a new data set whose request has no access list."""
    return [
        {"role": "WRITER", "specialGroup": "projectWriters"},
        {"role": "OWNER", "specialGroup": "projectOwners"},
        {"role": "OWNER", "userByEmail": principal},
        {"role": "READER", "specialGroup": "projectReaders"},
    ]


def _resource(state: State, meta: DatasetMeta) -> Json:
    document = get_document(state, _name(meta)) or {}
    if document.get("created") != milliseconds(meta.creation_time):
        # Made by CREATE SCHEMA: there was no request to keep.
        document = {"location": meta.location, "access": _default_access("")[:2] + _default_access("")[3:]}
    project, dataset = meta.project_id, meta.dataset_id
    body: Json = {
        "kind": "bigquery#dataset",
        "id": f"{project}:{dataset}",
        "selfLink": f"{_API}/projects/{project}/datasets/{dataset}",
        "datasetReference": {"datasetId": dataset, "projectId": project},
        "creationTime": milliseconds(meta.creation_time),
        "lastModifiedTime": milliseconds(meta.last_modified_time),
        "type": "DEFAULT",
        "maxTimeTravelHours": "168",
        "isCaseInsensitive": False,
        **_stored(document),
    }
    return {**body, "etag": etag(body)}
