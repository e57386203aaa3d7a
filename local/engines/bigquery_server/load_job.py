"""Load jobs: all files of a job or none, rows checked against the table before one of them is seen."""

from __future__ import annotations

from . import destination, job_records, load_files, tables
from .destination import Destination
from .errors import invalid
from .load_files import SourceFile
from .schema import Field, checked_fields, mode, names, size_sql
from .sql import result_fields
from .state import Json, State


def run(state: State, job: Json, files: list[SourceFile]) -> None:
    config = job["configuration"]["load"]
    to = destination.destination(config, job["jobReference"]["projectId"], "WRITE_APPEND")
    if not files:
        raise invalid("Required parameter is missing: load.sourceUris, or a file with the request")
    with state.database.writing() as connection:
        wanted = _wanted(state, config, to)
        query, values = load_files.reader(state, config, files, wanted)
        try:
            connection.execute(f"CREATE TEMP TABLE __loaded AS {query}", values)
        except load_files.READ_ERRORS as error:
            raise invalid(f"Error while reading data, error message: {load_files.told(error)}", files[0].uri) from error
        given = _with_modes(wanted, result_fields(state, "SELECT * FROM __loaded"))
        sizes = connection.execute(
            f"SELECT count(*), coalesce(sum({size_sql(given)}), 0) FROM (SELECT {names(given)} FROM __loaded)"
        ).fetchone()
        rows, size = sizes or (0, 0)
        # Columns that the job itself names or finds replace a table's; else a truncated table keeps its own.
        keeps = not (config.get("schema") or config.get("autodetect"))
        destination.store(state, to, "__loaded", given, keeps_schema=keeps)
        connection.execute("DROP TABLE __loaded")
        statistics = {
            "inputFiles": str(len(files)),
            "inputFileBytes": str(sum(file.size for file in files)),
            "outputRows": str(rows),
            "outputBytes": str(int(size)),
            "badRecords": "0",
        }
        job_records.finish(state, job, {"load": statistics})


def _wanted(state: State, config: Json, to: Destination) -> list[Field]:
    """The columns that the files must fit; none when the files themselves say."""
    said = checked_fields((config.get("schema") or {}).get("fields"))
    if said:
        return said
    there = tables.known(state, to.ref) is not None
    detects = bool(config.get("autodetect")) and (not there or to.write == "WRITE_TRUNCATE" or to.add_fields)
    return tables.fields(state, to.ref) if there and not detects else []


def _with_modes(wanted: list[Field], found: list[Field]) -> list[Field]:
    """What the job or the table said of the columns that were found, types as found."""
    said = {f["name"].lower(): f for f in wanted}
    return [said[f["name"].lower()] if _fits(said.get(f["name"].lower()), f) else f for f in found]


def _fits(said: Field | None, found: Field) -> bool:
    if said is None or said["type"] != found["type"] or (mode(said) == "REPEATED") != (mode(found) == "REPEATED"):
        return False
    return said["type"] != "RECORD"
