"""BigQuery Storage Read: a session is a file with the rows of one moment, so that streams outlive the process."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import grpc
import pyarrow as pa
from bqemulator.sql.translator import SQLTranslator
from bqemulator.streaming.avro_serializer import serialize_arrow_table_to_avro_rows
from google.cloud.bigquery_storage_v1 import types

from . import read_sessions, tables
from .emulator import caller
from .errors import BigQueryError, invalid, unimplemented
from .schema import Field, mode, quoted
from .state import State
from .table_refs import TableRef

_TABLE = re.compile(r"^projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)$")
# Below this a second stream costs more than it saves.
_STREAM_ROWS = 20_000
_MOST_STREAMS = 16


def create_session(state: State, request: Any, principal: str) -> Any:
    wanted = request.read_session
    found = _TABLE.match(wanted.table)
    if not found:
        raise invalid(f"Invalid table: got {wanted.table!r}; expected projects/P/datasets/D/tables/T")
    if types.ReadSession.pb(wanted).table_modifiers.HasField("snapshot_time"):
        raise unimplemented("table_modifiers.snapshot_time (time travel)")
    data_format = types.DataFormat(wanted.data_format or types.DataFormat.ARROW)
    ref = TableRef(*found.groups())
    session_id = uuid.uuid4().hex
    with state.database.reading() as connection:
        meta = tables.find(state, ref)
        if meta.table_type == "VIEW":
            raise invalid(f"request failed: table type of VIEW not supported: {ref}")
        fields = _projected(tables.fields(state, ref), list(wanted.read_options.selected_fields))
        where = _where(wanted.read_options.row_restriction, principal)
        query = f"SELECT {_picked(fields)} FROM {ref.sql}{where}"
        size = tables.counted(state, ref, meta)[1]
        rows, session = read_sessions.spool(state, session_id, connection.execute(query), fields, data_format.name)
    streams = _ranges(rows, request.max_stream_count, request.preferred_min_stream_count)
    name = f"projects/{ref.project}/locations/{state.location}/sessions/{session_id}"
    answer = types.ReadSession(
        name=name,
        table=wanted.table,
        data_format=data_format,
        read_options=wanted.read_options,
        streams=[types.ReadStream(name=f"{name}/streams/{first}-{end}") for first, end in streams],
        estimated_row_count=rows,
        estimated_total_bytes_scanned=size,
    )
    if data_format == types.DataFormat.AVRO:
        answer.avro_schema = types.AvroSchema(schema=session.avro_schema)
    else:
        # The schema message alone: after an end-of-stream mark Java's reader sees no rows.
        answer.arrow_schema = types.ArrowSchema(
            serialized_schema=read_sessions.open_batches(session).schema.serialize().to_pybytes()
        )
    return answer


def _projected(fields: list[Field], selected: list[str]) -> list[Field]:
    """Columns in the table's order; `a.b` takes a part of a record."""
    if not selected:
        return fields
    paths = {path.lower() for path in selected}
    unknown = [p for p in selected if not _exists(fields, p.lower().split("."))]
    if unknown:
        raise invalid(
            f"request failed: The following selected fields do not exist in the table schema: {', '.join(unknown)}"
        )
    chosen: list[Field] = []
    for field in fields:
        name = field["name"].lower()
        below = [p.partition(".")[2] for p in paths if p.startswith(f"{name}.")]
        if name in paths:
            chosen.append(field)
        elif below:
            chosen.append({**field, "fields": _projected(field["fields"], below)})
    return chosen


def _exists(fields: list[Field], path: list[str]) -> bool:
    found = [f for f in fields if f["name"].lower() == path[0]]
    return bool(found) and (len(path) == 1 or _exists(found[0].get("fields", []), path[1:]))


def _picked(fields: list[Field]) -> str:
    return ", ".join(f"{_part(quoted(f['name']), f, 0)} AS {quoted(f['name'])}" for f in fields) or "NULL AS none"


