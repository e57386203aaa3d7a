"""One endpoint: POST /call/<method of Google's description>, guarded by the token of the cloud that started us."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from . import datasets, external, routines, spark_calls, table_methods, table_rows, uses
from .errors import as_bigquery_error, unimplemented
from .jobs import Jobs
from .state import Call, Json, State

_log = logging.getLogger(__name__)


def methods(state: State, jobs: Jobs) -> dict[str, Callable[[Call], Json]]:
    def of(work: Callable[[State, Call], Json]) -> Callable[[Call], Json]:
        return lambda call: work(state, call)

    return {
        "bigquery.projects.list": of(_projects),
        "bigquery.projects.getServiceAccount": of(_service_account),
        "bigquery.datasets.insert": of(datasets.insert),
        "bigquery.datasets.get": of(datasets.get),
        "bigquery.datasets.list": of(datasets.list_all),
        "bigquery.datasets.update": of(datasets.update),
        "bigquery.datasets.patch": of(datasets.patch),
        "bigquery.datasets.delete": of(datasets.delete),
        "bigquery.tables.insert": of(table_methods.insert),
        "bigquery.tables.get": of(table_methods.get),
        "bigquery.tables.list": of(table_methods.list_all),
        "bigquery.tables.update": of(table_methods.update),
        "bigquery.tables.patch": of(table_methods.patch),
        "bigquery.tables.delete": of(table_methods.delete),
        # Not Google's: what the cloud asks before queries, and tells of Spark that it ran for one.
        "queries.uses": of(uses.of_query),
        "spark.calls.find": of(spark_calls.find),
        "spark.calls.end": jobs.spark_end,
        "external.tables.list": of(external.list_all),
        "external.tables.refresh": of(external.refresh),
        "bigquery.tabledata.list": of(table_rows.list_rows),
        "bigquery.tabledata.insertAll": of(table_rows.insert_all),
        "bigquery.routines.insert": of(routines.insert),
        "bigquery.routines.get": of(routines.get),
        "bigquery.routines.list": of(routines.list_all),
        "bigquery.routines.update": of(routines.update),
        "bigquery.routines.delete": of(routines.delete),
        "bigquery.jobs.insert": jobs.insert,
        "bigquery.jobs.query": jobs.query,
        "bigquery.jobs.getQueryResults": jobs.results,
        "bigquery.jobs.get": lambda call: jobs.find(call.path["projectId"], call.path["jobId"]),
        "bigquery.jobs.list": jobs.list_all,
        "bigquery.jobs.cancel": jobs.cancel,
        "bigquery.jobs.delete": jobs.delete,
    }


def application(state: State, jobs: Jobs, token: str) -> Starlette:
    table = methods(state, jobs)
    expected = f"Bearer {token}"

    async def call(request: Request) -> JSONResponse:
        if not hmac.compare_digest(request.headers.get("authorization", ""), expected):
            return JSONResponse({"error": {"code": 401, "message": "This engine answers its own cloud only."}}, 401)
        name = request.path_params["method"]
        sent: dict[str, Any] = json.loads(await request.body())
        try:
            if name not in table:
                raise unimplemented(f"Method {name}")
            return JSONResponse(await run_in_threadpool(table[name], Call(method=name, **sent)))
        except Exception as thrown:
            error = as_bigquery_error(thrown, _text(sent["body"]), state.location)
            if error.reason == "internalError":
                _log.exception("%s failed", name)
            return JSONResponse(error.body(), error.http)

    return Starlette(routes=[Route("/call/{method}", call, methods=["POST"])])


def _text(body: Json) -> str:
    """The query of `jobs.query` or `jobs.insert`, whose errors tell places in it."""
    asked = (body.get("configuration") or {}).get("query") or body
    return str(asked.get("query") or "")


def _projects(state: State, _: Call) -> Json:
    reference = {"projectId": state.project}
    one = {
        "kind": "bigquery#project",
        "id": state.project,
        "projectReference": reference,
        "friendlyName": state.project,
    }
    return {"kind": "bigquery#projectList", "projects": [one], "totalItems": 1}


def _service_account(state: State, _: Call) -> Json:
    email = f"bq-{state.project}@bigquery-encryption.iam.gserviceaccount.com"
    return {"kind": "bigquery#getServiceAccountResponse", "email": email}
