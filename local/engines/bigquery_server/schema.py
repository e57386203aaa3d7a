"""Schemas: BigQuery's fields checked and normalised, as DuckDB columns, and the logical size of their values."""

from __future__ import annotations

import re
from typing import Any

from bqemulator.api.routes.tables import _field_to_rest, _parse_schema_fields
from bqemulator.catalog.models import TableSchema
from bqemulator.storage.type_map import bq_to_duckdb

from .errors import invalid, unimplemented

Field = dict[str, Any]

# Standard SQL names are answered by their older REST names, as Google does.
_REST_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD", "DECIMAL": "NUMERIC"}
_TYPES = {"STRING", "BYTES", "INTEGER", "FLOAT", "BOOLEAN", "TIMESTAMP", "DATE", "TIME", "DATETIME", "NUMERIC"} | {
    "RECORD",
    "JSON",
    "GEOGRAPHY",
    "INTERVAL",
    "RANGE",
}
_MODES = {"NULLABLE", "REQUIRED", "REPEATED"}
_NAME = re.compile(r"^[\w \-]{1,300}$")
# Bytes of a value. Source: https://cloud.google.com/bigquery/pricing#data
_SIZES = {"NUMERIC": 16, "BOOLEAN": 1, "INTERVAL": 16, "RANGE": 16}


def checked_fields(raw: Any, where: str = "schema") -> list[Field]:
    """The fields with REST type names; all problems in one error. What else a field says is kept as it came."""
    problems: list[str] = []
    fields = _checked(raw, where, problems)
    if problems:
        raise invalid("; ".join(problems))
    return fields


def _checked(raw: Any, where: str, problems: list[str]) -> list[Field]:
    fields: list[Field] = []
    seen: set[str] = set()
    for position, item in enumerate(raw or []):
        name = item.get("name") or ""
        at = f"{where}.{name or position}"
        kind = _REST_NAMES.get(str(item.get("type", "")).upper(), str(item.get("type", "")).upper())
        if kind == "BIGNUMERIC":
            raise unimplemented(f"Field {at} of type BIGNUMERIC (the engine's numbers have 38 digits; use NUMERIC)")
        if not _NAME.match(name):
            problems.append(f"Field {at}: got name {name!r}; expected 1-300 letters, digits and underscores")
        if name.lower() in seen:
            problems.append(f"Duplicate field {at}: names are not case sensitive")
        if kind not in _TYPES:
            problems.append(f"Field {at}: got type {item.get('type')!r}; expected one of {', '.join(sorted(_TYPES))}")
        if item.get("mode", "NULLABLE").upper() not in _MODES:
            problems.append(f"Field {at}: got mode {item['mode']!r}; expected one of {', '.join(sorted(_MODES))}")
        if kind == "RECORD" and not item.get("fields"):
            problems.append(f"Field {at} is type RECORD but has no schema")
        seen.add(name.lower())
        field = {**item, "type": kind}
        if "mode" in item:
            field["mode"] = item["mode"].upper()
        if kind == "RECORD":
            field["fields"] = _checked(item.get("fields"), at, problems)
        fields.append(field)
    return fields


def mode(field: Field) -> str:
    return str(field.get("mode", "NULLABLE"))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def duckdb_type(field: Field) -> str:
    kind = field["type"]
    if kind == "RECORD":
        inner = ", ".join(f"{quoted(f['name'])} {duckdb_type(f)}" for f in field["fields"])
        scalar = f"STRUCT({inner})"
    elif kind == "RANGE":
        scalar = bq_to_duckdb(f"RANGE<{field['rangeElementType']['type']}>")
    else:
        scalar = bq_to_duckdb(kind)
    return f"{scalar}[]" if mode(field) == "REPEATED" else scalar


def column(field: Field) -> str:
    """Column definition; REQUIRED is enforced, by the engine that stores the rows."""
    return f"{quoted(field['name'])} {duckdb_type(field)}{' NOT NULL' if mode(field) == 'REQUIRED' else ''}"


def columns(fields: list[Field]) -> str:
    # A table may have no column in BigQuery; DuckDB's needs one. It is never read: reads name their columns.
    return ", ".join(map(column, fields)) or "__no_columns INTEGER"


def names(fields: list[Field]) -> str:
    return ", ".join(quoted(f["name"]) for f in fields)


def catalog_schema(fields: list[Field]) -> TableSchema:
    """What bqemulator's SQL layer knows of a table."""
    return TableSchema(fields=_parse_schema_fields(fields))


def rest_fields(schema: TableSchema) -> list[Field]:
    return checked_fields([_field_to_rest(f) for f in schema.fields])


def same_columns(left: list[Field], right: list[Field]) -> bool:
    """Whether both describe the same stored columns, whatever descriptions they carry."""

    def shape(field: Field) -> tuple[Any, ...]:
        inner = tuple(shape(f) for f in field.get("fields", ()))
        return (field["name"].lower(), field["type"], mode(field) == "REPEATED", inner)

    return [shape(f) for f in left] == [shape(f) for f in right]


def size_sql(fields: list[Field]) -> str:
    """Expression for the logical bytes of one row."""
    return " + ".join(_size(quoted(f["name"]), f, 0) for f in fields) or "0"


def _size(value: str, field: Field, depth: int) -> str:
    if mode(field) == "REPEATED":
        element = f"e{depth}"
        inner = _size(element, {**field, "mode": "NULLABLE"}, depth + 1)
        return f"coalesce(list_sum(list_transform({value}, lambda {element}: {inner})), 0)"
    kind = field["type"]
    if kind == "RECORD":
        parts = " + ".join(_size(f"{value}.{quoted(f['name'])}", f, depth) for f in field["fields"])
        return f"({parts})"
    if kind in ("STRING", "JSON", "GEOGRAPHY"):
        size = f"2 + strlen({value}::VARCHAR)"
    elif kind == "BYTES":
        size = f"2 + octet_length({value})"
    else:
        size = str(_SIZES.get(kind, 8))
    return f"(CASE WHEN {value} IS NULL THEN 0 ELSE {size} END)"
