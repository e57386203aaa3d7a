"""What a table is: its rows and columns are DuckDB's, the document keeps what else clients said of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bqemulator.catalog.ddl_sync import _introspect_schema
from bqemulator.catalog.models import TableMeta

from . import datasets, external, table_columns, views
from .errors import BigQueryError, duplicate, invalid, not_found, unimplemented
from .schema import Field, catalog_schema, checked_fields, columns, rest_fields, same_columns, size_sql
from .state import Json, State, delete_document, get_document, milliseconds, now, put_document
from .table_refs import TableRef

_ID = re.compile(r"^[\w\- $@]{1,1024}$")
_COMPUTED = ("kind", "id", "etag", "selfLink", "creationTime", "lastModifiedTime", "type", "location", "tableReference")
_COUNTED = ("numRows", "numBytes", "numLongTermBytes", "numTotalLogicalBytes", "numActiveLogicalBytes")
_COUNTED += ("numLongTermLogicalBytes", "numPartitions", "numTimeTravelPhysicalBytes", "streamingBuffer", "created")


def find(state: State, ref: TableRef) -> TableMeta:
    meta = known(state, ref)
    if meta is None:
        datasets.find(state, ref.project, ref.dataset)
        raise not_found(f"Table {ref}")
    return meta


def known(state: State, ref: TableRef) -> TableMeta | None:
    """The table, unless it is not there or its time has run out (`sweep` removes those)."""
    meta = state.emulator.catalog.get_table(ref.project, ref.dataset, ref.table)
    if meta is not None and expired(meta):
        return None
    return meta


def expired(meta: TableMeta) -> bool:
    return meta.expiration_time is not None and meta.expiration_time <= now()


def fields(state: State, ref: TableRef) -> list[Field]:
    """Columns as clients see them: with the descriptions and modes that they gave."""
    meta = find(state, ref)
    stored = rest_fields(meta.schema_)
    said = _document(state, meta).get("schema", {}).get("fields")
    return said if said and same_columns(said, stored) else stored


def create(state: State, ref: TableRef, body: Json) -> Json:
    """Makes a table or view; the caller holds a writing scope, so that rows can come in the same transaction."""
    if not _ID.match(ref.table):
        raise invalid(f'Invalid table ID "{ref.table}". Table IDs must be letters, numbers, underscores and dashes.')
    for unsupported in ("materializedView", "snapshotDefinition", "cloneDefinition"):
        if body.get(unsupported):
            raise unimplemented(f"Table {ref}: {unsupported}")
    if body.get("externalDataConfiguration"):
        external.check(ref, body)
        body = {**body, "schema": body.get("schema") or body["externalDataConfiguration"]["schema"]}
    datasets.find(state, ref.project, ref.dataset)
    if known(state, ref) is not None:
        raise duplicate(f"Table {ref}")
    drop(state, ref)
    if body.get("view"):
        return resource(state, views.create(state, ref, body))
    said = checked_fields((body.get("schema") or {}).get("fields"))
    table_columns.check_layout(body, said)
    state.database.connection.execute(f"CREATE TABLE {ref.sql} ({columns(said)})")
    meta = state.emulator.catalog.create_table(new_table(ref, said, body))
    if said:
        body = {**body, "schema": {**body["schema"], "fields": said}}
    remember(state, meta, body)
    return resource(state, meta)


def new_table(ref: TableRef, said: list[Field], body: Json) -> TableMeta:
    moment = now()
    return TableMeta(
        table_type="EXTERNAL" if body.get("externalDataConfiguration") else "TABLE",
        project_id=ref.project,
        dataset_id=ref.dataset,
        table_id=ref.table,
        schema=catalog_schema(said),
        creation_time=moment,
        last_modified_time=moment,
        expiration_time=expiration(body),
        etag="",
    )


def reread_columns(state: State, ref: TableRef) -> None:
    """Takes over columns that SQL changed; descriptions of those that stayed are kept."""
    meta = find(state, ref)
    said = {f["name"].lower(): f for f in fields(state, ref)}
    found = rest_fields(_introspect_schema(ref.project, ref.dataset, ref.table, state.emulator))
    kept = [
        said[f["name"].lower()] if same_columns([f], [said.get(f["name"].lower(), {**f, "name": ""})]) else f
        for f in found
    ]
    body = resource(state, meta)
    meta = meta.model_copy(update={"schema_": catalog_schema(kept), "last_modified_time": now()})
    state.emulator.catalog.update_table(meta)
    remember(state, meta, {**body, "schema": {"fields": kept}})


def remember(state: State, meta: TableMeta, body: Json) -> None:
    """Keeps the document of this incarnation of the table: one made anew by SQL has another creation time."""
    ref = TableRef(meta.project_id, meta.dataset_id, meta.table_id)
    put_document(state, ref.name, {**stored(body), "created": meta.creation_time.isoformat()})


def drop(state: State, ref: TableRef) -> None:
    """Removes every trace of a table or view; one that is not there is left alone."""
    meta = state.emulator.catalog.get_table(ref.project, ref.dataset, ref.table)
    if meta is None:
        return
    state.database.connection.execute(f"DROP {'VIEW' if meta.table_type == 'VIEW' else 'TABLE'} IF EXISTS {ref.sql}")
    state.emulator.catalog.delete_table(ref.project, ref.dataset, ref.table, not_found_ok=True)
    delete_document(state, ref.name)


def stored(body: Json) -> Json:
    return {k: v for k, v in body.items() if k not in (*_COMPUTED, *_COUNTED)}


def _document(state: State, meta: TableMeta) -> Json:
    document = get_document(state, TableRef(meta.project_id, meta.dataset_id, meta.table_id).name) or {}
    return document if document.get("created") == meta.creation_time.isoformat() else {}


def expiration(body: Json) -> datetime | None:
    value = body.get("expirationTime")
    if value in (None, "", "0"):
        return None
    moment = datetime.fromtimestamp(int(value) / 1000, tz=UTC)
    if moment <= now():
        raise invalid(f"Invalid value for expirationTime: {moment.isoformat()} is not in the future")
    return moment


def described(state: State, meta: TableMeta) -> Json:
    ref = TableRef(meta.project_id, meta.dataset_id, meta.table_id)
    body: Json = {
        "kind": "bigquery#table",
        "id": str(ref),
        "selfLink": f"https://bigquery.googleapis.com/bigquery/v2/projects/{ref.project}/datasets/{ref.dataset}"
        f"/tables/{ref.table}",
        "tableReference": ref.rest,
        "type": meta.table_type,
        "creationTime": milliseconds(meta.creation_time),
        "lastModifiedTime": milliseconds(meta.last_modified_time),
        "location": datasets.location(state, ref.project, ref.dataset),
        **table_columns.made_by_sql(meta),
        **stored(_document(state, meta)),
    }
    said = fields(state, ref)
    if said or "schema" in body:
        body["schema"] = {**body.get("schema", {}), "fields": said}
    return body


def resource(state: State, meta: TableMeta) -> Json:
    """The table as tables.get answers it, with its real rows and logical bytes."""
    body = described(state, meta)
    rows, size = counted(state, TableRef(meta.project_id, meta.dataset_id, meta.table_id), meta)
    counts = dict.fromkeys(("numBytes", "numTotalLogicalBytes", "numActiveLogicalBytes"), str(size))
    counts |= {"numRows": str(rows), "numLongTermBytes": "0", "numLongTermLogicalBytes": "0"}
    return {**body, **counts, "etag": datasets.etag(body)}


def counted(state: State, ref: TableRef, meta: TableMeta) -> tuple[int, int]:
    # Rows of files are not the table's.
    if meta.table_type in ("VIEW", "EXTERNAL"):
        return 0, 0
    sizes = size_sql(rest_fields(meta.schema_))
    query = f"SELECT count(*), coalesce(sum({sizes}), 0) FROM {ref.sql}"
    row = state.database.connection.execute(query).fetchone()
    if row is None:
        raise BigQueryError("internalError", f"no count of table {ref}")
    return int(row[0]), int(row[1])


def sweep(state: State) -> None:
    """Drops tables whose time has run out, query results among them."""
    with state.database.writing():
        for dataset in state.emulator.catalog.list_all_datasets():
            for meta in state.emulator.catalog.list_tables(dataset.project_id, dataset.dataset_id):
                if expired(meta):
                    drop(state, TableRef(meta.project_id, meta.dataset_id, meta.table_id))
