"""In a driver's place: makes the calls of small_batch.py without Spark, and bears a cloud that ends and comes back.

Usage: small_driver.py SUBMIT [OPTION ...] gs://BUCKET/PROGRAM BUCKET DATASET NAME

Every call is made again until it is answered, as Google's clients do; what an unanswered call did counts as done.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.auth.compute_engine import Credentials
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.cloud.bigquery_storage_v1 import BigQueryReadClient, BigQueryWriteClient, types
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from requests import RequestException, Response

PROGRAM, BUCKET, DATASET, NAME = sys.argv[-4:]
PROJECT, DATASET_ID = DATASET.split(".")
BIGQUERY = f"https://bigquery.googleapis.com/bigquery/v2/projects/{PROJECT}"
STORAGE = "https://storage.googleapis.com"
OBJECTS = f"{STORAGE}/storage/v1/b/{BUCKET}/o"
METADATA = f"http://{os.environ['GCE_METADATA_HOST']}"
PATIENCE_SECONDS = 300
PAUSE_SECONDS = 0.05
SCHEMA = {"fields": [{"name": "id", "type": "INTEGER"}, {"name": "text", "type": "STRING"}]}

credentials = Credentials()
session = AuthorizedSession(credentials)
reader, writer = BigQueryReadClient(credentials=credentials), BigQueryWriteClient(credentials=credentials)


def patiently(work: Any) -> Any:
    """The first answer; what a cloud that is not there, or just ends, does to a call is tried again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (RequestException, GoogleAuthError, GoogleAPICallError) as error:
            mends = not isinstance(error, GoogleAPICallError) or error.code in (None, 500, 503, 504)
            if not mends or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


def send(method: str, url: str, accepted: tuple[int, ...] = (200,), **request: Any) -> Response:
    def once() -> Response:
        answer = session.request(method, url, timeout=30, **request)
        if answer.status_code >= 500:
            raise RequestException(f"{method} {url}: {answer.status_code}")
        return answer

    answer = patiently(once)
    if answer.status_code not in accepted:
        raise RuntimeError(f"{method} {url}: {answer.status_code} {answer.text}")
    return answer


def named(name: str) -> str:
    return f"{OBJECTS}/{name.replace('/', '%2F')}"


def read(name: str) -> bytes:
    send("GET", OBJECTS, params={"prefix": name})
    send("GET", named(name))
    return send("GET", f"{STORAGE}/download/storage/v1/b/{BUCKET}/o/{name}", params={"alt": "media"}).content


def write(folder: str, content: bytes, part: str = "part-0") -> None:
    """As a job's committer writes: a folder's mark, a temporary object, its final name, a mark of success."""
    upload = f"{STORAGE}/upload/storage/v1/b/{BUCKET}/o"
    draft = f"{folder}/_temporary/{part}"
    send("GET", named(f"{folder}/"), (200, 404))
    send("POST", upload, params={"uploadType": "media", "name": f"{folder}/_temporary/"})
    begun = send("POST", upload, params={"uploadType": "resumable", "name": draft}, json={})
    whole = {"content-range": f"bytes 0-{len(content) - 1}/{len(content)}"}
    send("PUT", begun.headers["location"], data=content, headers=whole)
    send("POST", f"{named(draft)}/rewriteTo/b/{BUCKET}/o/{folder.replace('/', '%2F')}%2F{part}")
    for name in (draft, f"{folder}/_temporary/"):
        send("DELETE", named(name), (204, 404))
    send("POST", upload, params={"uploadType": "media", "name": f"{folder}/_SUCCESS"})


DESCRIPTOR = descriptor_pb2.DescriptorProto(name="Row")
DESCRIPTOR.field.add(name="id", number=1, type=3, label=1)
DESCRIPTOR.field.add(name="text", number=2, type=9, label=1)
POOL = descriptor_pool.DescriptorPool()
POOL.Add(descriptor_pb2.FileDescriptorProto(name="row.proto", message_type=[DESCRIPTOR]))
ROW = message_factory.GetMessageClass(POOL.FindMessageTypeByName("Row"))


def make_table(name: str) -> None:
    reference = {"projectId": PROJECT, "datasetId": DATASET_ID, "tableId": name}
    if send("GET", f"{BIGQUERY}/datasets/{DATASET_ID}/tables/{name}", (200, 404)).status_code == 404:
        table = {"tableReference": reference, "schema": SCHEMA}
        send("POST", f"{BIGQUERY}/datasets/{DATASET_ID}/tables", (200, 409), json=table)


def append(stream: str, rows: types.ProtoRows) -> None:
    data = types.AppendRowsRequest.ProtoData(rows=rows, writer_schema=types.ProtoSchema(proto_descriptor=DESCRIPTOR))
    try:
        for answer in writer.append_rows(
            iter([types.AppendRowsRequest(write_stream=stream, proto_rows=data, offset=0)]), retry=None
        ):
            # 6: what an unanswered append of before had taken.
            if answer.error.code not in (0, 6):
                raise RuntimeError(answer.error.message)
    except AlreadyExists:
        return


