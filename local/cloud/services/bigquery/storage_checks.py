"""Uses the BigQuery Storage API through Google's client, and prints what came of it as JSON."""

import json
import os
import signal
import sys
from typing import Any

from google.api_core.exceptions import GoogleAPICallError, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, BigQueryWriteClient, types
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROJECT, DATASET, ENGINE_PID = sys.argv[1], sys.argv[2], int(sys.argv[3])
# An engine that was killed is started by the next call, which may have been the one that found it dead.
RETRY = Retry(predicate=if_exception_type(ServiceUnavailable), initial=0.2, timeout=60)

sql = bigquery.Client()
reader, writer = BigQueryReadClient(), BigQueryWriteClient()
found: dict[str, Any] = {}


def parent(table: str) -> str:
    return f"projects/{PROJECT}/datasets/{DATASET}/tables/{table}"


def make(table: str) -> str:
    fields = [bigquery.SchemaField("id", "INT64", mode="REQUIRED"), bigquery.SchemaField("name", "STRING")]
    sql.create_table(bigquery.Table(f"{PROJECT}.{DATASET}.{table}", schema=fields))
    return parent(table)


def ids(table: str) -> list[int]:
    rows = sql.query(f"SELECT id FROM `{PROJECT}.{DATASET}.{table}` ORDER BY id", retry=RETRY)
    return [row.id for row in rows.result(retry=RETRY)]


DESCRIPTOR = descriptor_pb2.DescriptorProto(name="Row")
DESCRIPTOR.field.add(name="id", number=1, type=3, label=1)
DESCRIPTOR.field.add(name="name", number=2, type=9, label=1)
POOL = descriptor_pool.DescriptorPool()
POOL.Add(descriptor_pb2.FileDescriptorProto(name="row.proto", message_type=[DESCRIPTOR]))
ROW = message_factory.GetMessageClass(POOL.FindMessageTypeByName("Row"))


def request(stream: str, values: list[dict[str, Any]], offset: int | None = None, descriptor: Any = DESCRIPTOR) -> Any:
    rows = types.ProtoRows(serialized_rows=[ROW(**value).SerializeToString() for value in values])
    schema = types.ProtoSchema(proto_descriptor=descriptor)
    data = types.AppendRowsRequest.ProtoData(rows=rows, writer_schema=schema)
    return types.AppendRowsRequest(write_stream=stream, proto_rows=data, offset=offset)


def append(*requests: Any) -> list[str]:
    """Each answer in a word: the offset, the error's name, or the status that ended the connection."""
    answers = []
    try:
        for answer in writer.append_rows(iter(requests)):
            if answer.error.code:
                answers.append(f"{answer.error.code}: {answer.error.message}")
            else:
                answers.append(str(answer.append_result.offset))
    except GoogleAPICallError as error:
        answers.append(type(error).__name__)
    return answers


def stream(table: str, kind: str) -> str:
    wanted = types.WriteStream(type_=types.WriteStream.Type[kind])
    return writer.create_write_stream(parent=parent(table), write_stream=wanted, retry=RETRY).name


def commit(table: str, *names: str) -> list[str]:
    body = types.BatchCommitWriteStreamsRequest(parent=parent(table), write_streams=names)
    answer = writer.batch_commit_write_streams(body, retry=RETRY)
    return [error.code.name for error in answer.stream_errors]


def session(table: str, data_format: str = "ARROW", **options: Any) -> Any:
    wanted = types.ReadSession(table=parent(table), data_format=data_format, read_options=options)
    return reader.create_read_session(
        parent=f"projects/{PROJECT}", read_session=wanted, max_stream_count=4, retry=RETRY
    )


def numbers_of(name: str, whole: Any, offset: int = 0) -> list[int]:
    return [row["id"].as_py() for row in reader.read_rows(name, offset=offset).rows(whole)]


