"""Where a job's rows go: dispositions, partitions and columns, the same for queries, loads and copies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from . import table_columns, tables
from .errors import BigQueryError, duplicate, invalid, unimplemented
from .schema import Field, catalog_schema, columns, duckdb_type, mode, names, quoted
from .state import Json, State, now
from .table_refs import TableRef

_DECORATED = re.compile(r"^(.+)\$(\d{4}(?:\d{2}){0,3})$")
_UNITS = {4: "YEAR", 6: "MONTH", 8: "DAY", 10: "HOUR"}


@dataclass(frozen=True)
class Destination:
    """A job's table and how it is to be written."""

    ref: TableRef
    write: str
    create: str
    # `20260115` of `table$20260115`.
    partition: str | None
    # timePartitioning, clustering, labels and expiry of a table that the job makes.
    body: Json
    add_fields: bool
    relax_fields: bool


def destination(config: Json, project: str, default_write: str) -> Destination:
    ref = TableRef.of(config.get("destinationTable") or {}, project)
    decorated = _DECORATED.match(ref.table)
    options = config.get("schemaUpdateOptions") or []
    write = config.get("writeDisposition") or default_write
    if options and write != "WRITE_APPEND" and not (write == "WRITE_TRUNCATE" and decorated):
        raise invalid(
            "Schema update options should only be specified with WRITE_APPEND disposition, "
            "or with WRITE_TRUNCATE disposition on a table partition."
        )
    properties = config.get("destinationTableProperties") or {}
    body = {k: config[k] for k in ("timePartitioning", "rangePartitioning", "clustering") if config.get(k)}
    return Destination(
        ref=replace(ref, table=decorated[1]) if decorated else ref,
        write=write,
        create=config.get("createDisposition") or "CREATE_IF_NEEDED",
        partition=decorated[2] if decorated else None,
        body={**body, **properties},
        add_fields="ALLOW_FIELD_ADDITION" in options,
        relax_fields="ALLOW_FIELD_RELAXATION" in options,
    )


def store(state: State, to: Destination, source: str, given: list[Field], *, keeps_schema: bool) -> None:
    """
    Puts the rows of `source` (a relation with the columns `given`) into the table, in the caller's transaction.
    A WRITE_TRUNCATE of a whole table takes over the columns too, unless `keeps_schema`.
    """
    connection = state.database.connection
    existing = tables.known(state, to.ref)
    if existing is None:
        if to.create == "CREATE_NEVER":
            tables.find(state, to.ref)
        tables.create(state, to.ref, {**to.body, "schema": {"fields": given}})
    elif existing.table_type != "TABLE":
        raise invalid(f"Cannot write to {to.ref}: it is a {existing.table_type}")
    else:
        _make_room(state, to, given, keeps_schema=keeps_schema)
    wanted = tables.fields(state, to.ref)
    _check_match(to.ref, wanted, given)
    pairs = {f["name"].lower(): f["name"] for f in given}
    # The order of names decides nothing: each value goes to the column of its name.
    taken = [f for f in wanted if f["name"].lower() in pairs or mode(f) == "REPEATED"]
    if taken:
        picked = ", ".join(_value(f, pairs.get(f["name"].lower())) for f in taken)
        connection.execute(f"INSERT INTO {to.ref.sql} ({names(taken)}) SELECT {picked} FROM {source}")
    state.emulator.snapshots.record_change(to.ref.project, to.ref.dataset, to.ref.table)


def _value(field: Field, given: str | None) -> str:
    """A column's value; BigQuery has no NULL array, a missing one is empty."""
    value = quoted(given) if given else "NULL"
    if field["type"] == "RECORD":
        value = f"CAST({value} AS {duckdb_type(field)})"
    return f"coalesce({value}, [])" if mode(field) == "REPEATED" else value


def _make_room(state: State, to: Destination, given: list[Field], *, keeps_schema: bool) -> None:
    connection = state.database.connection
    if to.write == "WRITE_EMPTY":
        if connection.execute(f"SELECT 1 FROM {to.ref.sql} LIMIT 1").fetchone():
            raise duplicate(f"Table {to.ref}")
    elif to.write == "WRITE_TRUNCATE" and to.partition:
        connection.execute(f"DELETE FROM {to.ref.sql} WHERE {_in_partition(state, to)}")
    elif to.write == "WRITE_TRUNCATE":
        if keeps_schema:
            connection.execute(f"DELETE FROM {to.ref.sql}")
        else:
            replace_columns(state, to.ref, given)
    elif to.write != "WRITE_APPEND":
        raise invalid(f"Invalid write disposition: got {to.write!r}")
    if to.add_fields or to.relax_fields:
        _widen(state, to, given)


