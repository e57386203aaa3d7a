"""Read sessions: the rows of one moment in an Arrow file, in batches of a known size, found again by their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from bqemulator.streaming.avro_serializer import arrow_schema_to_avro_json

from .errors import invalid, not_found
from .schema import Field, mode
from .state import State

_STREAM = re.compile(r"^(projects/[^/]+/locations/[^/]+/sessions/([0-9a-f]{32}))/streams/(\d+)-(\d+)$")
# A message holds at most this many bytes of rows; Google's are of this order.
_MESSAGE_BYTES = 1 << 20
_MOST_ROWS = 10_000


@dataclass(frozen=True)
class Session:
    """Where a session's rows lie and how they are read."""

    file: Path
    data_format: str
    avro_schema: str
    batch_rows: int


def spool(state: State, session_id: str, result: Any, fields: list[Field], data_format: str) -> tuple[int, Session]:
    file = _file(state, session_id)
    file.parent.mkdir(exist_ok=True)
    first: pa.RecordBatchReader = result.to_arrow_reader(_MOST_ROWS)
    required = [f["name"] for f in fields if mode(f) == "REQUIRED"]
    schema = pa.schema(
        [pa.field(f.name, f.type, nullable=f.name not in required) for f in first.schema],
    )
    rows, batch_rows = 0, 0
    avro = ""
    if data_format == "AVRO":
        avro = arrow_schema_to_avro_json(schema, required_field_names=frozenset(required))
    writing = file.with_suffix(".writing")
    with pa.OSFile(str(writing), "wb") as sink:
        writer: Any = None
        rest: list[pa.RecordBatch] = []
        for batch in first:
            if writer is None:
                batch_rows = max(1, min(_MOST_ROWS, int(_MESSAGE_BYTES * batch.num_rows / max(batch.nbytes, 1))))
                about = {"format": data_format, "avro": avro, "batch_rows": str(batch_rows)}
                writer = pa.ipc.new_file(sink, schema.with_metadata(about))
            rest.append(batch.cast(schema))
            rest = _write_whole(writer, rest, batch_rows, schema)
            rows += batch.num_rows
        if writer is None:
            writer = pa.ipc.new_file(
                sink, schema.with_metadata({"format": data_format, "avro": avro, "batch_rows": "1"})
            )
        for batch in (
            pa.Table.from_batches(rest, schema=schema).combine_chunks().to_batches(max_chunksize=batch_rows or 1)
        ):
            writer.write_batch(batch.replace_schema_metadata(None))
        writer.close()
    writing.rename(file)
    return rows, Session(file, data_format, avro, batch_rows or 1)


def _write_whole(writer: Any, batches: list[pa.RecordBatch], size: int, schema: pa.Schema) -> list[pa.RecordBatch]:
    """Writes batches of exactly `size` rows, so that a row's batch is known from its number; returns what is left."""
    table = pa.Table.from_batches(batches, schema=schema)
    whole = table.num_rows // size * size
    for batch in table.slice(0, whole).combine_chunks().to_batches(max_chunksize=size):
        writer.write_batch(batch)
    return table.slice(whole).to_batches()


def _file(state: State, session_id: str) -> Path:
    return state.folder / "sessions" / f"{session_id}.arrow"


def open_batches(session: Session) -> Any:
    reader = pa.ipc.open_file(pa.memory_map(str(session.file)))
    return Batches(reader, reader.schema.remove_metadata())


@dataclass(frozen=True)
class Batches:
    """An open session file."""

    reader: Any
    schema: pa.Schema


def find(state: State, stream: str) -> tuple[Session, str, int, int]:
    found = _STREAM.match(stream)
    if not found:
        raise invalid(f"Invalid stream name: {stream}")
    file = _file(state, found[2])
    if not file.exists():
        raise not_found(f"Read stream {stream}: the session has expired or never was")
    about = {k.decode(): v.decode() for k, v in pa.ipc.open_file(pa.memory_map(str(file))).schema.metadata.items()}
    return (
        Session(file, about["format"], about["avro"], int(about["batch_rows"])),
        found[1],
        int(found[3]),
        int(found[4]),
    )
