"""BigQuery's errors: one exception with Google's reason, HTTP code and gRPC status; others are turned into it."""

from __future__ import annotations

import errno
import re
from typing import Any

import duckdb
import grpc
from bqemulator.domain.errors import DomainError
from bqemulator.jobs.error_mapper import translate_runtime_error
from sqlglot.errors import SqlglotError

Json = dict[str, Any]

_FULL = re.compile(r"No space left on device|File too large|Disk quota exceeded", re.IGNORECASE)

# Reason -> (HTTP code, canonical status). Source: https://cloud.google.com/bigquery/docs/error-messages
REASONS: dict[str, tuple[int, str]] = {
    "invalid": (400, "INVALID_ARGUMENT"),
    "invalidQuery": (400, "INVALID_ARGUMENT"),
    "outOfRange": (400, "OUT_OF_RANGE"),
    "resourceInUse": (400, "FAILED_PRECONDITION"),
    "accessDenied": (403, "PERMISSION_DENIED"),
    "quotaExceeded": (403, "RESOURCE_EXHAUSTED"),
    "notFound": (404, "NOT_FOUND"),
    "duplicate": (409, "ALREADY_EXISTS"),
    "conditionNotMet": (412, "FAILED_PRECONDITION"),
    "stopped": (499, "CANCELLED"),
    "internalError": (500, "INTERNAL"),
    "notImplemented": (501, "UNIMPLEMENTED"),
    "backendError": (503, "UNAVAILABLE"),
}


class BigQueryError(Exception):
    """An error as BigQuery answers it; `location` says where in the query or which file."""

    def __init__(self, reason: str, message: str, location: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.location = location
        self.http, self.status = REASONS[reason]

    def proto(self) -> Json:
        """`ErrorProto`, as a job's status carries it."""
        located = {"location": self.location} if self.location else {}
        return {"reason": self.reason, **located, "message": self.message}

    def body(self) -> Json:
        """The answer of a failed HTTP request."""
        error = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location:
            error |= {"location": self.location, "locationType": "other"}
        return {"error": {"code": self.http, "message": self.message, "errors": [error], "status": self.status}}

    def grpc_code(self) -> grpc.StatusCode:
        return grpc.StatusCode[self.status]


def not_found(what: str) -> BigQueryError:
    return BigQueryError("notFound", f"Not found: {what}")


def duplicate(what: str) -> BigQueryError:
    return BigQueryError("duplicate", f"Already Exists: {what}")


def invalid(message: str, location: str | None = None) -> BigQueryError:
    return BigQueryError("invalid", message, location)


def unimplemented(what: str) -> BigQueryError:
    return BigQueryError("notImplemented", f"{what}: not implemented by this engine.")


def as_bigquery_error(error: Exception, text: str = "", location: str = "US") -> BigQueryError:
    """What a statement threw, as BigQuery says it of its `text`, run in `location`; the unknown is internal."""
    if isinstance(error, BigQueryError):
        return error
    if _is_full_disk(error):
        message = "The disk that holds this cloud's tables is full. Free space, then repeat the request."
        return BigQueryError("quotaExceeded", message)
    if isinstance(error, duckdb.InterruptException):
        return BigQueryError("stopped", "Job execution was cancelled: User requested cancellation")
    if not isinstance(error, (DomainError, duckdb.Error, SqlglotError)):
        return BigQueryError("internalError", f"{type(error).__name__}: {error}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return BigQueryError("backendError", f"Resources exceeded during query execution: {_first_line(error)}")
    if isinstance(error, duckdb.ConstraintException):
        return invalid(_constraint(_first_line(error)))
    if isinstance(error, (duckdb.FatalException, duckdb.InternalException, duckdb.IOException)):
        return BigQueryError("internalError", f"{type(error).__name__}: {error}")
    unknown = re.search(r'Referenced (?:column|table) "([^"]+)" (?:was )?not found', str(error))
    if unknown:
        return BigQueryError("invalidQuery", f"Unrecognized name: {unknown[1]}{_place(text, unknown[1])}", "query")
    bad = re.search(r"Could not convert string '(.*?)' to (\w+)", str(error))
    if bad:
        return BigQueryError("invalidQuery", f"Bad {bad[2].lower()} value: {bad[1]}", "query")
    translated = error if isinstance(error, DomainError) else translate_runtime_error(error)
    if isinstance(translated, DomainError):
        if "constraint failed" in translated.message:
            return invalid(_constraint(translated.message))
        reason = translated.bq_reason if translated.bq_reason in REASONS else "invalid"
        return BigQueryError(reason, _google_wording(translated.message, location), translated.location)
    return BigQueryError("invalidQuery", _first_line(error), "query")


def _is_full_disk(error: Exception) -> bool:
    """DuckDB passes on the system's text. EFBIG is a process's limit in place of the disk's."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, duckdb.Error) and bool(_FULL.search(str(error)))


def _first_line(error: Exception) -> str:
    """DuckDB's message without its own, translated text of the statement."""
    return str(error).split("\n\nLINE", maxsplit=1)[0].strip()


def _place(text: str, name: str) -> str:
    """Where a name stands in a text: ` at [line:column]`."""
    found = re.search(rf"(?<![\w.]){re.escape(name)}\b", text, re.IGNORECASE)
    if not found:
        return ""
    before = text[: found.start()]
    return f" at [{before.count(chr(10)) + 1}:{found.start() - before.rfind(chr(10))}]"


def _constraint(text: str) -> str:
    """DuckDB names `schema.table.column` by its table and column."""
    found = re.search(r"NOT NULL constraint failed: \S*?\.?([^.\s]+)$", text.split("\n")[0])
    return f"Required field {found[1]} cannot be null" if found else text


def _google_wording(message: str, location: str) -> str:
    """Names as Google writes them (`project:dataset.table`), the place where the query ran, no translated text."""

    def reword(found: re.Match[str]) -> str:
        prefix, kind, name = found[1], found[2].capitalize(), found[3]
        project, _, rest = name.partition(".")
        return f"{prefix}: {kind} {project}:{rest}" if rest else f"{prefix}: {kind} {project}"

    message = re.sub(r"^Query execution failed: (Invalid Input Error: )?", "", message)
    kinds = "table|dataset|routine|job|model"
    message = re.sub(rf"(Not found|Already Exists): ((?i:{kinds}))[: ]([\w-]+(?:\.[\w-]+)*)", reword, message)
    return message.split("\n\nLINE", maxsplit=1)[0].replace("in location US", f"in location {location}").strip()
