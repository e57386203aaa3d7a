"""BigQuery's SQL through bqemulator: what a text is, how DuckDB says it, what columns it gives."""

from __future__ import annotations

import asyncio
import itertools
import re
from dataclasses import dataclass
from typing import Any

import sqlglot
from bqemulator.jobs.executor import (
    JOB_RESULTS,
    JOB_SCHEMAS,
    build_response_schema,
    classify_statement_type,
    execute_query_job,
)
from bqemulator.scripting.ast import SqlStmt
from bqemulator.scripting.parser import parse_script
from bqemulator.sql.inner_query import rewrite_and_translate_statement
from bqemulator.sql.parameters import bind_parameters
from bqemulator.sql.rewriter.default_dataset import qualify_unqualified_tables
from bqemulator.sql.rewriter.legacy_sql import rewrite_legacy_to_standard
from bqemulator.sql.table_rewriter import rewrite_table_refs
from bqemulator.sql.translator import SQLTranslator
from sqlglot import exp

from . import merge
from .emulator import caller
from .errors import BigQueryError
from .schema import Field, checked_fields, quoted
from .state import Json, State

_translator = SQLTranslator()
_BY_PLACE = re.compile(r"^_col_\d+$")
# DuckDB's wider or narrower results, as the types that BigQuery has.
_CASTS = {"HUGEINT": "BIGINT", "UHUGEINT": "BIGINT", "UBIGINT": "BIGINT", "INTEGER": "BIGINT", "UINTEGER": "BIGINT"}
_CASTS |= {"SMALLINT": "BIGINT", "TINYINT": "BIGINT", "FLOAT": "DOUBLE", "TIMESTAMP_NS": "TIMESTAMP"}
_CASTS |= {"TIMESTAMP_MS": "TIMESTAMP", "TIMESTAMP_S": "TIMESTAMP", '"NULL"': "BIGINT"}


@dataclass(frozen=True)
class Statement:
    """A text to be run, classified."""

    text: str
    # `SELECT`, `MERGE`, `CREATE_TABLE`, `SCRIPT`, as in `statistics.query.statementType`.
    kind: str
    tables: tuple[tuple[str, str, str], ...]


def prepared(text: str, config: Json, project: str) -> Statement:
    """The statement with its default data set, classified; a text that cannot be read is a syntax error."""
    if not text.strip():
        raise BigQueryError("invalidQuery", "Syntax error: Unexpected end of statement", "query")
    if config.get("useLegacySql", True):
        text = rewrite_legacy_to_standard(text)
    default = config.get("defaultDataset") or {}
    if default.get("datasetId"):
        text = qualify_unqualified_tables(
            text, default_project=default.get("projectId") or project, default_dataset=default["datasetId"]
        )
    script = parse_script(text)
    if len(script.statements) != 1 or not isinstance(script.statements[0], SqlStmt):
        return Statement(text, "SCRIPT", ())
    text = merge.spelled_out_marker(text)
    try:
        tree = sqlglot.parse_one(text, read="bigquery")
    except sqlglot.errors.ParseError as error:
        raise BigQueryError("invalidQuery", _syntax_error(error), "query") from error
    kind = "SELECT" if isinstance(tree, exp.Query) else classify_statement_type(text)
    references = {(t.catalog or project, t.db, t.name) for t in tree.find_all(exp.Table) if t.db and t.name}
    return Statement(text, kind, tuple(sorted(references)))


def _syntax_error(error: sqlglot.errors.ParseError) -> str:
    first = error.errors[0] if error.errors else {}
    near = str(first.get("highlight") or "").strip()
    what = f'Unexpected "{near}"' if near else str(first.get("description") or error)
    return f"Syntax error: {what} at [{first.get('line', 1)}:{first.get('col', 1)}]"


def translated(
    state: State, text: str, project: str, principal: str, parameters: list[Json] | None
) -> tuple[str, list[Any]]:
    """DuckDB's text and its parameters; runs inside a scope."""
    coroutine = rewrite_and_translate_statement(
        text, project_id=project, ctx=state.emulator, caller=caller(principal), translator=_translator
    )
    duckdb_text = rewrite_table_refs(asyncio.run(coroutine), project)
    return bind_parameters(duckdb_text, parameters)


def result_columns(state: State, text: str, values: list[Any]) -> tuple[str, list[str]]:
    """A select list that gives a query's columns BigQuery's types, and their names."""
    described = state.database.connection.execute(f"SELECT * FROM ({text}\n) LIMIT 0", values).description or []
    unnamed = itertools.count()
    names = [f"f{next(unnamed)}_" if _unnamed(column[0]) else column[0] for column in described]
    lowered = [name.lower() for name in names]
    twice = sorted({name for name in names if lowered.count(name.lower()) > 1})
    if twice:
        found = ", ".join(f"'{name}'" for name in twice)
        raise BigQueryError(
            "invalidQuery",
            f"Duplicate column names in the result are not supported. Found duplicate(s): {found}",
            "query",
        )
    aliases = [f"c{i}" for i in range(len(names))]
    parts = [
        f"{f'CAST({alias} AS {_bigquery_type(str(column[1]))})'} AS {quoted(name)}"
        if _bigquery_type(str(column[1])) != str(column[1])
        else f"{alias} AS {quoted(name)}"
        for alias, name, column in zip(aliases, names, described, strict=True)
    ]
    return f"SELECT {', '.join(parts)} FROM ({text}\n) AS result({', '.join(aliases)})", names


def _unnamed(name: str) -> bool:
    """DuckDB names an expression by its text, the translator by its place; BigQuery by its place among the unnamed."""
    return _BY_PLACE.match(name) is not None or not name.replace("_", "a").replace("-", "a").replace(" ", "a").isalnum()


def _bigquery_type(duckdb_type: str) -> str:
    if duckdb_type.endswith("[]"):
        return f"{_bigquery_type(duckdb_type[:-2])}[]"
    if duckdb_type.startswith("DECIMAL("):
        precision, scale = (int(part) for part in duckdb_type[8:-1].split(","))
        return "DECIMAL(38,9)" if scale <= 9 and precision - scale <= 29 else duckdb_type
    return _CASTS.get(duckdb_type, duckdb_type)


def result_fields(state: State, text: str, values: list[Any] | None = None) -> list[Field]:
    """BigQuery's fields of a DuckDB query."""
    empty = state.emulator.engine.fetch_arrow(f"SELECT * FROM ({text}\n) LIMIT 0", values or None)
    return checked_fields(build_response_schema(empty.schema))


def run_statement(
    state: State, text: str, project: str, principal: str = "", parameters: list[Json] | None = None
) -> tuple[Any, list[Field], Json]:
    """Anything but a plain query, by bqemulator: its last result as Arrow, the columns, and the job's statistics."""
    key = f"run{id(object())}"
    try:
        meta = asyncio.run(execute_query_job(project, key, text, parameters, state.emulator, caller=caller(principal)))
        return JOB_RESULTS[key], JOB_SCHEMAS[key], meta.statistics
    finally:
        # bqemulator would keep each result in memory for ever.
        JOB_RESULTS.pop(key, None)
        JOB_SCHEMAS.pop(key, None)
