"""Copy jobs: rows and columns of tables into another, in one transaction."""

from __future__ import annotations

from . import destination, job_records, tables
from .errors import invalid, unimplemented
from .schema import names, same_columns
from .state import Json, State
from .table_refs import TableRef


def run(state: State, job: Json) -> None:
    config, project = job["configuration"]["copy"], job["jobReference"]["projectId"]
    if config.get("operationType", "COPY") not in ("COPY", "OPERATION_TYPE_UNSPECIFIED"):
        raise unimplemented(f"Copy job operation {config['operationType']}")
    sources = config.get("sourceTables") or [config.get("sourceTable") or {}]
    refs = [TableRef.of(source, project) for source in sources]
    to = destination.destination(config, project, "WRITE_EMPTY")
    with state.database.writing() as connection:
        fields = tables.fields(state, refs[0])
        for ref in refs[1:]:
            if not same_columns(fields, tables.fields(state, ref)):
                raise invalid(f"Cannot copy {ref} and {refs[0]} into one table: their schemas differ")
        if to.ref in refs and to.write == "WRITE_TRUNCATE":
            raise invalid(f"Cannot copy {to.ref} over itself")
        rows = " UNION ALL ".join(f"SELECT {names(fields)} FROM {ref.sql}" for ref in refs)
        body = tables.resource(state, tables.find(state, refs[0]))
        layout = {
            k: body[k] for k in ("timePartitioning", "rangePartitioning", "clustering", "description") if k in body
        }
        destination.store(state, destination.with_layout(to, layout), f"({rows})", fields, keeps_schema=False)
        counted = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()
        size = sum(tables.counted(state, ref, tables.find(state, ref))[1] for ref in refs)
        copied = {"copiedRows": str(counted[0] if counted else 0), "copiedLogicalBytes": str(size)}
        job_records.finish(state, job, {"copy": copied})
