/** Google's Node client against the cloud: what it makes, loads, asks and reads comes back as it should. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BigQuery } from "@google-cloud/bigquery";

const [datasetId] = process.argv.slice(2);
const bigquery = new BigQuery();
const [dataset] = await bigquery.createDataset(datasetId, { location: "us-central1", labels: { made: "node" } });
assert.equal(dataset.metadata.labels.made, "node");

const schema = [
  { name: "id", type: "INTEGER", mode: "REQUIRED" },
  { name: "name", type: "STRING" },
  { name: "at", type: "TIMESTAMP" },
  { name: "day", type: "DATE" },
  { name: "tags", type: "STRING", mode: "REPEATED" },
  { name: "rec", type: "RECORD", fields: [{ name: "x", type: "FLOAT" }] },
];
const [table] = await dataset.createTable("t", { schema });
await assert.rejects(
  dataset.createTable("t", { schema }),
  (error) => error.code === 409 && error.errors[0].reason === "duplicate",
);
await table.insert([
  { id: 1, name: "one", at: "2024-01-02T03:04:05.678Z", day: "2024-01-02", tags: ["a"], rec: { x: 1.5 } },
  { id: 2 },
]);
await assert.rejects(table.insert([{ name: "no id" }]), (error) => error.name === "PartialFailureError");
const [rows] = await table.getRows();
const first = rows.find((row) => row.id === 1);
assert.deepEqual(
  { ...first, at: first.at.value, day: first.day.value },
  { id: 1, name: "one", at: "2024-01-02T03:04:05.678Z", day: "2024-01-02", tags: ["a"], rec: { x: 1.5 } },
);

const [found] = await bigquery.query({
  query: `SELECT name, @n AS n FROM ${datasetId}.t WHERE id = @id`,
  params: { id: 1, n: "p" },
});
assert.deepEqual(found, [{ name: "one", n: "p" }]);
const [job] = await bigquery.createQueryJob({ query: "SELECT x FROM UNNEST(GENERATE_ARRAY(1, 7)) x ORDER BY x" });
const [page, next] = await job.getQueryResults({ maxResults: 5, autoPaginate: false });
const [rest] = await job.getQueryResults(next);
assert.deepEqual(
  [...page, ...rest].map(({ x }) => x),
  [1, 2, 3, 4, 5, 6, 7],
);
const [{ metadata: dry }] = await bigquery.createQueryJob({ query: `SELECT id FROM ${datasetId}.t`, dryRun: true });
assert.equal(dry.statistics.totalBytesProcessed, "16");
await assert.rejects(bigquery.query("SELECT nope"), (error) =>
  /Unrecognized name: nope at \[1:8\]/.test(error.message),
);
await assert.rejects(bigquery.query("SELECT FROM WHERE"), (error) => /Syntax error/.test(error.message));
await assert.rejects(
  dataset.table("none").get(),
  (error) => error.code === 404 && /Not found: Table/.test(error.message),
);

const folder = mkdtempSync(join(tmpdir(), "sparklab-node-"));
writeFileSync(join(folder, "rows.csv"), "id,name\n5,five\n6,six\n");
const [load] = await dataset.table("loaded").load(join(folder, "rows.csv"), {
  ...{
    sourceFormat: "CSV",
    skipLeadingRows: 1,
    schema: { fields: schema.slice(0, 2) },
    writeDisposition: "WRITE_TRUNCATE",
  },
});
rmSync(folder, { recursive: true });
assert.equal(load.statistics.load.outputRows, "2");
const [loaded] = await bigquery.query(`SELECT name FROM ${datasetId}.loaded ORDER BY id`);
assert.deepEqual(loaded, [{ name: "five" }, { name: "six" }]);
const [jobs] = await bigquery.getJobs({ maxResults: 2, autoPaginate: false });
assert.equal(jobs.length, 2);
await dataset.delete({ force: true });
assert.equal((await dataset.exists())[0], false);
console.log("all as it should be");