def _part(value: str, field: Field, depth: int) -> str:
    if field["type"] != "RECORD":
        return f"coalesce({value}, [])" if mode(field) == "REPEATED" else value
    element = f"e{depth}"
    inner = element if mode(field) == "REPEATED" else value
    pairs = [(quoted(f["name"]), f) for f in field["fields"]]
    parts = ", ".join(f"{name} := {_part(f'{inner}.{name}', f, depth + 1)}" for name, f in pairs)
    if mode(field) == "REPEATED":
        return f"coalesce(list_transform({value}, lambda {element}: struct_pack({parts})), [])"
    return f"CASE WHEN {value} IS NULL THEN NULL ELSE struct_pack({parts}) END"


def _where(restriction: str, principal: str) -> str:
    """A filter in BigQuery's SQL. One that cannot be understood fails the request: without it more rows would come."""
    if not restriction.strip():
        return ""
    import sqlglot

    try:
        tree = sqlglot.parse_one(f"SELECT 1 FROM t WHERE ({restriction})", read="bigquery")
    except sqlglot.errors.ParseError as error:
        raise invalid(f"request failed: Error in filter: {restriction}") from error
    if any(tree.find_all(sqlglot.exp.Subquery)) or len(list(tree.find_all(sqlglot.exp.Select))) > 1:
        raise invalid(f"request failed: a filter cannot hold a query: {restriction}")
    result = SQLTranslator().translate(f"SELECT 1 FROM t WHERE ({restriction})", caller=caller(principal))
    if not hasattr(result, "value"):
        raise invalid(f"request failed: Error in filter: {restriction}")
    where = sqlglot.parse_one(result.value, read="duckdb").args["where"]
    return f" {where.sql(dialect='duckdb')}"


def _ranges(rows: int, most: int, fewest: int) -> list[tuple[int, int]]:
    if rows == 0:
        return []
    wanted = max(1, -(-rows // _STREAM_ROWS), min(fewest, rows // 1000))
    count = min(wanted, most or _MOST_STREAMS, _MOST_STREAMS)
    edges = [rows * i // count for i in range(count + 1)]
    return list(pairwise(edges))


def read_rows(state: State, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
    session, _, first, end = read_sessions.find(state, request.read_stream)
    # A client that lost its connection goes on where it was.
    position = first + request.offset
    if request.offset < 0 or position > end:
        raise BigQueryError(
            "outOfRange", f"offset {request.offset} is beyond the {end - first} rows of {request.read_stream}"
        )
    batches = read_sessions.open_batches(session)
    is_first = True
    while position < end and context.is_active():
        index, inside = divmod(position, session.batch_rows)
        batch = batches.reader.get_batch(index).slice(inside, end - position)
        done = {"at_response_start": (position - first) / (end - first)}
        position += batch.num_rows
        done["at_response_end"] = (position - first) / (end - first)
        stats = types.StreamStats(progress=types.StreamStats.Progress(**done))
        answer = types.ReadRowsResponse(row_count=batch.num_rows, stats=stats)
        if session.data_format == "AVRO":
            table = pa.Table.from_batches([batch.replace_schema_metadata(None)])
            answer.avro_rows = types.AvroRows(
                serialized_binary_rows=serialize_arrow_table_to_avro_rows(table, session.avro_schema)
            )
            if is_first:
                answer.avro_schema = types.AvroSchema(schema=session.avro_schema)
        else:
            answer.arrow_record_batch = types.ArrowRecordBatch(serialized_record_batch=batch.serialize().to_pybytes())
            if is_first:
                answer.arrow_schema = types.ArrowSchema(serialized_schema=batches.schema.serialize().to_pybytes())
        is_first = False
        yield answer


def split_stream(state: State, request: Any) -> Any:
    """Two streams with the rows of one, none twice; nothing where a part would be empty."""
    _, name, first, end = read_sessions.find(state, request.name)
    middle = first + int((end - first) * (request.fraction or 0.5))
    if not first < middle < end:
        return types.SplitReadStreamResponse()
    primary, remainder = (types.ReadStream(name=f"{name}/streams/{a}-{b}") for a, b in ((first, middle), (middle, end)))
    return types.SplitReadStreamResponse(primary_stream=primary, remainder_stream=remainder)
