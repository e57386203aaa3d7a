"""Files of a load job as a DuckDB query: CSV, newline-delimited JSON, Parquet and Avro, with the options of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import duckdb

from .errors import invalid, unimplemented
from .schema import Field, duckdb_type, mode, quoted
from .state import Json, State

READ_ERRORS = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.IOException,
    duckdb.BinderException,
    duckdb.NotImplementedException,
)
# Options that change the rows and that are not implemented: refused, never passed over.
_REFUSED = (
    "hivePartitioningOptions",
    "decimalTargetTypes",
    "jsonExtension",
    "referenceFileSchemaUri",
    "preserveAsciiControlCharacters",
)
_REFUSED += (
    "columnNameCharacterMap",
    "fileSetSpecType",
    "nullMarkers",
    "timeZone",
    "dateFormat",
    "datetimeFormat",
    "timeFormat",
)
_NOT_A_NAME = re.compile(r"\W", re.ASCII)


@dataclass(frozen=True)
class SourceFile:
    """A file on disk, and what clients call it."""

    uri: str
    path: str
    size: int
    # Removed when the job has ended: it came with the request.
    temporary: bool = False


def reader(state: State, config: Json, files: list[SourceFile], wanted: list[Field]) -> tuple[str, list[Any]]:
    """A query over all files, and its parameters."""
    refused = [name for name in _REFUSED if config.get(name)]
    if refused:
        raise unimplemented(f"Load option {', '.join(refused)}")
    if int(config.get("maxBadRecords") or 0) > 0:
        raise unimplemented("Load option maxBadRecords")
    kind = str(config.get("sourceFormat") or "CSV").upper()
    paths = [file.path for file in files]
    if kind == "CSV":
        return _csv(state, config, paths, wanted)
    if kind == "NEWLINE_DELIMITED_JSON":
        return _json(state, config, paths, wanted)
    if kind == "PARQUET":
        return _self_described(state, "read_parquet(?)", paths, wanted)
    if kind == "AVRO":
        return _self_described(state, "read_avro(?)", paths, wanted)
    raise unimplemented(f"Loading files of format {kind}")


def _csv(state: State, config: Json, paths: list[str], wanted: list[Field]) -> tuple[str, list[Any]]:
    if config.get("encoding", "UTF-8") not in ("UTF-8", "UTF8"):
        raise unimplemented(f"Load option encoding {config['encoding']}")
    skipped = int(config.get("skipLeadingRows") or 0)
    delimiter = {"tab": "\t", "\\t": "\t"}.get(
        str(config.get("fieldDelimiter") or ","), str(config.get("fieldDelimiter") or ",")
    )
    options = {"delim": _text(delimiter), "quote": _text(str(config.get("quote", '"'))), "null_padding": "false"}
    options["allow_quoted_nulls"] = "false"
    if config.get("allowJaggedRows"):
        options["null_padding"] = "true"
    if config.get("nullMarker"):
        options["nullstr"] = _text(str(config["nullMarker"]))
    if not wanted:
        if not config.get("autodetect"):
            raise invalid("No schema specified on job or table.")
        # The first line names the columns if it differs in type from the rest, as at Google.
        header = {"header": "true", "skip": str(max(skipped - 1, 0))} if skipped else {}
        return _renamed(state, _call("read_csv", {**options, **header}), paths)
    if any(f["type"] == "RECORD" or mode(f) == "REPEATED" for f in wanted):
        raise invalid("CSV files cannot hold nested or repeated fields")
    # Numbers and times are read as text and cast, so that an error tells the value and its column.
    options |= {"header": "false", "skip": str(skipped), "auto_detect": "false", "escape": options["quote"]}
    options["columns"] = "{" + ", ".join(f"{_text(f['name'])}: 'VARCHAR'" for f in wanted) + "}"
    if not config.get("nullMarker"):
        # An empty text is a value; an empty number is none.
        texts = [_text(f["name"]) for f in wanted if f["type"] in ("STRING", "BYTES")]
        options |= {"force_not_null": f"[{', '.join(texts)}]"} if texts else {}
    picked = ", ".join(f"{_from_text(f)} AS {quoted(f['name'])}" for f in wanted)
    return f"SELECT {picked} FROM {_call('read_csv', options)}", [paths]


def _from_text(field: Field) -> str:
    name = quoted(field["name"])
    if field["type"] == "BYTES":
        return f"from_base64({name})"
    if field["type"] == "TIMESTAMP":
        return f"CAST(replace({name}, ' UTC', '+00') AS TIMESTAMPTZ)"
    return f"CAST({name} AS {duckdb_type(field)})"


def _json(state: State, config: Json, paths: list[str], wanted: list[Field]) -> tuple[str, list[Any]]:
    options = {"format": "'newline_delimited'"}
    if not wanted:
        if not config.get("autodetect"):
            raise invalid("No schema specified on job or table.")
        return _renamed(state, _call("read_json", options), paths)
    if not config.get("ignoreUnknownValues"):
        found = _described(state, _call("read_json", {**options, "sample_size": "-1"}), paths)
        known = {f["name"].lower() for f in wanted}
        unknown = [name for name, _ in found if name.lower() not in known]
        if unknown:
            raise invalid(
                f"Error while reading data, error message: JSON parsing error: No such field: {', '.join(unknown)}."
            )
    # BYTES are base64 in JSON; all else DuckDB reads as the column's type.
    as_read = [{**f, "type": "STRING"} if f["type"] == "BYTES" else f for f in wanted]
    options["columns"] = "{" + ", ".join(f"{_text(f['name'])}: {_text(duckdb_type(f))}" for f in as_read) + "}"
    picked = ", ".join(
        f"from_base64({quoted(f['name'])}) AS {quoted(f['name'])}"
        if f["type"] == "BYTES" and mode(f) != "REPEATED"
        else quoted(f["name"])
        for f in wanted
    )
    return f"SELECT {picked} FROM {_call('read_json', options)}", [paths]


def _self_described(state: State, function: str, paths: list[str], wanted: list[Field]) -> tuple[str, list[Any]]:
    """Columns by their names in the files; where the table says how a type is meant, as the table says."""
    targets = {f["name"].lower(): f for f in wanted}
    parts = [
        f"{_as_meant(quoted(name), kind, targets.get(name.lower()))} AS {quoted(name)}"
        for name, kind in _described(state, function, paths)
    ]
    return f"SELECT {', '.join(parts)} FROM {function}", [paths]


def _as_meant(value: str, kind: str, field: Field | None) -> str:
    """DuckDB's type as the BigQuery type that Google gives it, or the one that the table has."""
    if kind in ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP WITH TIME ZONE"):
        # Spark's INT96 and plain timestamps are instants in UTC.
        return f"{value}::TIMESTAMP" if field and field["type"] == "DATETIME" else f"{value}::TIMESTAMP::TIMESTAMPTZ"
    if kind.startswith("DECIMAL("):
        return f"CAST({value} AS DECIMAL(38, 9))"
    if kind in ("INTEGER", "SMALLINT", "TINYINT", "UINTEGER", "USMALLINT", "UTINYINT", "UBIGINT"):
        return f"CAST({value} AS BIGINT)"
    if kind == "FLOAT":
        return f"CAST({value} AS DOUBLE)"
    if field and (field["type"] in ("RECORD", "JSON") or mode(field) == "REPEATED"):
        return f"CAST({value} AS {duckdb_type(field)})"
    return value


