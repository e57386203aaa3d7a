"""Changes of a table's columns that BigQuery allows, checks of partitioning, and what SQL said of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bqemulator.api.routes.tables import _time_partitioning_to_rest
from bqemulator.catalog.models import TableMeta

from .errors import invalid
from .schema import Field, duckdb_type, mode, quoted
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
    """Adds columns, in records too, and relaxes REQUIRED; other changes are refused, all problems at once."""
    problems = _problems(old, new)
    if problems:
        raise invalid(f"Provided Schema does not match Table {ref}. {'; '.join(problems)}")
    had = {f["name"].lower(): f for f in old}
    for field in new:
        before, name = had.get(field["name"].lower()), quoted(field["name"])
        if before is None:
            _alter(state, ref, f"ADD COLUMN {name} {duckdb_type(field)}")
            continue
        if mode(before) == "REQUIRED" and mode(field) == "NULLABLE":
            _alter(state, ref, f"ALTER COLUMN {name} DROP NOT NULL")
        if duckdb_type(before) != duckdb_type(field):
            # Not by adding to the record in place: DuckDB 1.5 cannot replay that from its log after a crash.
            _alter(state, ref, f"ALTER COLUMN {name} TYPE {duckdb_type(field)}")
    if not old and new:
        _alter(state, ref, "DROP COLUMN __no_columns")


def _alter(state: State, ref: TableRef, change: str) -> None:
    state.database.connection.execute(f"ALTER TABLE {ref.sql} {change}")


def _problems(old: list[Field], new: list[Field]) -> list[str]:
    """What keeps the old fields of a table or a record from becoming the new ones."""
    problems: list[str] = []
    wanted = {f["name"].lower(): f for f in new}
    had = {f["name"].lower(): f for f in old}
    for name, field in had.items():
        other = wanted.get(name)
        if other is None:
            problems.append(f"Field {field['name']} is missing in new schema")
        elif field["type"] != other["type"] or (mode(field) == "REPEATED") != (mode(other) == "REPEATED"):
            problems.append(
                f"Field {field['name']} has changed type or mode from {mode(field)} {field['type']} "
                f"to {mode(other)} {other['type']}"
            )
        elif mode(field) == "NULLABLE" and mode(other) == "REQUIRED":
            problems.append(f"Field {field['name']} has changed mode from NULLABLE to REQUIRED")
        elif field["type"] == "RECORD":
            problems += _problems(field["fields"], other["fields"])
    added = [field for name, field in wanted.items() if name not in had]
    required = [field["name"] for field in added if mode(field) == "REQUIRED"]
    return problems + [f"Cannot add required field {name} to an existing schema" for name in required]


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
