"""Jobs: bigquery.jobs.*. A job's end is committed together with what it did, so a killed job has done nothing."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

from . import copy_job, datasets, job_records, job_requests, load_job, query_job
from .errors import BigQueryError, as_bigquery_error, duplicate, invalid, not_found
from .load_files import SourceFile
from .state import Call, Json, State

_log = logging.getLogger(__name__)
_RUNNERS: dict[str, Callable[[State, Json], None]] = {"query": query_job.run, "copy": copy_job.run}
# A short wait inside the request saves clients a round of polling.
_PATIENCE_SECONDS = 2.0
_QUERY_TIMEOUT_MS = 10_000


class Jobs:
    """Starts jobs in threads of their own and tells how they stand."""

    def __init__(self, state: State, parallel: int) -> None:
        self._state = state
        self._pool = ThreadPoolExecutor(parallel, thread_name_prefix="job")
        self._running: dict[tuple[str, str], Future[None]] = {}
        # Ends that a full disk did not take; after a restart such a job is one that was interrupted.
        self._unsaved: dict[tuple[str, str], Json] = {}
        self._lock = threading.Lock()

    def recover(self) -> None:
        """Jobs that ran when the engine died have changed nothing: they failed, and may be sent again."""
        error = BigQueryError(
            "backendError", "The job was interrupted by a restart; nothing of it was applied. Retry it."
        )
        with self._state.database.writing() as connection:
            for row in connection.execute("SELECT body FROM sparklab.jobs").fetchall():
                job = json.loads(row[0])
                if job_records.runs_elsewhere(job):
                    self._running[job_records.key(job)] = Future()
                elif job["status"]["state"] != "DONE":
                    job_records.save(self._state, job_records.ended(job, error))

    def insert(self, call: Call) -> Json:
        job = self._start(call, call.body)
        if job["configuration"].get("dryRun") or "spark" in call.body:
            return job
        self._wait(job, _PATIENCE_SECONDS)
        return self.find(call.path["projectId"], job["jobReference"]["jobId"])

    def query(self, call: Call) -> Json:
        """`jobs.query`: a query job, its first page if it ends in time."""
        request = job_requests.of_query(call.body)
        job_id = request["jobReference"].get("jobId")
        if job_id:
            with self._state.database.reading():
                known = job_records.read(self._state, call.path["projectId"], job_id)
            if known:
                return self._results(known, call)
        return self._results(self._start(call, request), call)

    def spark_end(self, call: Call) -> Json:
        """Not Google's: the cloud tells that a Spark procedure has ended, perhaps more than once."""
        job = self.find(call.path["projectId"], call.body["jobId"])
        if job["status"]["state"] != "DONE":
            error = BigQueryError(**call.body["error"]) if call.body.get("error") else None
            with self._state.database.independent():
                job_records.save(self._state, job_records.ended(job, error))
        with self._lock:
            running = self._running.pop(job_records.key(job), None)
        if running:
            running.set_result(None)
        return {}

    def results(self, call: Call) -> Json:
        return self._results(self.find(call.path["projectId"], call.path["jobId"]), call)

    def _results(self, job: Json, call: Call) -> Json:
        if not job["configuration"].get("dryRun"):
            self._wait(job, min(call.number("timeoutMs", _QUERY_TIMEOUT_MS), 60_000) / 1000)
            job = self.find(job["jobReference"]["projectId"], job["jobReference"]["jobId"])
        return query_job.answer(self._state, job, call)

    def find(self, project: str, job_id: str) -> Json:
        if (project, job_id) in self._unsaved:
            return self._unsaved[(project, job_id)]
        with self._state.database.reading():
            job = job_records.read(self._state, project, job_id)
        if job is None:
            raise not_found(f"Job {project}:{job_id}")
        return job

    def list_all(self, call: Call) -> Json:
        states = {s.upper() for s in _strings(call.query.get("stateFilter"))}
        query = "SELECT body FROM sparklab.jobs WHERE project = ? ORDER BY created DESC, id"
        with self._state.database.reading() as connection:
            jobs = [json.loads(r[0]) for r in connection.execute(query, [call.path["projectId"]]).fetchall()]
        earliest, latest = call.number("minCreationTime", 0), call.number("maxCreationTime", 2**62)
        jobs = [
            {**job, "state": job["status"]["state"], "user_email": job["user_email"]}
            for job in jobs
            if (not states or job["status"]["state"] in states)
            and earliest <= int(job["statistics"]["creationTime"]) <= latest
            and (call.flag("allUsers") or job["user_email"] == call.principal)
            and not call.query.get("parentJobId")
        ]
        for job in jobs:
            if "errorResult" in job["status"]:
                job["errorResult"] = job["status"]["errorResult"]
        start, size = call.position() or 0, min(call.number("maxResults", 50), 1000)
        following = {"nextPageToken": str(start + size)} if len(jobs) > start + size else {}
        keep = (
            "id",
            "kind",
            "jobReference",
            "state",
            "errorResult",
            "statistics",
            "configuration",
            "status",
            "user_email",
        )
        items = [{k: job[k] for k in keep if k in job} for job in jobs[start : start + size]]
        return {"kind": "bigquery#jobList", "etag": datasets.etag({"items": items}), "jobs": items, **following}

    def cancel(self, call: Call) -> Json:
        project, job_id = call.path["projectId"], call.path["jobId"]
        self.find(project, job_id)
        query_job.interrupt(project, job_id)
        return {"kind": "bigquery#jobCancelResponse", "job": self.find(project, job_id)}

    def delete(self, call: Call) -> Json:
        project, job_id = call.path["projectId"], call.path["jobId"]
        if self.find(project, job_id)["status"]["state"] != "DONE":
            raise invalid(f"Cannot delete job {project}:{job_id}: it is still running")
        with self._state.database.writing() as connection:
            connection.execute("DELETE FROM sparklab.jobs WHERE project = ? AND id = ?", [project, job_id])
        return {}

    def close(self) -> None:
        for project, job_id in list(self._running):
            query_job.interrupt(project, job_id)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start(self, call: Call, request: Json) -> Json:
        job = job_requests.new_job(self._state, call, request)
        if job["configuration"].get("dryRun"):
            return query_job.dry_run(self._state, job)
        key = job_records.key(job)
        if "spark" in request:
            job["statistics"]["query"] = request["spark"]
        with self._lock, self._state.database.independent():
            if job_records.read(self._state, *key) is not None:
                raise duplicate(f"Job {key[0]}:{job['jobReference']['location']}.{key[1]}")
            job_records.save(self._state, job)
        with self._lock:
            self._running[key] = Future() if "spark" in request else self._pool.submit(self._run, job, request)
        return job

    def _run(self, job: Json, request: Json) -> None:
        kind = job["configuration"]["jobType"].lower()
        reference = job["jobReference"]
        files = [SourceFile(**file) for file in request.get("files") or []]
        try:
            if request.get("error"):
                raise BigQueryError(**request["error"])
            if kind == "load":
                load_job.run(self._state, job, files)
            else:
                _RUNNERS[kind](self._state, job)
        except Exception as thrown:
            text = job["configuration"].get("query", {}).get("query", "")
            error = as_bigquery_error(thrown, text, reference["location"])
            if error.reason == "internalError":
                _log.exception("job %s failed", job["id"])
            self._fail(job, error)
        finally:
            for file in files:
                if file.temporary:
                    Path(file.path).unlink(missing_ok=True)
            with self._lock:
                self._running.pop(job_records.key(job), None)

    def _fail(self, job: Json, error: BigQueryError) -> None:
        """A job whose end cannot be stored has ended all the same: who waits for it must learn so."""
        ended = job_records.ended(job, error)
        try:
            with self._state.database.independent():
                job_records.save(self._state, ended)
        except duckdb.Error:
            _log.exception("the end of job %s was not stored", job["id"])
            reference = job["jobReference"]
            self._unsaved[(reference["projectId"], reference["jobId"])] = ended

    def _wait(self, job: Json, seconds: float) -> None:
        reference = job["jobReference"]
        with self._lock:
            running = self._running.get((reference["projectId"], reference["jobId"]))
        if running is not None:
            try:
                running.result(timeout=seconds)
            except TimeoutError:
                return


def _strings(value: Any) -> list[str]:
    return [] if not value else value if isinstance(value, list) else [value]
