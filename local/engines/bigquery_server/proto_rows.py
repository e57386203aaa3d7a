"""Rows of the Storage Write API: protocol buffers of the client's own schema, and Arrow batches, as typed columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from .errors import invalid
from .schema import Field, mode
from .values import WIDE, arrow_schema, arrow_type, numeric

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Convert = Callable[[Any], Any]


class BadRowsError(ValueError):
    """Rows that cannot be stored: (index, message)."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        super().__init__(f"{len(errors)} row(s) cannot be written; first: {errors[0][1]}")
        self.errors = errors


class ProtoRows:
    """Decodes the rows of one connection, whose first request brought the descriptor."""

    def __init__(self, descriptor: descriptor_pb2.DescriptorProto, fields: list[Field]) -> None:
        file = descriptor_pb2.FileDescriptorProto(name="rows.proto", syntax="proto2", message_type=[descriptor])
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        described = pool.FindFileByName("rows.proto").message_types_by_name[descriptor.name]
        self._message = message_factory.GetMessageClass(described)
        self._fields = fields
        self._read = _reader(fields, described, "")
        self._schema = arrow_schema(fields)

    def table(self, rows: Sequence[bytes]) -> pa.Table:
        values: list[dict[str, Any]] = []
        errors: list[tuple[int, str]] = []
        for index, row in enumerate(rows):
            message = self._message()
            try:
                message.ParseFromString(row)
                values.append(self._read(message))
            except Exception as error:
                errors.append((index, str(error)))
        if errors:
            raise BadRowsError(errors)
        return pa.Table.from_pylist(values, schema=self._schema)


def arrow_rows(schema: bytes, batch: bytes, fields: list[Field]) -> pa.Table:
    described = pa.ipc.read_schema(pa.py_buffer(schema))
    table = pa.Table.from_batches([pa.ipc.read_record_batch(pa.py_buffer(batch), described)])
    given = {name.lower(): name for name in table.column_names}
    extra = set(given) - {f["name"].lower() for f in fields}
    if extra:
        raise invalid(f"Input schema has more fields than BigQuery schema, extra fields: '{', '.join(sorted(extra))}'")
    columns = []
    for field in fields:
        name = given.get(field["name"].lower())
        target = arrow_type(field)
        column = table.column(name).cast(target) if name else pa.nulls(table.num_rows, target)
        if mode(field) == "REQUIRED" and column.null_count:
            raise invalid(f"Required field {field['name']} cannot be null")
        columns.append(column)
    return pa.table(columns, schema=arrow_schema(fields))


def _reader(fields: list[Field], described: Descriptor, prefix: str) -> Convert:
    """A function from a message to a row; what the table has not is refused before a row is read."""
    sources = {f.name.lower(): f for f in described.fields}
    extra = set(sources) - {f["name"].lower() for f in fields}
    if extra:
        listed = ", ".join(sorted(prefix + name for name in extra))
        raise invalid(f"Input schema has more fields than BigQuery schema, extra fields: '{listed}'")
    readers = [(f["name"], _field(f, sources.get(f["name"].lower()), prefix)) for f in fields]
    return lambda message: {name: read(message) for name, read in readers}


def _field(field: Field, source: FieldDescriptor | None, prefix: str) -> Convert:
    path = prefix + field["name"]
    if source is None:
        if mode(field) == "REQUIRED":
            raise invalid(f"Required field {path} is missing in the input schema")
        return (lambda _: []) if mode(field) == "REPEATED" else (lambda _: None)
    if source.is_repeated != (mode(field) == "REPEATED"):
        raise invalid(f"Field {path}: the input schema and the table disagree on whether it is repeated")
    convert = _convert(field, source, path)
    name, required = source.name, mode(field) == "REQUIRED"
    if source.is_repeated:
        return lambda message: [convert(value) for value in getattr(message, name)]

    def read(message: Any) -> Any:
        if source.has_presence and not message.HasField(name):
            if required:
                raise ValueError(f"Required field {path} is missing")
            return None
        return convert(getattr(message, name))

    return read


def _convert(field: Field, source: FieldDescriptor, path: str) -> Convert:
    kind = field["type"]
    if source.type == FieldDescriptor.TYPE_MESSAGE:
        if kind == "RECORD":
            return _reader(field["fields"], source.message_type, f"{path}.")
        if kind == "TIMESTAMP" and source.message_type.full_name == "google.protobuf.Timestamp":
            return lambda v: _EPOCH + timedelta(seconds=v.seconds, microseconds=v.nanos // 1000)
        raise invalid(f"Field {path}: a message cannot be converted to {kind}")
    if kind == "RECORD":
        raise invalid(f"Field {path}: expected a message for a RECORD")
    if kind not in _CONVERSIONS:
        raise invalid(f"Field {path}: type {kind} cannot be written through the Storage API")
    return _CONVERSIONS[kind]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _numeric(value: Any) -> Decimal:
    """Bytes are the number times 10^9 as a little-endian two's complement; else its text."""
    if isinstance(value, bytes):
        return numeric(Decimal(int.from_bytes(value, "little", signed=True)).scaleb(-9, WIDE))
    return numeric(value)


def _timestamp(value: Any) -> datetime:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value.removesuffix(" UTC").replace("Z", "+00:00"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _EPOCH + timedelta(microseconds=value)


def _date(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else date(1970, 1, 1) + timedelta(days=value)


def _time(value: Any) -> time:
    """Civil time in an integer: hour, minute and second in 5, 6 and 6 bits above 20 bits of microseconds."""
    if isinstance(value, str):
        return time.fromisoformat(value)
    seconds = value >> 20
    return time(seconds >> 12, (seconds >> 6) & 63, seconds & 63, value & 0xFFFFF)


def _datetime(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    day = value >> 37
    clock = _time(value & ((1 << 37) - 1))
    return datetime.combine(date(day >> 9, (day >> 5) & 15, day & 31), clock)


_CONVERSIONS: dict[str, Convert] = {
    "STRING": _text,
    "JSON": _text,
    "BYTES": lambda v: v.encode() if isinstance(v, str) else v,
    "INTEGER": int,
    "FLOAT": float,
    "BOOLEAN": bool,
    "NUMERIC": _numeric,
    "DATE": _date,
    "TIME": _time,
    "DATETIME": _datetime,
    "TIMESTAMP": _timestamp,
}
