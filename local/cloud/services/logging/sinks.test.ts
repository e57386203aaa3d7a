/** Log sinks over the real BigQuery engine: which entries become which rows, as whom, and that none is lost or doubled. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { openBigQuery, type TestBigQuery } from "../bigquery/requests";
import { logging } from ".";

jest.setTimeout(120_000);
const P = "projects/sparklab-local";
const WRITER = "service-100000000001@gcp-sa-logging.iam.gserviceaccount.com";
let lab: TestBigQuery;
beforeAll(async () => {
  lab = await openBigQuery({ services: [logging] });
});
afterAll(() => lab.close());

const LOGGING = "https://logging.googleapis.com/v2";
const write = (log: string, ...entries: JsonObject[]) =>
  lab.test.rest(`POST ${LOGGING}/entries:write`, { logName: `${P}/logs/${log}`, entries });
const sink = (name: string, dataset: string, more: JsonObject = {}) => {
  const destination = `bigquery.googleapis.com/${P}/datasets/${dataset}`;
  return lab.test.rest(`POST ${LOGGING}/${P}/sinks`, { name, destination, ...more });
};
const dataset = (datasetId: string, ...writers: string[]) => {
  const access = writers.map((userByEmail) => ({ role: "roles/bigquery.dataEditor", userByEmail }));
  return lab.api("POST datasets", { datasetReference: { datasetId }, location: "us-central1", access });
};
/** The rows of a query as soon as there are `count`; no sink says when it has written. */
async function rows(query: string, count: number) {
  for (;;) {
    const found = await lab.rows(query).catch(() => []);
    if (found.length >= count) return found;
    await pause(50);
  }
}

describe("a sink with its grant", () => {
  const since = "2026-11-20T23:59:59.5Z";
  beforeAll(async () => {
    await dataset("logs", WRITER);
    const exclusions = [{ name: "noise", filter: "textPayload:noise" }];
    await sink("kept", "logs", {
      ...{ filter: "severity>=WARNING", exclusions, bigqueryOptions: { usePartitionedTables: true } },
    });
  });

  test("writes what matches to the partitioned table of its log, with the fields of an entry as columns", async () => {
    const resource = { type: "cloud_dataproc_batch", labels: { project_id: "sparklab-local", batch_id: "b-1" } };
    const labels = { "compute.googleapis.com/Name": "x" };
    await write(
      "dataproc.googleapis.com%2Foutput",
      { textPayload: "bad", severity: "ERROR", resource, labels, trace: "t", timestamp: since },
      { textPayload: "noise", severity: "ERROR" },
      { textPayload: "fine", severity: "INFO" },
    );
    const columns =
      "textPayload, severity, resource.labels.batch_id, labels.compute_googleapis_com_name, trace, logName";
    expect(await rows(`SELECT ${columns} FROM logs.dataproc_googleapis_com_output`, 1)).toEqual([
      ["bad", "ERROR", "b-1", "x", "t", `${P}/logs/dataproc.googleapis.com%2Foutput`],
    ]);
    const table = await lab.api("GET datasets/logs/tables/dataproc_googleapis_com_output");
    expect(table).toMatchObject({ timePartitioning: { type: "DAY", field: "timestamp" } });
  });

  test("gives a table the columns that later entries bring, in records too", async () => {
    const severity = "ERROR";
    await write("app", { jsonPayload: { Code: 7, inner: { a: "x" } }, severity });
    await rows("SELECT insertId FROM logs.app", 1);
    await write("app", { jsonPayload: { code: 8, inner: { b: [true, false] }, "new-field": "y" }, severity });
    const query = `SELECT jsonPayload.code, jsonPayload.inner.a, jsonPayload.inner.b[SAFE_OFFSET(1)], jsonPayload.new_field
      FROM logs.app ORDER BY timestamp, insertId`;
    expect(await rows(query, 2)).toEqual([
      ["7.0", "x", null, null],
      ["8.0", null, "false", "y"],
    ]);
  });

  test("puts what does not fit into its table beside it, as a whole and with the reason, and logs the sink's error", async () => {
    await write("misfit", { jsonPayload: { code: 7 }, severity: "ERROR" });
    await rows("SELECT insertId FROM logs.misfit", 1);
    await write("misfit", { jsonPayload: { code: "seven" }, severity: "ERROR" });
    const [[why, entry] = []] = await rows("SELECT schemaErrorDetail, logEntry FROM logs.export_errors", 1);
    expect(why).toBe("This field: code of jsonPayload is STRING, the column is FLOAT.");
    expect(JSON.parse(textOf(entry))).toMatchObject({ jsonPayload: { code: "seven" } });
    expect(await errors("kept")).toMatchObject([{ labels: { error_code: "table_invalid_schema" } }]);
  });

  test("dates the table's name where tables are not partitioned", async () => {
    await sink("dated", "logs", { filter: `logName="${P}/logs/dated"` });
    const entry = (insertId: string, timestamp: string) => ({ textPayload: insertId, insertId, timestamp });
    await write("dated", entry("late", since), entry("early", "2026-11-21T00:00:00Z"), entry("late", since));
    expect(await rows("SELECT textPayload FROM logs.dated_20261120", 1)).toEqual([["late"]]);
    expect(await rows("SELECT textPayload FROM logs.dated_20261121", 1)).toEqual([["early"]]);
  });
});

test("a sink without its grant writes nothing and logs that, once", async () => {
  await dataset("closed");
  await sink("refused", "closed", { filter: `logName="${P}/logs/closed"` });
  await write("closed", { textPayload: "one" });
  while ((await errors("refused")).length === 0) await pause(50);
  await write("closed", { textPayload: "two" });
  while ((await lab.test.cloud.store.list("logging/")).some(({ key }) => /arrivals|queue/.test(key))) await pause(50);
  const [error, ...more] = await errors("refused");
  expect(more).toEqual([]);
  expect(error).toMatchObject({
    severity: "ERROR",
    resource: { type: "logging_sink", labels: { name: "refused" } },
    labels: { error_code: "dataset_permission_denied", sink_id: "refused" },
    textPayload: expect.stringContaining("bigquery.tables.get"),
  });
  expect((await lab.api("GET datasets/closed/tables")).totalItems).toBe(0);
});

async function errors(name: string): Promise<JsonObject[]> {
  const filter = `logName="${P}/logs/logging.googleapis.com%2Fsink_error" resource.labels.name="${name}"`;
  const body = { resourceNames: [P], filter };
  return ((await lab.test.rest(`POST ${LOGGING}/entries:list`, body)) as { entries?: JsonObject[] }).entries ?? [];
}