def replace_columns(state: State, ref: TableRef, fields: list[Field]) -> None:
    """Empties a table and gives it other columns; labels, description, access and partitioning stay."""
    meta = tables.find(state, ref)
    body = tables.resource(state, meta)
    table_columns.check_layout(body, fields)
    state.database.connection.execute(f"CREATE OR REPLACE TABLE {ref.sql} ({columns(fields)})")
    meta = meta.model_copy(update={"schema_": catalog_schema(fields), "last_modified_time": now()})
    state.emulator.catalog.update_table(meta)
    tables.remember(state, meta, {**body, "schema": {"fields": fields}})


def _in_partition(state: State, to: Destination) -> str:
    body = tables.resource(state, tables.find(state, to.ref))
    partitioning = body.get("timePartitioning")
    if not partitioning:
        raise invalid(f"Cannot write to partition {to.partition}: table {to.ref} is not partitioned by time")
    if not partitioning.get("field"):
        raise unimplemented(f"Partition {to.partition} of {to.ref}, which is partitioned by ingestion time")
    digits = str(to.partition)
    unit = _UNITS[len(digits)]
    if unit != partitioning["type"]:
        raise invalid(f"Partition {digits} of {to.ref}: expected the format of {partitioning['type']} partitions")
    start = f"{digits[:4]}-{digits[4:6] or '01'}-{digits[6:8] or '01'} {digits[8:10] or '00'}:00:00"
    return f"date_trunc('{unit.lower()}', {quoted(partitioning['field'])}) = TIMESTAMP '{start}'"


def _widen(state: State, to: Destination, given: list[Field]) -> None:
    old = tables.fields(state, to.ref)
    had = {f["name"].lower() for f in old}
    came = {f["name"].lower(): f for f in given}
    new = list(old)
    if to.relax_fields:
        relaxed = [f for f in old if mode(f) == "REQUIRED" and mode(came.get(f["name"].lower(), {})) != "REQUIRED"]
        new = [{**f, "mode": "NULLABLE"} if f in relaxed else f for f in new]
    if to.add_fields:
        new += [
            {**f, "mode": "NULLABLE"} if mode(f) == "REQUIRED" else f for f in given if f["name"].lower() not in had
        ]
    if new == old:
        return
    table_columns.evolve(state, to.ref, old, new)
    meta = tables.find(state, to.ref)
    body = tables.resource(state, meta)
    meta = meta.model_copy(update={"schema_": catalog_schema(new)})
    state.emulator.catalog.update_table(meta)
    tables.remember(state, meta, {**body, "schema": {"fields": new}})


# What may go into a column of another type without loss.
_INTO = {
    ("INTEGER", "FLOAT"),
    ("INTEGER", "NUMERIC"),
    ("DATE", "DATETIME"),
    ("STRING", "JSON"),
    ("DATETIME", "TIMESTAMP"),
}


def _check_match(ref: TableRef, wanted: list[Field], given: list[Field]) -> None:
    problems = _mismatches(wanted, given, "")
    if problems:
        raise BigQueryError("invalid", f"Provided Schema does not match Table {ref}. {'; '.join(problems)}")


def _mismatches(wanted: list[Field], given: list[Field], prefix: str) -> list[str]:
    problems: list[str] = []
    columns_by_name = {f["name"].lower(): f for f in wanted}
    for field in given:
        name = f"{prefix}{field['name']}"
        into = columns_by_name.pop(field["name"].lower(), None)
        if into is None:
            problems.append(f"Cannot add fields (field: {name})")
        elif (mode(into) == "REPEATED") != (mode(field) == "REPEATED"):
            problems.append(f"Field {name} has changed mode from {mode(into)} to {mode(field)}")
        elif into["type"] != field["type"] and (field["type"], into["type"]) not in _INTO:
            problems.append(f"Field {name} has changed type from {into['type']} to {field['type']}")
        elif into["type"] == "RECORD":
            problems += _mismatches(into["fields"], field["fields"], f"{name}.")
    problems += [
        f"Field {prefix}{f['name']} is missing in new schema" for f in columns_by_name.values() if mode(f) == "REQUIRED"
    ]
    return problems


def with_layout(to: Destination, layout: Json) -> Destination:
    """A copy's table is laid out like its source, unless the job says otherwise."""
    return replace(to, body={**layout, **to.body})
