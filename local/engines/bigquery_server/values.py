"""Values on the wire: BigQuery's JSON rows out of DuckDB, and JSON rows into Arrow columns."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from .errors import unimplemented
from .schema import Field, mode

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARROW: dict[str, pa.DataType] = {
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "NUMERIC": pa.decimal128(38, 9),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "JSON": pa.string(),
}


def arrow_type(field: Field) -> pa.DataType:
    if field["type"] == "RECORD":
        scalar = pa.struct([pa.field(f["name"], arrow_type(f)) for f in field["fields"]])
    elif field["type"] in _ARROW:
        scalar = _ARROW[field["type"]]
    else:
        raise unimplemented(f"Writing rows with field {field['name']} of type {field['type']} (use SQL)")
    return pa.list_(scalar) if mode(field) == "REPEATED" else scalar


def arrow_schema(fields: list[Field]) -> pa.Schema:
    return pa.schema([pa.field(f["name"], arrow_type(f)) for f in fields])


def to_json(field: Field, value: Any, *, integer_timestamps: bool) -> Any:
    """One cell as `tabledata.list` answers it."""
    if mode(field) == "REPEATED":
        element = {**field, "mode": "NULLABLE"}
        return [{"v": to_json(element, item, integer_timestamps=integer_timestamps)} for item in value or []]
    if value is None:
        return None
    kind = field["type"]
    if kind == "RECORD":
        # DuckDB gives a struct as a dict, in the order of its fields.
        pairs = zip(field["fields"], value.values(), strict=True)
        return {"f": [{"v": to_json(f, v, integer_timestamps=integer_timestamps)} for f, v in pairs]}
    if kind == "TIMESTAMP":
        micros = (value - _EPOCH) // timedelta(microseconds=1)
        return str(micros) if integer_timestamps else repr(micros / 1e6)
    return _TEXTS.get(kind, str)(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return ("Infinity" if value > 0 else "-Infinity") if math.isinf(value) else repr(value)


def _numeric(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_TEXTS: dict[str, Callable[[Any], str]] = {
    "BOOLEAN": lambda v: "true" if v else "false",
    "FLOAT": _float,
    "NUMERIC": lambda v: _numeric(Decimal(v)),
    "BYTES": lambda v: base64.b64encode(v).decode(),
    "DATE": lambda v: v.isoformat(),
    "TIME": lambda v: v.isoformat(),
    "DATETIME": lambda v: v.isoformat(),
}


WIDE = Context(prec=76)


def numeric(value: Any) -> Decimal:
    """NUMERIC: 29 digits before the point and 9 after it; digits beyond those are rounded."""
    number = Decimal(str(value)).quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP, context=WIDE)
    if abs(number) >= Decimal(10) ** 29:
        raise ValueError(f"Invalid NUMERIC value: {value}")
    return number


class RowError(ValueError):
    """A value that does not fit its column; `location` is the column's path."""

    def __init__(self, location: str, message: str) -> None:
        super().__init__(message)
        self.location = location


def from_json(fields: list[Field], row: dict[str, Any], *, ignore_unknown: bool, prefix: str = "") -> dict[str, Any]:
    """A row of `insertAll`, checked: no unknown and no missing required field, each value of its type."""
    given = {name.lower(): (name, value) for name, value in row.items()}
    result: dict[str, Any] = {}
    for field in fields:
        _, value = given.pop(field["name"].lower(), ("", None))
        path = f"{prefix}{field['name']}"
        if mode(field) == "REPEATED":
            if not isinstance(value or [], list):
                raise RowError(path, f"Repeated field must be an array: {path}")
            result[field["name"]] = [_scalar(field, item, path, ignore_unknown) for item in value or []]
        elif value is None:
            if mode(field) == "REQUIRED":
                raise RowError(path, f"Missing required field: {path}.")
            result[field["name"]] = None
        else:
            result[field["name"]] = _scalar(field, value, path, ignore_unknown)
    if given and not ignore_unknown:
        name = f"{prefix}{next(iter(given.values()))[0]}"
        raise RowError(name, f"no such field: {name}.")
    return result


def _scalar(field: Field, value: Any, path: str, ignore_unknown: bool) -> Any:
    kind = field["type"]
    if kind == "RECORD":
        if not isinstance(value, dict):
            raise RowError(path, f"This field: {path} is a record.")
        return from_json(field["fields"], value, ignore_unknown=ignore_unknown, prefix=f"{path}.")
    if isinstance(value, (dict, list)) and kind != "JSON":
        raise RowError(path, f"This field: {path} is not a record.")
    try:
        return _PARSERS[kind](value)
    except (ValueError, TypeError, InvalidOperation, binascii.Error, OverflowError) as error:
        raise RowError(path, f"Cannot convert value to {kind.lower()} (bad value): {value}") from error


def _integer(value: Any) -> int:
    number = Decimal(str(value))
    if number != number.to_integral_value() or not -(2**63) <= number < 2**63 or isinstance(value, bool):
        raise ValueError(value)
    return int(number)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]


def _boolean_or_value_error(value: Any) -> bool:
    try:
        return _boolean(value)
    except KeyError as error:
        raise ValueError(value) from error


def _timestamp(value: Any) -> datetime:
    """Seconds since 1970 as a number, or a date and time, UTC where it names no zone."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _EPOCH + timedelta(microseconds=round(value * 1_000_000))
    try:
        return _EPOCH + timedelta(microseconds=round(Decimal(value) * 1_000_000))
    except InvalidOperation:
        moment = datetime.fromisoformat(value.strip().removesuffix(" UTC").replace("Z", "+00:00"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "STRING": lambda v: ("true" if v else "false") if isinstance(v, bool) else str(v),
    "BYTES": lambda v: base64.b64decode(v, validate=True),
    "INTEGER": _integer,
    "FLOAT": float,
    "BOOLEAN": _boolean_or_value_error,
    "NUMERIC": numeric,
    "DATE": lambda v: date.fromisoformat(v),
    "TIME": lambda v: time.fromisoformat(v),
    "DATETIME": lambda v: datetime.fromisoformat(v.replace(" ", "T")),
    "TIMESTAMP": _timestamp,
    "JSON": lambda v: json.dumps(json.loads(v)) if isinstance(v, str) else json.dumps(v),
}
