/** A load job whose file is uploaded in parts: it goes on after kill -9, and is one job however often its end is sent. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "../service";
import { CloudProcess } from "./cloud-process";

jest.setTimeout(120_000);
const API = "https://bigquery.googleapis.com/bigquery/v2/projects/sparklab-local";
const UPLOAD = "https://bigquery.googleapis.com/upload/bigquery/v2/projects/sparklab-local/jobs?uploadType=resumable";
const KB256 = 256 * 1024;
let cloud: CloudProcess;

beforeAll(async () => {
  cloud = await CloudProcess.start();
  await cloud.send(`POST ${API}/datasets`, { datasetReference: { datasetId: "d" }, location: "us-central1" });
});
afterAll(() => cloud.close());

const begin = async (tableId: string, jobReference?: JsonObject) => {
  const destinationTable = { projectId: "sparklab-local", datasetId: "d", tableId };
  const load = { destinationTable, schema: { fields: [{ name: "id", type: "INTEGER" }] } };
  const { headers } = await cloud.send(`POST ${UPLOAD}`, {
    configuration: { load },
    ...(jobReference && { jobReference }),
  });
  return (bytes: Buffer, first: number, total: number) =>
    cloud.send(`PUT ${String(headers.location)}`, bytes, {
      "content-range": bytes.length > 0 ? `bytes ${first}-${first + bytes.length - 1}/${total}` : `bytes */${total}`,
    });
};
const count = async (table: string) => {
  const text = `SELECT COUNT(*), COUNT(DISTINCT id) FROM d.${table}`;
  const { json } = await cloud.send(`POST ${API}/queries`, { query: text, useLegacySql: false, timeoutMs: 60_000 });
  return (json.rows as { f: { v: string }[] }[])[0]!.f.map(({ v }) => Number(v));
};
const ended = async (job: JsonObject) => {
  for (;;) {
    const { json } = await cloud.send(`GET ${API}/jobs/${(job.jobReference as { jobId: string }).jobId}`);
    if ((json.status as JsonObject).state === "DONE") return json;
  }
};
const rows = Array.from({ length: 60_000 }, (_, n) => n);
const file = Buffer.from(rows.map((n) => `${n}\n`).join(""));

test.each([
  ["the session", undefined],
  ["the client", { projectId: "sparklab-local", jobId: "named-by-the-client" }],
])("a load goes on where it was, and is one job, named by %s", async (_, jobReference) => {
  const table = jobReference ? "by_client" : "by_session";
  const put = await begin(table, jobReference);
  expect((await put(file.subarray(0, KB256), 0, file.length)).status).toBe(308);
  await cloud.kill();
  await cloud.restart();
  const there = await put(Buffer.alloc(0), 0, file.length);
  expect([there.status, there.headers.range]).toEqual([308, `bytes=0-${KB256 - 1}`]);
  const last = () => put(file.subarray(KB256), KB256, file.length);
  const first = await last();
  expect(first.status).toBe(200);
  await ended(first.json);
  await cloud.kill();
  await cloud.restart();
  const again = await last();
  expect([again.status, again.json.jobReference]).toEqual([200, first.json.jobReference]);
  expect((await ended(again.json)).status).toEqual({ state: "DONE" });
  expect(await count(table)).toEqual([rows.length, rows.length]);
});

test("a job's name that is taken is refused, and what was loaded under it stays", async () => {
  const put = await begin("by_client", { projectId: "sparklab-local", jobId: "named-by-the-client" });
  expect(await put(file, 0, file.length)).toMatchObject({ status: 409 });
  expect(await count("by_client")).toEqual([rows.length, rows.length]);
});
