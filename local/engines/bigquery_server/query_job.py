"""Query jobs: a SELECT is materialised once, in its destination or an anonymous table, and read from there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
from bqemulator.storage.sql_identifiers import schema_name

from . import datasets, destination, job_records, merge, query_statistics, spark_calls, sql, table_rows, tables
from .errors import BigQueryError, unimplemented
from .schema import Field
from .sql import Statement
from .state import Call, Json, State, milliseconds, now
from .table_refs import TableRef

# Data set of query results: hidden, its tables live a day, as Google's do.
ANONYMOUS = "_query_results"
_LIFETIME = timedelta(hours=24)
_running: dict[tuple[str, str], duckdb.DuckDBPyConnection | None] = {}
_guard = threading.Lock()


def run(state: State, job: Json) -> None:
    key = job_records.key(job)
    with _guard:
        _running[key] = None
    try:
        statement = _prepared(job)
        if statement.kind == "SELECT":
            named = _named_destination(job)
            _select_into(state, job, statement, named) if named else _select(state, job, statement)
        else:
            (_script if statement.kind == "SCRIPT" else _change)(state, job, statement)
    finally:
        with _guard:
            _running.pop(key, None)


def interrupt(project: str, job_id: str) -> None:
    """Stops a running query; what it did is rolled back. One that has ended stays as it is."""
    with _guard:
        connection = _running.get((project, job_id))
    if connection is not None:
        connection.interrupt()


@contextmanager
def _interruptible(state: State, job: Json) -> Iterator[None]:
    with _guard:
        _running[job_records.key(job)] = state.database.connection
    try:
        yield
    finally:
        with _guard:
            _running[job_records.key(job)] = None


def _config(job: Json) -> Json:
    return job["configuration"]["query"]


def _prepared(job: Json) -> Statement:
    config = _config(job)
    for name in ("createSession", "connectionProperties", "tableDefinitions", "userDefinedFunctionResources"):
        if config.get(name):
            raise unimplemented(f"Query option {name}")
    return sql.prepared(config.get("query") or "", config, job["jobReference"]["projectId"])


def _named_destination(job: Json) -> Json | None:
    named = _config(job).get("destinationTable")
    return named if named and named.get("tableId") else None


def _translated(state: State, job: Json, text: str) -> tuple[str, list[Any]]:
    parameters = _config(job).get("queryParameters")
    return sql.translated(state, text, job["jobReference"]["projectId"], job["user_email"], parameters)


def _select(state: State, job: Json, statement: Statement) -> None:
    """Into an anonymous table, beside other work: nobody else sees the table before the job has ended."""
    ref = _anonymous(state, job)
    with state.database.independent() as connection, _interruptible(state, job):
        text, values = _translated(state, job, statement.text)
        query, _ = sql.result_columns(state, text, values)
        connection.execute(f"CREATE TABLE {ref.sql} AS {query}", values)
        _register(state, ref, sql.result_fields(state, f"SELECT * FROM {ref.sql}"))
        _finish(state, job, ref, query_statistics.of(state, job, statement))


def _select_into(state: State, job: Json, statement: Statement, named: Json) -> None:
    to = destination.destination(_config(job), job["jobReference"]["projectId"], "WRITE_EMPTY")
    with state.database.writing() as connection, _interruptible(state, job):
        text, values = _translated(state, job, statement.text)
        query, _ = sql.result_columns(state, text, values)
        connection.execute(f"CREATE TEMP TABLE __result AS {query}", values)
        fields = sql.result_fields(state, "SELECT * FROM __result")
        statistics = query_statistics.of(state, job, statement)
        destination.store(state, to, "__result", fields, keeps_schema=False)
        connection.execute("DROP TABLE __result")
        job_records.finish(state, job, {"query": statistics, **_processed(statistics)}, {"destinationTable": named})


def _change(state: State, job: Json, statement: Statement) -> None:
    """DML and DDL: one statement, one transaction, with the job's end in it."""
    project, principal = job["jobReference"]["projectId"], job["user_email"]
    with state.database.writing(), _interruptible(state, job):
        statistics = query_statistics.of(state, job, statement)
        text = merge.expanded(state, statement.text, project, principal)
        _, fields, told = sql.run_statement(state, text, project, principal, _config(job).get("queryParameters"))
        statistics |= query_statistics.after_change(state, statement, told.get("query") or {}, project)
        if fields:
            statistics["schema"] = {"fields": fields}
        target = query_statistics.target(statement, project)
        reference = target.rest if target else None
        configuration = {"destinationTable": reference} if reference else None
        job_records.finish(state, job, {"query": statistics, **_processed(statistics)}, configuration)


