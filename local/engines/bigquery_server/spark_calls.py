"""CALL of a stored procedure that runs Spark: what is called, with which arguments. The cloud runs it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
from bqemulator.domain.errors import DomainError
from bqemulator.scripting.ast import CallStmt, Statement
from bqemulator.scripting.parser import parse_script
from sqlglot.errors import SqlglotError

from . import job_requests, sql
from .errors import BigQueryError, unimplemented
from .state import Call, Json, State, get_document

# Python's types of the values that an argument of each of BigQuery's types takes without a cast.
_TYPES: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "BOOL": (bool,),
    "INT64": (int,),
    "FLOAT64": (float, int, Decimal),
}


def alone(state: State, config: Json, project: str) -> tuple[Json, tuple[str, ...]] | None:
    """The Spark procedure that a query calls and does nothing else, and the call's arguments as they are written."""
    statements = parse_script(config.get("query") or "").statements
    if len(statements) != 1 or not isinstance(statements[0], CallStmt):
        return None
    routine = _procedure(state, statements[0], config, project)
    return (routine, statements[0].arg_exprs) if routine else None


def find(state: State, call: Call) -> Json:
    """Not Google's: the Spark procedure that a request calls, for the cloud to run; nothing for other requests."""
    request = call.body if "configuration" in call.body else job_requests.of_query(call.body)
    project, config = call.path["projectId"], request["configuration"].get("query") or {}
    with state.database.reading():
        try:
            found = alone(state, config, project)
            values = arguments(state, config, found[0], project, call.principal) if found else {}
        except (BigQueryError, DomainError, SqlglotError, duckdb.Error):
            # A call that is wrong is an ordinary job, which fails by the same reading.
            return {}
        if not found:
            return {}
        reference: Json = {"location": job_requests.location(state, config, project)}
    reference |= {k: v for k, v in (request.get("jobReference") or {}).items() if v}
    reference.setdefault("jobId", job_requests.new_id())
    return {"request": {**request, "jobReference": reference}, "routine": found[0], "arguments": values}


def arguments(state: State, config: Json, routine: Json, project: str, principal: str) -> Json:
    """Each parameter's argument as the JSON that the procedure finds in its environment."""
    called = alone(state, config, project)
    written = called[1] if called else ()
    parameters = routine.get("arguments") or []
    name = ".".join(routine["routineReference"][key] for key in ("projectId", "datasetId", "routineId"))
    if len(written) != len(parameters):
        counts = f"expected {len(parameters)}, got {len(written)}"
        raise BigQueryError("invalidQuery", f"Wrong number of arguments for procedure {name}: {counts}", "query")
    if not written:
        return {}
    select = sql.prepared(f"SELECT {', '.join(f'({text})' for text in written)}", config, project).text
    text, values = sql.translated(state, select, project, principal, config.get("queryParameters"))
    row = state.database.connection.execute(text, values).fetchone() or ()
    pairs = zip(parameters, row, strict=True)
    return {parameter["name"]: _encoded(parameter, value, name) for parameter, value in pairs}


def refuse(state: State, config: Json, project: str, principal: str) -> None:
    """Fails a script whose Spark the cloud does not run: its one call is wrong, or it does more than call."""
    one = alone(state, config, project)
    if one:
        arguments(state, config, one[0], project, principal)
    statements = parse_script(config.get("query") or "").statements
    if any(_procedure(state, call, config, project) for call in _calls(statements)):
        raise unimplemented("A CALL of a Spark procedure among other statements")


def _procedure(state: State, call: CallStmt, config: Json, project: str) -> Json | None:
    parts = call.routine_ref.replace("`", "").split(".")
    default = config.get("defaultDataset") or {}
    owner, dataset, name = [default.get("projectId") or project, default.get("datasetId") or "", *parts][-3:]
    if len(parts) == 2:
        owner = project
    routine = get_document(state, f"routines/{owner}/{dataset}/{name}")
    return routine if routine and routine.get("sparkOptions") else None


def _calls(node: Any) -> Iterator[CallStmt]:
    """All calls in a script, however deep they stand."""
    if isinstance(node, CallStmt):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _calls(part)
    elif isinstance(node, Statement):
        for field in dataclasses.fields(node):
            yield from _calls(getattr(node, field.name))


def _encoded(parameter: Json, value: Any, routine: str) -> str:
    name, mode = parameter["name"], parameter.get("mode") or "IN"
    kind = (parameter.get("dataType") or {}).get("typeKind", "")
    if mode != "IN" or kind not in _TYPES:
        raise unimplemented(f"Parameter {name} of procedure {routine}: mode {mode} and type {kind}")
    fits = value is None or (isinstance(value, _TYPES[kind]) and isinstance(value, bool) == (kind == "BOOL"))
    if not fits:
        message = f"Parameter {name} of procedure {routine}: expected {kind}, got {value!r}"
        raise BigQueryError("invalidQuery", message, "query")
    return json.dumps(float(value) if isinstance(value, Decimal) else value)
