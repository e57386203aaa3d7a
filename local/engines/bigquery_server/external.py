"""External tables: their rows are those of files in buckets, read anew before a query once the files have changed."""

from __future__ import annotations

from pathlib import Path

from . import load_files, tables
from .errors import invalid, unimplemented
from .load_files import SourceFile
from .schema import names
from .state import Call, Json, State, get_document, put_document
from .table_refs import TableRef

# Options of each format stand beside the format's name; a load job has them all in one place.
_OPTIONS = ("csvOptions", "parquetOptions", "avroOptions", "jsonOptions")


def check(ref: TableRef, body: Json) -> None:
    config = body["externalDataConfiguration"]
    if not (body.get("schema") or config.get("schema")):
        raise unimplemented(f"Table {ref}: an external table without a schema")
    if not config.get("sourceUris"):
        raise invalid("Required parameter is missing: externalDataConfiguration.sourceUris")


def list_all(state: State, _: Call) -> Json:
    """Every external table, with what its rows were read from."""
    found = []
    with state.database.reading():
        for dataset in state.emulator.catalog.list_all_datasets():
            for meta in state.emulator.catalog.list_tables(dataset.project_id, dataset.dataset_id):
                if meta.table_type == "EXTERNAL":
                    body = tables.described(state, meta)
                    kept = {k: body[k] for k in ("tableReference", "externalDataConfiguration")}
                    ref = TableRef(meta.project_id, meta.dataset_id, meta.table_id)
                    found.append({**kept, "filesRead": _read(state, ref, meta.creation_time.isoformat())})
    return {"tables": found}


def refresh(state: State, call: Call) -> Json:
    """Takes the rows of these files for those of the table; `digest` names the files as they are now."""
    files = [SourceFile(**file) for file in call.body["files"]]
    ref = TableRef.path(call)
    try:
        with state.database.writing() as connection:
            meta = tables.find(state, ref)
            config = tables.described(state, meta)["externalDataConfiguration"]
            wanted = tables.fields(state, ref)
            connection.execute(f"DELETE FROM {ref.sql}")
            if files:
                flat = {**config, **{k: v for options in _OPTIONS for k, v in (config.get(options) or {}).items()}}
                query, values = load_files.reader(state, flat, files, wanted)
                try:
                    connection.execute(f"INSERT INTO {ref.sql} ({names(wanted)}) {query}", values)
                except load_files.READ_ERRORS as error:
                    told = load_files.told(error)
                    raise invalid(f"Error while reading table: {ref}, error message: {told}", files[0].uri) from error
            read = {"digest": call.body["digest"], "created": meta.creation_time.isoformat()}
            put_document(state, _name(ref), read)
            state.emulator.snapshots.record_change(ref.project, ref.dataset, ref.table)
    finally:
        for file in files:
            Path(file.path).unlink(missing_ok=True)
    return {}


def _read(state: State, ref: TableRef, created: str) -> str:
    """Of this incarnation of the table; one made anew has read nothing."""
    document = get_document(state, _name(ref)) or {}
    return str(document["digest"]) if document.get("created") == created else ""


def _name(ref: TableRef) -> str:
    return f"external/{ref.project}/{ref.dataset}/{ref.table}"
