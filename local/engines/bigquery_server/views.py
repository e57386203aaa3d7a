"""Logical views made through the API: the same DuckDB view that CREATE VIEW makes, so that SQL reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bqemulator.catalog.models import TableMeta

from .errors import BigQueryError
from .schema import catalog_schema
from .state import Json, State, now

if TYPE_CHECKING:
    from .table_refs import TableRef


def create(state: State, ref: TableRef, body: Json) -> TableMeta:
    return _make(state, ref, body, "CREATE VIEW")


def replace(state: State, ref: TableRef, old: TableMeta, body: Json) -> TableMeta:
    made = _make(state, ref, body, "CREATE OR REPLACE VIEW")
    return made.model_copy(update={"creation_time": old.creation_time})


def _make(state: State, ref: TableRef, body: Json, verb: str) -> TableMeta:
    from . import sql, tables

    query = body["view"].get("query") or ""
    if body["view"].get("useLegacySql", True) and "[" in query:
        raise BigQueryError("invalidQuery", f"View {ref}: legacy SQL is not supported; set view.useLegacySql to false")
    sql.run_statement(state, f"{verb} `{ref.project}.{ref.dataset}.{ref.table}` AS {query}", ref.project)
    meta = tables.find(state, ref).model_copy(
        update={"schema_": catalog_schema(sql.result_fields(state, f"SELECT * FROM {ref.sql}")), "view_query": query}
    )
    meta = meta.model_copy(update={"last_modified_time": now()})
    state.emulator.catalog.update_table(meta)
    tables.remember(state, meta, body)
    return meta
