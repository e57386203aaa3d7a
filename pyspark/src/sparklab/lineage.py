"""Where rows come from: the columns by which each can be followed back to its batch, its stack and its commit."""

from __future__ import annotations

import json
from importlib.resources import files

OF_THE_ATTEMPT = ("pipeline_execution_dt", "stack", "git_commit")
"""Columns that may differ when the same run is made again: when, and by which deployment of the code."""


def batch_id(job: str, pipeline_id: str) -> str:
    """Give the id of a job's batch in a pipeline run: a retry of the run has the same."""
    return f"{job.replace('_', '-')}-{pipeline_id}"


def origin() -> dict[str, str | None]:
    """Say which stack deployed this package, from which commit; None where it was not deployed."""
    written = files("sparklab") / "origin.json"
    known = json.loads(written.read_text(encoding="utf-8")) if written.is_file() else {}
    return {column: known.get(column) for column in ("stack", "git_commit")}