def _renamed(state: State, function: str, paths: list[str]) -> tuple[str, list[Any]]:
    """Detected columns with names and types that BigQuery has."""
    parts = []
    for name, kind in _described(state, function, paths):
        column = _NOT_A_NAME.sub("_", name.strip())
        column = f"_{column}" if column[:1].isdigit() else column
        parts.append(f"{_as_meant(quoted(name), kind, None)} AS {quoted(column)}")
    return f"SELECT {', '.join(parts)} FROM {function}", [paths]


def _described(state: State, function: str, paths: list[str]) -> list[tuple[str, str]]:
    try:
        rows = state.database.connection.execute(f"DESCRIBE SELECT * FROM {function}", [paths]).fetchall()
    except READ_ERRORS as error:
        raise invalid(f"Error while reading data, error message: {told(error)}") from error
    return [(row[0], row[1]) for row in rows]


def told(error: Exception) -> str:
    """What DuckDB says of a file, without its own statement and the path that nobody knows."""
    return re.sub(r'"?/\S*/incoming/[^\s"]+"?', "the file", str(error).split("\n\nLINE", maxsplit=1)[0]).strip()


def _call(function: str, options: dict[str, str]) -> str:
    return f"{function}(?{''.join(f', {name} = {value}' for name, value in options.items())})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
