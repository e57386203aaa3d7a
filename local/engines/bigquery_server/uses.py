"""What a query would do to which tables: asked before it starts, so that its principal can be asked for permissions.

What is not understood whole (scripts other than one CALL of a Spark procedure, functions of tables, DDL of anything
but tables and views) uses `anything`.
"""

from __future__ import annotations

import sqlglot
from bqemulator.domain.errors import DomainError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from . import spark_calls, sql, tables
from .errors import BigQueryError
from .state import Call, Json, State, get_document
from .table_refs import TableRef

_ANYTHING: Json = {"use": "anything"}
# How a statement uses the table that it is about; all others it reads.
_CHANGES = {exp.Insert: "append", exp.TruncateTable: "append"}
_CHANGES |= {exp.Update: "change", exp.Delete: "change", exp.Merge: "change"}
_DEEPEST_VIEW = 16


def of_query(state: State, call: Call) -> Json:
    """`body` is a query's configuration. A text that cannot be read uses nothing: its job fails by the same reading."""
    project = call.path["projectId"]
    try:
        statement = sql.prepared(call.body.get("query") or "", call.body, project)
    except (BigQueryError, DomainError, SqlglotError):
        return {"uses": []}
    with state.database.reading():
        called = spark_calls.alone(state, call.body, project) if statement.kind == "SCRIPT" else None
        if called:
            return {"uses": _of_spark(state, called, project)}
        if statement.kind == "SCRIPT":
            return {"uses": [_ANYTHING]}
        return {"uses": _of_text(state, statement.text, project, _DEEPEST_VIEW)}


def _of_spark(state: State, called: tuple[Json, tuple[str, ...]], project: str) -> list[Json]:
    """A procedure of Spark runs as its connection's account: who calls it needs the connection, not what it reads."""
    routine, arguments = called
    connection = (routine["sparkOptions"] or {}).get("connection") or ""
    uses: list[Json] = [{"use": "call", "routine": routine["routineReference"]}]
    uses.append({"use": "connect", "connection": connection})
    return uses + (_of_text(state, f"SELECT {', '.join(arguments)}", project, _DEEPEST_VIEW) if arguments else [])


def _of_text(state: State, text: str, project: str, depth: int) -> list[Json]:
    tree = sqlglot.parse_one(text, read="bigquery")
    if not _understood(tree):
        return [_ANYTHING]
    subject = _subject(tree)
    uses: list[Json] = []
    for table in tree.find_all(exp.Table):
        if table is subject:
            uses.append({"use": _use_of(tree), "table": _ref(table, project).rest})
        elif table.db:
            uses += _reads(state, _ref(table, project), depth)
    for names in _functions(tree):
        uses += _calls(state, names, project, depth)
    return uses


def _understood(tree: exp.Expression) -> bool:
    # A table without a name of its own is a function's.
    if any(not table.name for table in tree.find_all(exp.Table)) or tree.find(exp.Command):
        return False
    if isinstance(tree, (exp.Create, exp.Drop, exp.Alter)):
        return tree.kind in ("TABLE", "VIEW") and not _is_external(tree)
    return isinstance(tree, (exp.Query, *_CHANGES))


def _is_external(tree: exp.Expression) -> bool:
    return any(str(option.this).lower() == "uris" for option in tree.find_all(exp.Property))


def _subject(tree: exp.Expression) -> exp.Table | None:
    if isinstance(tree, exp.Query):
        return None
    node = tree.expressions[0] if isinstance(tree, exp.TruncateTable) else tree.this
    node = node.this if isinstance(node, exp.Schema) else node
    return node if isinstance(node, exp.Table) and node.db else None


def _use_of(tree: exp.Expression) -> str:
    if isinstance(tree, exp.Create):
        return "replace" if tree.args.get("replace") else "create"
    if isinstance(tree, exp.Drop):
        return "drop"
    return "alter" if isinstance(tree, exp.Alter) else _CHANGES[type(tree)]


def _reads(state: State, ref: TableRef, depth: int) -> list[Json]:
    """A view is read with what it reads."""
    if ref.table.upper().startswith("INFORMATION_SCHEMA"):
        return [{"use": "describe", "table": ref.rest}]
    read: list[Json] = [{"use": "read", "table": ref.rest}]
    meta = tables.known(state, ref)
    if meta is None or not meta.view_query:
        return read
    if depth == 0:
        return [_ANYTHING]
    return read + _of_text(state, meta.view_query, ref.project, depth - 1)


def _ref(table: exp.Table, project: str) -> TableRef:
    return TableRef(table.catalog or project, table.db, table.name)


def _functions(tree: exp.Expression) -> list[tuple[str, ...]]:
    """Names of the stored functions that a query calls, from the outside in."""
    dots = [dot for dot in tree.find_all(exp.Dot) if isinstance(dot.expression, exp.Anonymous)]
    return sorted({(*(part.name for part in dot.this.find_all(exp.Identifier)), dot.expression.name) for dot in dots})


def _calls(state: State, names: tuple[str, ...], project: str, depth: int) -> list[Json]:
    """A function is called with what its text reads; one that is not known may be anything."""
    owner, dataset, name = (project, *names)[-3:]
    routine = get_document(state, f"routines/{owner}/{dataset}/{name}")
    if routine is None or depth == 0:
        return [_ANYTHING]
    called: list[Json] = [{"use": "call", "routine": {"projectId": owner, "datasetId": dataset, "routineId": name}}]
    if routine.get("language", "SQL") != "SQL":
        return called
    return called + _of_text(state, f"SELECT {routine['definitionBody']}", owner, depth - 1)