def _script(state: State, job: Json, statement: Statement) -> None:
    """Each statement of a script stands for itself, as at Google: one that fails half-way has done the first half."""
    ref = _anonymous(state, job)
    project, principal = job["jobReference"]["projectId"], job["user_email"]
    with state.database.statements() as connection, _interruptible(state, job):
        spark_calls.refuse(state, _config(job), project, principal)
        parameters = _config(job).get("queryParameters")
        result, _, _ = sql.run_statement(state, statement.text, project, principal, parameters)
        statistics = query_statistics.of(state, job, statement)
        if isinstance(result, pa.Table) and result.num_columns > 0:
            connection.register("__script", result)
            query, _ = sql.result_columns(state, "SELECT * FROM __script", [])
            connection.execute(f"CREATE TABLE {ref.sql} AS {query}")
            connection.unregister("__script")
            _register(state, ref, sql.result_fields(state, f"SELECT * FROM {ref.sql}"))
            _finish(state, job, ref, statistics)
        else:
            job_records.finish(state, job, {"query": statistics, **_processed(statistics)})


def _anonymous(state: State, job: Json) -> TableRef:
    project, job_id = job_records.key(job)
    # The catalogue shows a data set before the transaction that creates it has ended: only the database tells.
    with state.database.reading() as connection:
        schema = schema_name(project, ANONYMOUS)
        there = connection.execute("SELECT 1 FROM duckdb_schemas() WHERE schema_name = ?", [schema]).fetchone()
    if there is None:
        with state.database.writing():
            if state.emulator.catalog.get_dataset(project, ANONYMOUS) is None:
                datasets.create(state, project, ANONYMOUS)
    return TableRef(project, ANONYMOUS, f"anon_{job_id}")


def _register(state: State, ref: TableRef, fields: list[Field]) -> None:
    meta = tables.new_table(ref, fields, {"expirationTime": milliseconds(now() + _LIFETIME)})
    state.emulator.catalog.create_table(meta)


def _finish(state: State, job: Json, ref: TableRef, statistics: Json) -> None:
    reference = ref.rest
    job_records.finish(state, job, {"query": statistics, **_processed(statistics)}, {"destinationTable": reference})


def _processed(statistics: Json) -> Json:
    return {"totalBytesProcessed": statistics["totalBytesProcessed"]}


def dry_run(state: State, job: Json) -> Json:
    """Checks a query and says what it would read; nothing runs and nothing is kept."""
    if job["configuration"]["jobType"] != "QUERY":
        raise unimplemented("A dry run of anything but a query")
    statement = _prepared(job)
    with state.database.reading() as connection:
        statistics = query_statistics.of(state, job, statement)
        if statement.kind == "SELECT":
            query, _ = sql.result_columns(state, *_translated(state, job, statement.text))
            statistics["schema"] = {
                "fields": sql.result_fields(state, query, _translated(state, job, statement.text)[1])
            }
        elif statement.kind in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            project, principal = job["jobReference"]["projectId"], job["user_email"]
            text, values = _translated(state, job, merge.expanded(state, statement.text, project, principal))
            connection.execute(f"EXPLAIN {text}", values)
    reference = {k: v for k, v in job["jobReference"].items() if k != "jobId"}
    done = {**job, "jobReference": reference, "status": {"state": "DONE"}}
    return {**done, "statistics": {**job["statistics"], "query": statistics, **_processed(statistics)}}


def answer(state: State, job: Json, call: Call) -> Json:
    """`jobs.query` and `getQueryResults`: what is there of the result by now."""
    if job["configuration"]["jobType"] != "QUERY":
        raise BigQueryError("invalid", f"Job {job['id']} is not a query job")
    one_call = call.method.endswith(".query")
    kind = "bigquery#queryResponse" if one_call else "bigquery#getQueryResultsResponse"
    body: Json = {"kind": kind, "jobReference": job["jobReference"], "jobComplete": job["status"]["state"] == "DONE"}
    if not body["jobComplete"]:
        return body
    failed = job["status"].get("errorResult")
    if failed:
        raise BigQueryError(failed["reason"], failed["message"], failed.get("location"))
    statistics = job["statistics"]["query"]
    body |= {"totalBytesProcessed": statistics["totalBytesProcessed"], "cacheHit": False}
    if statistics.get("numDmlAffectedRows") is not None:
        body |= {
            k: statistics[k]
            for k in ("numDmlAffectedRows", "dmlStats")
            if k in statistics and (one_call or k == "numDmlAffectedRows")
        }
    named = _config(job).get("destinationTable")
    if statistics.get("schema") or not named or statistics["statementType"] not in ("SELECT", "SCRIPT"):
        return {**body, "schema": statistics.get("schema") or {"fields": []}, "totalRows": "0"}
    ref = TableRef.of(named, job["jobReference"]["projectId"])
    with state.database.reading():
        fields = tables.fields(state, ref)
        body |= {"schema": {"fields": fields}, **table_rows.rows_page(state, ref, fields, call)}
    return body if one_call else {**body, "etag": datasets.etag(body)}
