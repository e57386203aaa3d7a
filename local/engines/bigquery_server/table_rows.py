"""Rows through JSON: bigquery.tabledata.list and insertAll."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

import duckdb
import pyarrow as pa

from . import datasets, tables
from .errors import invalid
from .schema import Field, mode, names, quoted
from .state import Call, Json, State
from .table_refs import TableRef
from .values import RowError, arrow_schema, from_json, to_json

_PAGE_ROWS = 100_000
# Google remembers insert ids for a minute, as best effort. Here they are stored with their rows: whoever repeats what
# an engine that died has not answered is known by the next one.
_REMEMBERED_SECONDS = 60
_seen: OrderedDict[tuple[str, str], float] = OrderedDict()
_guard = threading.Lock()


def list_rows(state: State, call: Call) -> Json:
    with state.database.reading():
        ref = TableRef.path(call)
        meta = tables.find(state, ref)
        if meta.table_type == "VIEW":
            raise invalid(f"Cannot list a table of type VIEW: {ref}")
        answer = rows_page(state, ref, tables.fields(state, ref), call)
    return {"kind": "bigquery#tableDataList", "etag": datasets.etag(answer), **answer}


def rows_page(state: State, ref: TableRef, fields: list[Field], call: Call) -> Json:
    """One page in the order in which the rows were stored; the token is the position of the next."""
    selected = _selected(fields, str(call.query.get("selectedFields") or ""))
    asked = call.position()
    start = call.number("startIndex", 0) if asked is None else asked
    size = min(call.number("maxResults", _PAGE_ROWS), _PAGE_ROWS)
    integers = str(_option(call, "useInt64Timestamp")).lower() == "true"
    connection = state.database.connection
    counted = connection.execute(f"SELECT count(*) FROM {ref.sql}").fetchone()
    total = int(counted[0]) if counted else 0
    found = connection.execute(
        f"SELECT {names(selected) or 'NULL'} FROM {ref.sql} LIMIT {size} OFFSET {start}"
    ).fetchall()
    rows: list[Json] = []
    for row in found:
        pairs = zip(selected, row, strict=False)
        rows.append({"f": [{"v": to_json(field, value, integer_timestamps=integers)} for field, value in pairs]})
    following = {"pageToken": str(start + len(rows))} if 0 < start + len(rows) < total and rows else {}
    return {"totalRows": str(total), **({"rows": rows} if rows else {}), **following}


def _option(call: Call, name: str) -> object:
    options = call.body.get("formatOptions") or {}
    return call.query.get(f"formatOptions.{name}", options.get(name, False))


def _selected(fields: list[Field], wanted: str) -> list[Field]:
    """Top-level columns; a nested path selects its whole record."""
    chosen = {path.split(".")[0].strip().lower() for path in wanted.split(",") if path.strip()}
    unknown = chosen - {f["name"].lower() for f in fields}
    if unknown:
        raise invalid(f"No such field: {', '.join(sorted(unknown))}")
    return [f for f in fields if f["name"].lower() in chosen] if chosen else fields


def insert_all(state: State, call: Call) -> Json:
    body, ref = call.body, TableRef.path(call)
    rows = body.get("rows") or []
    if not rows:
        raise invalid("No rows present in the request.")
    with state.database.writing():
        fields = tables.fields(state, ref)
        parsed: list[Json] = []
        errors: list[Json] = []
        for index, row in enumerate(rows):
            try:
                parsed.append(
                    from_json(fields, row.get("json") or {}, ignore_unknown=bool(body.get("ignoreUnknownValues")))
                )
            except RowError as error:
                parsed.append({})
                errors.append(_error(index, "invalid", error.location, str(error)))
        bad = {error["index"] for error in errors}
        if errors and not body.get("skipInvalidRows"):
            errors += [_error(i, "stopped", "", "") for i in range(len(rows)) if i not in bad]
            return {
                "kind": "bigquery#tableDataInsertAllResponse",
                "insertErrors": sorted(errors, key=lambda e: e["index"]),
            }
        fresh = _fresh(ref, rows, bad)
        append(state, ref, fields, pa.Table.from_pylist([parsed[i] for i in fresh], schema=arrow_schema(fields)))
        ids = [rows[i]["insertId"] for i in fresh if rows[i].get("insertId") is not None]
        _store_ids(state, ref, ids)
    _remember([(str(ref), insert_id) for insert_id in ids])
    answer: Json = {"kind": "bigquery#tableDataInsertAllResponse"}
    return {**answer, "insertErrors": errors} if errors else answer


def append(state: State, ref: TableRef, fields: list[Field], rows: pa.Table) -> None:
    """Adds Arrow rows in the caller's transaction."""
    if rows.num_rows == 0:
        return
    insert(state.database.connection, ref.sql, fields, rows)
    state.emulator.snapshots.record_change(ref.project, ref.dataset, ref.table)


def insert(connection: duckdb.DuckDBPyConnection, target: str, fields: list[Field], rows: pa.Table) -> None:
    connection.register("__rows", rows)
    try:
        # BigQuery has no NULL array: a missing one is empty.
        picked = ", ".join(
            f"coalesce({quoted(f['name'])}, [])" if mode(f) == "REPEATED" else quoted(f["name"]) for f in fields
        )
        connection.execute(f"INSERT INTO {target} ({names(fields)}) SELECT {picked} FROM __rows")
    finally:
        connection.unregister("__rows")


def _error(index: int, reason: str, location: str, message: str) -> Json:
    return {"index": index, "errors": [{"reason": reason, "location": location, "debugInfo": "", "message": message}]}


def _fresh(ref: TableRef, rows: list[Json], bad: set[int]) -> list[int]:
    """Positions of the rows to insert: the good ones, each insert id once."""
    first: dict[str | int, int] = {}
    for index, row in enumerate(rows):
        if index not in bad and not _repeated(ref, row.get("insertId")):
            first.setdefault(row.get("insertId") or index, index)
    return list(first.values())


def _repeated(ref: TableRef, insert_id: str | None) -> bool:
    with _guard:
        return insert_id is not None and time.monotonic() - _seen.get((str(ref), insert_id), -1e9) < _REMEMBERED_SECONDS


def recall(state: State) -> None:
    """What the engine before this one remembered, as if it had been inserted now."""
    with state.database.writing() as connection:
        connection.execute("UPDATE sparklab.insert_ids SET seen = ?", [time.time()])
        known = connection.execute("SELECT target, id FROM sparklab.insert_ids").fetchall()
    _remember(known)


def _store_ids(state: State, ref: TableRef, ids: list[str]) -> None:
    if not ids:
        return
    connection, seen = state.database.connection, time.time()
    connection.execute("DELETE FROM sparklab.insert_ids WHERE seen < ?", [seen - _REMEMBERED_SECONDS])
    connection.execute("INSERT INTO sparklab.insert_ids SELECT ?, unnest(?::VARCHAR[]), ?", [str(ref), ids, seen])


def _remember(ids: list[tuple[str, str]]) -> None:
    with _guard:
        for known in ids:
            _seen[known] = time.monotonic()
        while _seen and time.monotonic() - next(iter(_seen.values())) > _REMEMBERED_SECONDS:
            _seen.popitem(last=False)