def reading() -> None:
    numbers = "SELECT x AS id, CONCAT('name ', x) AS name FROM UNNEST(GENERATE_ARRAY(1, 50000)) x"
    many = f"CREATE TABLE `{PROJECT}.{DATASET}.many` AS {numbers}"
    sql.query(many).result()
    whole = session("many")
    schema = whole.arrow_schema.serialized_schema
    # One encapsulated message: continuation mark, length of the metadata, metadata; nothing after it.
    found["schema"] = [schema[:4].hex(), len(schema) - 8 - int.from_bytes(schema[4:8], "little")]
    found["streams"] = len(whole.streams)
    values = [row["id"].as_py() for one in whole.streams for row in reader.read_rows(one.name).rows(whole)]
    found["read"] = [len(values), len(set(values)), sum(values)]
    first = whole.streams[0].name
    all_rows = numbers_of(first, whole)
    found["resumed"] = numbers_of(first, whole, offset=1234) == all_rows[1234:]
    halves = reader.split_read_stream(types.SplitReadStreamRequest(name=first, fraction=0.25))
    parts = [numbers_of(half.name, whole) for half in (halves.primary_stream, halves.remainder_stream)]
    found["split"] = [parts[0] + parts[1] == all_rows, len(parts[0]) < len(parts[1])]
    filters = {"selected_fields": ["name"], "row_restriction": "id > 49997 AND name != 'name 50000'"}
    some = session("many", **filters)
    found["filtered"] = [row["name"].as_py() for one in some.streams for row in reader.read_rows(one.name).rows(some)]
    avro = session("many", "AVRO", **filters)
    schema = json.loads(avro.avro_schema.schema)
    found["avro"] = [
        schema["fields"][0]["name"],
        sum(m.row_count for one in avro.streams for m in reader.read_rows(one.name)),
    ]
    for name, restriction in {"broken": "id >", "subquery": f"id IN (SELECT id FROM `{DATASET}.many`)"}.items():
        try:
            session("many", row_restriction=restriction)
            found[name] = "accepted"
        except GoogleAPICallError as error:
            found[name] = type(error).__name__
    found["empty"] = len(session("pending").streams)


def writing() -> None:
    pending, other = stream("pending", "PENDING"), stream("pending", "PENDING")
    found["pending"] = append(
        request(pending, [{"id": 1}, {"id": 2}], 0),
        request(pending, [{"id": 2}], 1),
        request(pending, [{"id": 9}], 7),
        request(pending, [{"id": 3, "name": "three"}]),
    )
    append(request(other, [{"id": 4}], 0))
    found["unseen"] = ids("pending")
    found["early"] = commit("pending", pending)
    found["rows"] = [writer.finalize_write_stream(name=name).row_count for name in (pending, other)]
    found["finalized"] = append(request(pending, [{"id": 5}]))
    found["some"] = commit("pending", pending, pending.replace("streams/", "streams/0"))
    found["stillUnseen"] = ids("pending")
    found["committed"] = [commit("pending", pending, other), ids("pending"), commit("pending", pending)]
    both = [parent("pending") + suffix for suffix in ("/_default", "/streams/_default")]
    found["default"] = [append(request(name, [{"id": n}])) for n, name in enumerate(both, 10)]
    found["names"] = [writer.get_write_stream(name=name).type_.name for name in both]
    exact = stream("exact", "COMMITTED")
    twice = [request(exact, [{"id": 1}], 0), request(exact, [{"id": 1}], 0)]
    found["exact"] = append(*twice, request(exact, [{"id": 2}], 1))
    found["exactRows"] = ids("exact")
    buffered = stream("exact", "BUFFERED")
    append(request(buffered, [{"id": 20}, {"id": 21}, {"id": 22}], 0))
    flushed = writer.flush_rows(types.FlushRowsRequest(write_stream=buffered, offset=1)).offset
    found["flushed"] = [flushed, ids("exact")]
    found["required"] = append(request(parent("exact") + "/_default", [{"name": "no id"}]))
    extra = descriptor_pb2.DescriptorProto()
    extra.CopyFrom(DESCRIPTOR)
    extra.field.add(name="colour", number=3, type=9, label=1)
    found["extra"] = append(request(parent("exact") + "/_default", [{"id": 30}], descriptor=extra))
    found["unknown"] = append(request(stream("exact", "PENDING") + "0", [{"id": 1}]))


def killed() -> None:
    """The engine dies between append and commit, and in the middle of a read."""
    pending = stream("killed", "PENDING")
    append(request(pending, [{"id": 1}, {"id": 2}], 0))
    whole = session("many")
    before = iter(reader.read_rows(whole.streams[0].name).rows(whole))
    taken = [next(before)["id"].as_py() for _ in range(100)]
    os.kill(ENGINE_PID, signal.SIGKILL)
    writer.finalize_write_stream(name=pending, retry=RETRY)
    found["afterKill"] = [commit("killed", pending), ids("killed")]
    rest = [
        row["id"].as_py()
        for row in reader.read_rows(whole.streams[0].name, offset=100, retry_delay_callback=lambda _: None).rows(whole)
    ]
    found["readAfterKill"] = [len(taken) + len(rest), len(set(taken + rest))]


for name in ("pending", "exact", "killed"):
    make(name)
reading()
writing()
killed()
print(json.dumps(found))
