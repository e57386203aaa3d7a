"""Write streams: rows that wait for their commit lie in the database, so streams survive the process."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, replace

import pyarrow as pa

from . import table_rows, tables
from .errors import BigQueryError, invalid, not_found
from .schema import Field, columns, names, quoted
from .state import State
from .table_refs import TableRef

_PARENT = re.compile(r"^projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)$")
# Clients name the default stream in either way.
_STREAM = re.compile(r"^projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)/(?:streams/)?([\w-]+)$")
_DEFAULT = "_default"
# Streams that nobody committed.
_LIFETIME_SECONDS = 24 * 3600


class StreamError(Exception):
    """An append or commit that a stream refuses; `code` is of `StorageError`, `status` gRPC's name."""

    def __init__(self, code: str, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Stream:
    """A write stream as its record tells it."""

    name: str
    ref: TableRef
    # COMMITTED, PENDING, BUFFERED, or DEFAULT.
    kind: str
    # OPEN, FINALIZED, COMMITTED.
    state: str = "OPEN"
    next_offset: int = 0
    flushed: int = 0

    @property
    def staging(self) -> str:
        return f"sparklab_streams.{quoted(self.name.rsplit('/', 1)[1])}"

    @property
    def waits(self) -> bool:
        return self.kind in ("PENDING", "BUFFERED")


def table_of(parent: str) -> TableRef:
    found = _PARENT.match(parent)
    if not found:
        raise invalid(f"Invalid table: got {parent!r}; expected projects/P/datasets/D/tables/T")
    return TableRef(*found.groups())


def create(state: State, parent: str, kind: str) -> Stream:
    if kind not in ("COMMITTED", "PENDING", "BUFFERED"):
        raise invalid(f"Invalid write stream type: got {kind}; expected COMMITTED, PENDING or BUFFERED")
    ref = table_of(parent)
    stream = Stream(f"{parent}/streams/{uuid.uuid4().hex}", ref, kind)
    with state.database.writing() as connection:
        fields = _writable(state, ref)
        if stream.waits:
            connection.execute(f"CREATE TABLE {stream.staging} ({columns(fields)}, __offset BIGINT NOT NULL)")
        _save(state, stream)
    return stream


def _writable(state: State, ref: TableRef) -> list[Field]:
    if tables.find(state, ref).table_type != "TABLE":
        raise invalid(f"Cannot write to {ref}: it is not a table")
    return tables.fields(state, ref)


def find(state: State, name: str) -> Stream:
    """Inside a scope."""
    found = _STREAM.match(name)
    if not found:
        raise invalid(f"Invalid stream name. Entity: {name}")
    ref = TableRef(*found.groups()[:3])
    if found[4] == _DEFAULT:
        _writable(state, ref)
        return Stream(name, ref, "DEFAULT")
    row = state.database.connection.execute(
        "SELECT kind, state, next_offset, flushed FROM sparklab.streams WHERE name = ?", [name]
    ).fetchone()
    if row is None:
        raise not_found(f"Requested entity was not found. Entity: {name}")
    return Stream(name, ref, *row)


def append(state: State, name: str, fields: list[Field], rows: pa.Table, offset: int | None) -> int | None:
    """Stores rows and the stream's position in one transaction; answers the offset of the first."""
    with state.database.writing() as connection:
        stream = find(state, name)
        if stream.kind == "DEFAULT":
            if offset is not None:
                raise StreamError(
                    "INVALID_STREAM_TYPE", "INVALID_ARGUMENT", "offset must not be set for the default stream"
                )
            table_rows.append(state, stream.ref, fields, rows)
            return None
        if stream.state != "OPEN":
            raise StreamError("STREAM_FINALIZED", "FAILED_PRECONDITION", f"Stream is finalized: {name}")
        expected = stream.next_offset
        if offset is not None and offset != expected:
            early = offset < expected
            where = "within stream" if early else "beyond stream"
            raise StreamError(
                "OFFSET_ALREADY_EXISTS" if early else "OFFSET_OUT_OF_RANGE",
                "ALREADY_EXISTS" if early else "OUT_OF_RANGE",
                f"The offset is {where}, expected offset {expected}, received {offset}",
            )
        if stream.waits and rows.num_rows:
            offsets = pa.array(range(expected, expected + rows.num_rows), pa.int64())
            staged = [*fields, {"name": "__offset", "type": "INTEGER"}]
            table_rows.insert(connection, stream.staging, staged, rows.append_column("__offset", offsets))
        elif rows.num_rows:
            table_rows.append(state, stream.ref, fields, rows)
        _save(state, replace(stream, next_offset=expected + rows.num_rows))
        return expected


def finalize(state: State, name: str) -> int:
    with state.database.writing():
        stream = find(state, name)
        if stream.kind == "DEFAULT":
            raise invalid("The default stream cannot be finalized")
        if stream.state == "OPEN":
            _save(state, replace(stream, state="FINALIZED"))
        return stream.next_offset


def commit(state: State, parent: str, wanted: list[str]) -> list[tuple[str, str, str]]:
    """All streams or none, in one transaction; answers what is wrong with them: (code, stream, message)."""
    ref = table_of(parent)
    problems: list[tuple[str, str, str]] = []
    with state.database.writing() as connection:
        fields = _writable(state, ref)
        streams: list[Stream] = []
        for name in wanted:
            try:
                stream = find(state, name)
            except BigQueryError as error:
                problems.append(("STREAM_NOT_FOUND", name, error.message))
                continue
            problem = _commit_problem(stream, ref)
            problems += [(problem[0], name, problem[1])] if problem else []
            streams.append(stream)
        if problems:
            return problems
        for stream in streams:
            picked = f"SELECT {names(fields)} FROM {stream.staging} ORDER BY __offset"
            connection.execute(f"INSERT INTO {ref.sql} ({names(fields)}) {picked}")
            connection.execute(f"DROP TABLE {stream.staging}")
            _save(state, replace(stream, state="COMMITTED"))
        state.emulator.snapshots.record_change(ref.project, ref.dataset, ref.table)
    return []


def _commit_problem(stream: Stream, ref: TableRef) -> tuple[str, str] | None:
    if stream.ref != ref:
        return "INVALID_STREAM_TYPE", f"Stream {stream.name} does not write to {ref}"
    if stream.kind != "PENDING":
        return "INVALID_STREAM_TYPE", f"Only PENDING streams can be committed; {stream.name} is {stream.kind}"
    if stream.state == "COMMITTED":
        return "STREAM_ALREADY_COMMITTED", f"Stream {stream.name} is already committed"
    if stream.state != "FINALIZED":
        return "INVALID_STREAM_STATE", f"Stream {stream.name} must be finalized before it is committed"
    return None


def flush(state: State, name: str, offset: int) -> int:
    """Makes the rows up to `offset`, it included, visible."""
    with state.database.writing() as connection:
        stream = find(state, name)
        if stream.kind != "BUFFERED":
            raise invalid(f"FlushRows needs a BUFFERED stream; {name} is {stream.kind}")
        if offset >= stream.next_offset:
            raise BigQueryError("outOfRange", f"offset {offset} is beyond the stream's {stream.next_offset} rows")
        fields = _writable(state, stream.ref)
        connection.execute(
            f"INSERT INTO {stream.ref.sql} ({names(fields)}) SELECT {names(fields)} FROM {stream.staging} "
            "WHERE __offset >= ? AND __offset <= ? ORDER BY __offset",
            [stream.flushed, offset],
        )
        connection.execute(f"DELETE FROM {stream.staging} WHERE __offset <= ?", [offset])
        _save(state, replace(stream, flushed=max(stream.flushed, offset + 1)))
        state.emulator.snapshots.record_change(stream.ref.project, stream.ref.dataset, stream.ref.table)
    return offset


def sweep(state: State) -> None:
    """Forgets streams that are older than a day, and rows that nobody committed."""
    with state.database.writing() as connection:
        old = connection.execute(
            "SELECT name FROM sparklab.streams WHERE created < ?", [int(time.time()) - _LIFETIME_SECONDS]
        ).fetchall()
        for (name,) in old:
            connection.execute(f"DROP TABLE IF EXISTS {find(state, name).staging}")
            connection.execute("DELETE FROM sparklab.streams WHERE name = ?", [name])


def _save(state: State, stream: Stream) -> None:
    state.database.connection.execute(
        "INSERT INTO sparklab.streams VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "state = excluded.state, next_offset = excluded.next_offset, flushed = excluded.flushed",
        [stream.name, stream.kind, stream.state, stream.next_offset, stream.flushed, int(time.time())],
    )
