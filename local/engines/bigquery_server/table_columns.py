"""Changes of a table's columns that BigQuery allows, checks of partitioning, and what SQL said of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bqemulator.api.routes.tables import _time_partitioning_to_rest
from bqemulator.catalog.models import TableMeta

from .errors import invalid
from .schema import Field, duckdb_type, mode, quoted, same_columns
from .state import Json, State

if TYPE_CHECKING:
    from .table_refs import TableRef

_PARTITION_TYPES = {"DAY": ("DATE", "TIMESTAMP", "DATETIME"), "HOUR": ("TIMESTAMP", "DATETIME")}
_PARTITION_TYPES |= {"MONTH": _PARTITION_TYPES["DAY"], "YEAR": _PARTITION_TYPES["DAY"]}


def check_layout(body: Json, fields: list[Field]) -> None:
    """Partitioning and clustering name columns of types that allow it."""
    kinds = {f["name"].lower(): f for f in fields}
    partitioning = body.get("timePartitioning") or {}
    if partitioning.get("field"):
        allowed = _PARTITION_TYPES.get(partitioning.get("type") or "")
        field = kinds.get(partitioning["field"].lower())
        if allowed is None:
            raise invalid(
                f"Invalid time partitioning type: got {partitioning.get('type')!r}; expected DAY, HOUR, MONTH, YEAR"
            )
        if field is None:
            raise invalid(
                f"The field specified for partitioning cannot be found in the schema: {partitioning['field']}"
            )
        if field["type"] not in allowed or mode(field) == "REPEATED":
            raise invalid(
                f"The field specified for partitioning can only be of type {', '.join(allowed)}: "
                f"{field['name']} is {mode(field)} {field['type']}"
            )
    for name in (body.get("clustering") or {}).get("fields") or []:
        if name.lower() not in kinds:
            raise invalid(f"The field specified for clustering cannot be found in the schema: {name}")


def evolve(state: State, ref: TableRef, old: list[Field], new: list[Field]) -> None:
    """Adds columns and relaxes REQUIRED; what else changes stored columns is refused, all problems at once."""
    problems: list[str] = []
    statements: list[str] = []
    wanted = {f["name"].lower(): f for f in new}
    had = {f["name"].lower(): f for f in old}
    for name, field in had.items():
        if name not in wanted:
            problems.append(f"Field {field['name']} is missing in new schema")
        elif not same_columns([{**field, "name": name}], [{**wanted[name], "name": name}]):
            problems.append(
                f"Field {field['name']} has changed type or mode from {mode(field)} {field['type']} "
                f"to {mode(wanted[name])} {wanted[name]['type']}"
            )
        elif mode(field) == "NULLABLE" and mode(wanted[name]) == "REQUIRED":
            problems.append(f"Field {field['name']} has changed mode from NULLABLE to REQUIRED")
        elif mode(field) == "REQUIRED" and mode(wanted[name]) == "NULLABLE":
            statements.append(f"ALTER TABLE {ref.sql} ALTER COLUMN {quoted(field['name'])} DROP NOT NULL")
    for name, field in wanted.items():
        if name in had:
            continue
        if mode(field) == "REQUIRED":
            problems.append(f"Cannot add required field {field['name']} to an existing schema")
        statements.append(f"ALTER TABLE {ref.sql} ADD COLUMN {quoted(field['name'])} {duckdb_type(field)}")
    if problems:
        raise invalid(f"Provided Schema does not match Table {ref}. {'; '.join(problems)}")
    for statement in statements:
        state.database.connection.execute(statement)
    if not old and new:
        state.database.connection.execute(f"ALTER TABLE {ref.sql} DROP COLUMN __no_columns")


def made_by_sql(meta: TableMeta) -> Json:
    """What CREATE TABLE said beyond columns; a document, where there is one, says the same or newer."""
    body: Json = {}
    if meta.description:
        body["description"] = meta.description
    if meta.labels:
        body["labels"] = meta.labels
    if meta.time_partitioning:
        body["timePartitioning"] = _time_partitioning_to_rest(meta.time_partitioning)
    if meta.clustering:
        body["clustering"] = {"fields": list(meta.clustering.fields)}
    if meta.view_query:
        body["view"] = {"query": meta.view_query, "useLegacySql": False}
    return body
