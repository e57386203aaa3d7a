"""Google's Python client against the cloud: what it makes, loads, asks and reads comes back as it should."""

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pandas as pd
from google.api_core import exceptions
from google.cloud import bigquery, storage
from google.cloud.bigquery import ArrayQueryParameter, LoadJobConfig, QueryJobConfig, ScalarQueryParameter, SchemaField

DATASET, BUCKET = sys.argv[1], sys.argv[2]
client = bigquery.Client()
ID = f"{client.project}.{DATASET}"
FIELDS = [
    SchemaField("id", "INT64", mode="REQUIRED", description="the id"),
    SchemaField("name", "STRING"),
    SchemaField("f", "FLOAT64"),
    SchemaField("b", "BOOL"),
    SchemaField("raw", "BYTES"),
    SchemaField("d", "DATE"),
    SchemaField("ts", "TIMESTAMP"),
    SchemaField("n", "NUMERIC"),
    SchemaField("dt", "DATETIME"),
    SchemaField("tm", "TIME"),
    SchemaField("j", "JSON"),
    SchemaField("tags", "STRING", mode="REPEATED"),
    SchemaField("rec", "RECORD", fields=[SchemaField("x", "INT64"), SchemaField("ys", "STRING", mode="REPEATED")]),
]
ROW: dict[str, Any] = {
    "id": 1,
    "name": "é",
    "f": 1.5,
    "b": True,
    "raw": b"\x00\x01",
    "d": date(2024, 1, 2),
    "ts": datetime(2024, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
    "n": Decimal("-12345678901234567890123456789.123456789"),
    "dt": datetime(2024, 1, 2, 3, 4, 5),
    "tm": time(1, 2, 3),
    "j": {"k": [1]},
    "tags": ["a", "b"],
    "rec": {"x": 7, "ys": ["q"]},
}


def refused(kind: type[Exception], reason: str, work: Callable[[], Any]) -> None:
    try:
        work()
    except kind as error:
        assert error.errors[0]["reason"] == reason, error.errors  # type: ignore[attr-defined]
        return
    raise AssertionError(f"not refused: expected {kind.__name__}")


def ask(text: str, **config: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in client.query(text, job_config=QueryJobConfig(**config)).result()]


def tables() -> None:
    made = bigquery.Table(f"{ID}.t", schema=FIELDS)
    made.time_partitioning, made.clustering_fields = bigquery.TimePartitioning(field="d"), ["name"]
    client.create_table(made)
    refused(exceptions.Conflict, "duplicate", lambda: client.create_table(made))
    refused(exceptions.NotFound, "notFound", lambda: client.get_table(f"{ID}.none"))
    assert client.insert_rows(client.get_table(f"{ID}.t"), [ROW, {"id": 2}]) == []
    bad = client.insert_rows_json(f"{ID}.t", [{"id": "x"}, {"id": 3, "more": 1}])
    assert [error["errors"][0]["location"] for error in bad] == ["id", "more"], bad
    first, second = sorted(client.list_rows(f"{ID}.t"), key=lambda row: row.id)
    assert dict(first) == ROW, dict(first)
    assert (second.name, second.tags, second.rec) == (None, [], None)
    told = client.get_table(f"{ID}.t")
    assert (told.num_rows, told.time_partitioning.field, told.clustering_fields) == (2, "d", ["name"])
    assert told.schema[0].description == "the id" and told.schema[0].mode == "REQUIRED"


def queries() -> None:
    parameters = [
        ScalarQueryParameter("id", "INT64", 1),
        ArrayQueryParameter("names", "STRING", ["é", "z"]),
        ScalarQueryParameter("day", "DATE", date(2024, 1, 2)),
    ]
    grouped = f"SELECT d, @day, COUNT(*) FROM {DATASET}.t WHERE id = @id AND name IN UNNEST(@names) GROUP BY d"
    found = ask(
        grouped,
        query_parameters=parameters,
    )
    assert found == [(date(2024, 1, 2), date(2024, 1, 2), 1)], found
    assert ask("SELECT ? + 1", query_parameters=[ScalarQueryParameter(None, "INT64", 41)]) == [(42,)]
    rows = client.query("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 25)) x ORDER BY x").result(page_size=10)
    assert [len(list(page)) for page in rows.pages] == [10, 10, 5]
    dry = client.query(f"SELECT id FROM {DATASET}.t", job_config=QueryJobConfig(dry_run=True))
    assert (dry.state, dry.total_bytes_processed, dry.schema[0].field_type) == ("DONE", 16, "INTEGER")
    refused(exceptions.BadRequest, "invalidQuery", lambda: ask("SELEC 1"))
    refused(exceptions.BadRequest, "invalidQuery", lambda: ask(f"SELECT nope FROM {DATASET}.t"))
    refused(exceptions.NotFound, "notFound", lambda: ask(f"SELECT * FROM {DATASET}.none"))
    changed = client.query(f"UPDATE {DATASET}.t SET name = 'two' WHERE id = 2").result()
    assert changed.num_dml_affected_rows == 1
    assert ask("DECLARE x INT64 DEFAULT 5; SET x = x * 2; SELECT x AS ten") == [(10,)]
    frame = client.query(f"SELECT id, name, ts, n, tags FROM {DATASET}.t ORDER BY id").to_dataframe()
    assert frame["id"].tolist() == [1, 2] and frame["n"][0] == ROW["n"] and list(frame["tags"][0]) == ["a", "b"]
    assert frame["ts"][0] == pd.Timestamp(ROW["ts"]) and frame["name"].tolist() == ["é", "two"]
    assert len(list(client.list_jobs(max_results=3))) == 3


def loads() -> None:
    lines = b'id,name,f\n1,a,1.5\n2,,2\n3,"x,y",\n'
    schema = [SchemaField("id", "INT64"), SchemaField("name", "STRING"), SchemaField("f", "FLOAT64")]
    csv = LoadJobConfig(source_format="CSV", skip_leading_rows=1, schema=schema)
    job = client.load_table_from_file(io.BytesIO(lines), f"{ID}.csv", job_config=csv)
    job.result()
    assert (job.output_rows, job.output_bytes, job.input_files, job.input_file_bytes) == (3, 50, 1, len(lines))
    assert [tuple(r.values()) for r in client.list_rows(f"{ID}.csv")] == [(1, "a", 1.5), (2, "", 2.0), (3, "x,y", None)]
    # Larger than a chunk of a resumable upload.
    many = b"".join(b"%d,%s,1\n" % (n, b"x" * 80) for n in range(40_000))
    client.load_table_from_file(
        io.BytesIO(many), f"{ID}.many", job_config=LoadJobConfig(source_format="CSV", schema=schema)
    ).result()
    assert ask(f"SELECT COUNT(*), SUM(id) FROM {DATASET}.many") == [(40_000, 799_980_000)]
    frame = pd.DataFrame(
        {"a": [1, 2, 3], "s": ["x", None, "z"], "t": pd.to_datetime(["2024-01-01", "2024-01-02", None], utc=True)}
    )
    for _ in range(2):
        client.load_table_from_dataframe(
            frame, f"{ID}.frame", job_config=LoadJobConfig(write_disposition="WRITE_TRUNCATE")
        ).result()
    read = client.list_rows(f"{ID}.frame").to_dataframe(create_bqstorage_client=True)
    assert (
        read["a"].tolist() == [1, 2, 3]
        and read["t"][0] == pd.Timestamp("2024-01-01", tz="UTC")
        and pd.isna(read["t"][2])
    )
    bucket = storage.Client().bucket(BUCKET)
    bucket.blob("py/rows.json").upload_from_string("\n".join(json.dumps({"id": n, "rec": {"a": n}}) for n in range(5)))
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    bucket.blob("py/rows.parquet").upload_from_string(buffer.getvalue())
    found = LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", autodetect=True)
    assert (
        client.load_table_from_uri(f"gs://{BUCKET}/py/*.json", f"{ID}.json", job_config=found).result().output_rows == 5
    )
    assert ask(f"SELECT SUM(rec.a) FROM {DATASET}.json") == [(10,)]
    parquet = LoadJobConfig(source_format="PARQUET")
    assert (
        client.load_table_from_uri(f"gs://{BUCKET}/py/rows.parquet", f"{ID}.parquet", job_config=parquet)
        .result()
        .output_rows
        == 3
    )
    wrong = client.load_table_from_file(
        io.BytesIO(b"x,a,1\n"), f"{ID}.csv", job_config=LoadJobConfig(source_format="CSV", schema=schema)
    )
    refused(exceptions.BadRequest, "invalid", wrong.result)
    client.copy_table(f"{ID}.csv", f"{ID}.copied").result()
    assert client.get_table(f"{ID}.copied").num_rows == 3


client.create_dataset(bigquery.Dataset(ID), exists_ok=True)
for part in (tables, queries, loads):
    part()
refused(exceptions.BadRequest, "resourceInUse", lambda: client.delete_dataset(DATASET))
client.delete_dataset(DATASET, delete_contents=True)
assert DATASET not in [d.dataset_id for d in client.list_datasets()]
print("all as it should be")
