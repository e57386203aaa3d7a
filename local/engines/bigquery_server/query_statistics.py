"""What a query job tells of itself: kind, tables read, bytes of the columns that it names, rows that it changed."""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from . import tables
from .schema import rest_fields, size_sql
from .sql import Statement
from .state import Json, State
from .table_refs import TableRef


def of(state: State, job: Json, statement: Statement) -> Json:
    refs = [TableRef(*ids) for ids in statement.tables]
    found = [ref for ref in refs if tables.known(state, ref) is not None]
    references = [r.rest for r in found]
    wanted = _columns(statement)
    size = sum(_bytes(state, ref, wanted) for ref in found)
    statistics: Json = {"statementType": statement.kind, "totalBytesProcessed": str(size), "cacheHit": False}
    return {**statistics, "referencedTables": references} if references else statistics


def _columns(statement: Statement) -> set[str] | None:
    """Names that a query mentions, in lower case; None for all."""
    if statement.kind == "SCRIPT":
        return None
    tree = sqlglot.parse_one(statement.text, read="bigquery")
    stars = [star for star in tree.find_all(exp.Star) if not isinstance(star.parent, exp.Count)]
    return None if stars else {column.name.lower() for column in tree.find_all(exp.Column)}


def _bytes(state: State, ref: TableRef, wanted: set[str] | None) -> int:
    meta = tables.find(state, ref)
    fields = [f for f in rest_fields(meta.schema_) if wanted is None or f["name"].lower() in wanted]
    if meta.table_type == "VIEW" or not fields:
        return 0
    row = state.database.connection.execute(f"SELECT coalesce(sum({size_sql(fields)}), 0) FROM {ref.sql}").fetchone()
    return int(row[0]) if row else 0


def target(statement: Statement, project: str) -> TableRef | None:
    """The table that a statement changes or makes."""
    tree = sqlglot.parse_one(statement.text, read="bigquery")
    node = (
        tree.this if isinstance(tree, (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Alter)) else None
    )
    node = node.this if isinstance(node, exp.Schema) else node
    if (
        not isinstance(node, exp.Table)
        or not node.db
        or (isinstance(tree, exp.Create) and tree.kind not in ("TABLE", "VIEW"))
    ):
        return None
    return TableRef(node.catalog or project, node.db, node.name)


def after_change(state: State, statement: Statement, told: Json, project: str) -> Json:
    """Counts of a DML statement, the target of a DDL one; columns that ALTER changed are noted."""
    ref = target(statement, project)
    if told.get("numDmlAffectedRows") is not None:
        count = str(told["numDmlAffectedRows"])
        names = {"INSERT": "insertedRowCount", "UPDATE": "updatedRowCount"}
        key = names.get(statement.kind, "deletedRowCount")
        stats = {} if statement.kind == "MERGE" else {"dmlStats": {key: count}}
        return {"numDmlAffectedRows": count, **stats}
    if ref is None or not told.get("ddlOperationPerformed"):
        return {}
    if statement.kind == "ALTER_TABLE":
        tables.reread_columns(state, ref)
    reference = ref.rest
    return {"ddlOperationPerformed": told["ddlOperationPerformed"], "ddlTargetTable": reference}