def write_rows(table: str, rows: list[list[str]]) -> None:
    """One pending stream: its rows are in the table all at once or not at all."""
    parent = f"projects/{PROJECT}/datasets/{DATASET_ID}/tables/{table}"
    pending = types.WriteStream(type_=types.WriteStream.Type.PENDING)
    stream = patiently(lambda: writer.create_write_stream(parent=parent, write_stream=pending, retry=None)).name
    serialized = [ROW(id=int(number), text=text).SerializeToString() for number, text in rows]
    patiently(lambda: append(stream, types.ProtoRows(serialized_rows=serialized)))
    patiently(lambda: writer.finalize_write_stream(name=stream, retry=None))
    commit = types.BatchCommitWriteStreamsRequest(parent=parent, write_streams=[stream])
    errors = patiently(lambda: writer.batch_commit_write_streams(commit, retry=None)).stream_errors
    if any(error.code.name != "STREAM_ALREADY_COMMITTED" for error in errors):
        raise RuntimeError(str(errors))


def run_job(kind: str, configuration: dict[str, Any], number: int = 0) -> str:
    """A job under a name of its own, so that it is one however often it is asked for."""
    reference = {"projectId": PROJECT, "jobId": f"{kind}-{number}-{NAME}"}
    body = {"jobReference": reference, "configuration": {kind: configuration}}
    send("POST", f"{BIGQUERY}/jobs", (200, 409), json=body)
    while True:
        status = send("GET", f"{BIGQUERY}/jobs/{reference['jobId']}").json()["status"]
        if status["state"] == "DONE":
            break
        time.sleep(PAUSE_SECONDS)
    if "errorResult" not in status:
        return reference["jobId"]
    if status["errorResult"]["reason"] != "backendError":
        raise RuntimeError(str(status["errorResult"]))
    # It ended with its engine and did nothing.
    return run_job(kind, configuration, number + 1)


def read_rows(table: str) -> int:
    parent = f"projects/{PROJECT}/datasets/{DATASET_ID}/tables/{table}"
    wanted = types.ReadSession(table=parent, data_format=types.DataFormat.ARROW)

    def whole() -> int:
        opened = reader.create_read_session(
            parent=f"projects/{PROJECT}", read_session=wanted, max_stream_count=1, retry=None
        )
        return sum(
            answer.row_count for stream in opened.streams for answer in reader.read_rows(stream.name, retry=None)
        )

    return patiently(whole)


def main() -> None:
    log = Path("../events/local-0")
    log.write_text('{"Event":"SparkListenerLogStart"}\n', encoding="utf-8")
    print("begins")
    for path in ("/", "/computeMetadata/v1/universe/universe-domain"):
        patiently(lambda path=path: session.request("GET", METADATA + path, headers={"Metadata-Flavor": "Google"}))
    identity = "/computeMetadata/v1/instance/service-accounts/default/identity?audience=https://lab"
    patiently(lambda: session.request("GET", METADATA + identity, headers={"Metadata-Flavor": "Google"}))
    send("GET", f"{STORAGE}/storage/v1/b/{BUCKET}")
    read(PROGRAM.split("/", 3)[3])
    content = read("in.csv")
    make_table(f"direct_{NAME}")
    write_rows(f"direct_{NAME}", [line.split(",") for line in content.decode().splitlines()[1:]])
    write(f"staged_{NAME}", content)
    run_job(
        "load",
        {
            "destinationTable": {"projectId": PROJECT, "datasetId": DATASET_ID, "tableId": f"loaded_{NAME}"},
            "sourceUris": [f"gs://{BUCKET}/staged_{NAME}/part-0"],
            "sourceFormat": "CSV",
            "skipLeadingRows": 1,
            "schema": SCHEMA,
            "writeDisposition": "WRITE_TRUNCATE",
        },
    )
    rows = read_rows(f"direct_{NAME}")
    write(f"out_{NAME}", json.dumps({"rows": rows}).encode())
    query = {"query": f"SELECT COUNT(*) FROM `{DATASET}.loaded_{NAME}`", "useLegacySql": False}
    job = run_job("query", query)
    counted = send("GET", f"{BIGQUERY}/queries/{job}").json()["rows"][0]["f"][0]["v"]
    anonymous = send("GET", f"{BIGQUERY}/jobs/{job}").json()["configuration"]["query"]["destinationTable"]
    send("GET", f"{BIGQUERY}/datasets/{anonymous['datasetId']}/tables/{anonymous['tableId']}/data")
    if [rows, int(counted)] != [len(content.splitlines()) - 1] * 2:
        raise RuntimeError(f"read {rows} and {counted} rows")
    print("rows", rows)
    log.write_text(
        f'{{"Event":"SparkListenerApplicationEnd","Timestamp":{time.time_ns() // 10**6}}}\n', encoding="utf-8"
    )


main()
