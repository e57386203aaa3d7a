"""Tables and views: bigquery.tables.*, what a client may ask of them and change."""

from __future__ import annotations

from collections.abc import Callable

from . import datasets, table_columns, tables, views
from .schema import catalog_schema, checked_fields
from .state import Call, Json, State, now, page
from .table_refs import TableRef


def insert(state: State, call: Call) -> Json:
    with state.database.writing():
        ref = TableRef.of({**(call.body.get("tableReference") or {}), **call.path}, call.path["projectId"])
        return tables.create(state, ref, call.body)


def get(state: State, call: Call) -> Json:
    with state.database.reading():
        return tables.resource(state, tables.find(state, TableRef.path(call)))


def list_all(state: State, call: Call) -> Json:
    project, dataset = call.path["projectId"], call.path["datasetId"]
    with state.database.reading():
        datasets.find(state, project, dataset)
        metas = sorted(state.emulator.catalog.list_tables(project, dataset), key=lambda meta: meta.table_id)
        metas = [meta for meta in metas if not tables.expired(meta)]
        items, token = page(metas, call)
        keys = ("id", "type", "tableReference", "creationTime", "labels", "friendlyName", "timePartitioning")
        keys += ("rangePartitioning", "clustering", "expirationTime")
        bodies = [tables.described(state, meta) for meta in items]
        listed = [{"kind": "bigquery#table", **{k: body[k] for k in keys if k in body}} for body in bodies]
    following = {"nextPageToken": token} if token else {}
    tag = datasets.etag({"items": listed})
    return {"kind": "bigquery#tableList", "etag": tag, "tables": listed, "totalItems": len(metas), **following}


def update(state: State, call: Call) -> Json:
    """PUT: what the request leaves out is cleared, but for the schema, as columns cannot be dropped so."""
    return _change(state, call, lambda _: tables.stored(call.body))


def patch(state: State, call: Call) -> Json:
    return _change(state, call, lambda old: datasets.merged(old, tables.stored(call.body)))


def _change(state: State, call: Call, change: Callable[[Json], Json]) -> Json:
    ref = TableRef.path(call)
    with state.database.writing():
        meta = tables.find(state, ref)
        current = tables.resource(state, meta)
        datasets.check_etag(call, current)
        document = change(tables.stored(current))
        if meta.table_type == "VIEW":
            if document.get("view"):
                meta = views.replace(state, ref, meta, document)
        else:
            said = checked_fields((document.get("schema") or {}).get("fields")) or tables.fields(state, ref)
            table_columns.evolve(state, ref, tables.fields(state, ref), said)
            document = {**document, "schema": {"fields": said}} if said else document
            meta = meta.model_copy(update={"schema_": catalog_schema(said)})
        meta = meta.model_copy(update={"last_modified_time": now(), "expiration_time": tables.expiration(document)})
        state.emulator.catalog.update_table(meta)
        tables.remember(state, meta, document)
        return tables.resource(state, meta)


def delete(state: State, call: Call) -> Json:
    with state.database.writing():
        ref = TableRef.path(call)
        tables.find(state, ref)
        tables.drop(state, ref)
    return {}
