/** What a query does to tables is asked of who starts it, and nothing that is not understood goes by. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { OPERATOR } from "../../door/principals";
import { grantOnProject } from "../../testing";
import type { JsonObject, Principal } from "../../service";
import { openTestLab, type TestLab } from "./testing";

const JOBS = "/bigquery/v2/projects/sparklab-local/jobs";
const DATASETS = "/bigquery/v2/projects/sparklab-local/datasets";
const someone = (name: string): Principal => ({
  ...{ kind: "serviceAccount", via: "accessToken" },
  email: `${name}@elsewhere.iam.gserviceaccount.com`,
});
const [reader, writer, nobody] = ["reader", "writer", "nobody"].map(someone) as [Principal, Principal, Principal];

let lab: TestLab;
beforeAll(async () => {
  lab = await openTestLab();
  const access: JsonObject[] = [
    { role: "READER", userByEmail: reader.email },
    { role: "WRITER", userByEmail: writer.email },
    { role: "OWNER", specialGroup: "projectOwners" },
  ];
  const made = (datasetId: string, more: JsonObject) =>
    lab.rest(`POST ${DATASETS}`, { datasetReference: { datasetId }, location: "us-central1", ...more });
  await made("open", { access });
  await made("closed", {});
  for (const dataset of ["open", "closed"]) await run(`CREATE TABLE ${dataset}.t AS SELECT 1 AS id`);
  for (const { email } of [reader, writer, nobody])
    await grantOnProject(lab.started.cloud, "roles/bigquery.jobUser", `serviceAccount:${email}`);
}, 60_000);
afterAll(() => lab.close());

async function run(query: string, principal?: Principal): Promise<JsonObject> {
  const body = { configuration: { query: { query, useLegacySql: false } } };
  const request = { host: "bigquery.googleapis.com", verb: "POST", path: JOBS, body };
  return (await lab.started.api.rest(request, principal ?? OPERATOR)) as JsonObject;
}
const stateOf = (job: JsonObject) => (job.status as { errorResult?: { reason: string } }).errorResult?.reason ?? "done";
const refusal = (query: string, principal: Principal) =>
  run(query, principal).then(
    (job) => `answered: ${stateOf(job)}`,
    (error: Error) => error.message,
  );

test.each([
  ["SELECT * FROM open.t", reader],
  ["INSERT INTO open.t (id) VALUES (2)", writer],
  ["UPDATE open.t SET id = 3 WHERE id = 2", writer],
  ["CREATE OR REPLACE TABLE open.u AS SELECT * FROM open.t", writer],
  ["CREATE VIEW open.w AS SELECT * FROM open.t", writer],
  ["SELECT * FROM open.w", reader],
  ["DROP TABLE open.u", writer],
])("%s is let through to who has what it needs", async (query, principal) => {
  expect(stateOf(await run(query, principal))).toBe("done");
});

test.each([
  ["SELECT * FROM closed.t", reader, "query table sparklab-local:closed.t"],
  ["SELECT * FROM open.t AS a JOIN closed.t AS b ON a.id = b.id", reader, "query table sparklab-local:closed.t"],
  ["INSERT INTO open.t (id) VALUES (2)", reader, "Permission bigquery.tables.updateData denied on table"],
  ["INSERT INTO open.t (id) SELECT id FROM closed.t", writer, "query table sparklab-local:closed.t"],
  ["CREATE TABLE closed.new AS SELECT 1 AS id", writer, "Permission bigquery.tables.create denied on dataset"],
  ["CREATE TABLE closed.new (id INT64)", writer, "Permission bigquery.tables.create denied on dataset"],
  ["CREATE VIEW open.v AS SELECT * FROM closed.t", writer, "query table sparklab-local:closed.t"],
  ["DROP TABLE open.t", reader, "Permission bigquery.tables.delete denied on table"],
  ["ALTER TABLE open.t ADD COLUMN more INT64", reader, "Permission bigquery.tables.update denied on table"],
  ["SELECT * FROM closed.INFORMATION_SCHEMA.TABLES", reader, "denied on dataset sparklab-local:closed"],
  ["SELECT 1; DROP TABLE open.t", reader, "User does not have bigquery"],
  ["CREATE SCHEMA mine", writer, "User does not have bigquery"],
  ["SELECT closed.f(1)", reader, "User does not have bigquery"],
  ["SELECT * FROM closed.absent", reader, "query table sparklab-local:closed.absent"],
])("%s is refused to who has not", async (query, principal, why) => {
  expect(await refusal(query, principal)).toContain(why);
});

test("a text that cannot be read is a failed job, to who may do nothing as well", async () => {
  expect(await refusal("SELEC 1 FRM open.t", nobody)).toBe("answered: invalidQuery");
});

test("a view over a table that its maker may not read is refused, and so is reading one that another has made", async () => {
  const view = { query: "SELECT * FROM closed.t", useLegacySql: false };
  const body = { tableReference: { projectId: "sparklab-local", datasetId: "open", tableId: "hole" }, view };
  const request = { host: "bigquery.googleapis.com", verb: "POST", path: `${DATASETS}/open/tables`, body };
  await expect(lab.started.api.rest(request, writer)).rejects.toThrow(
    "bigquery.tables.getData denied on table sparklab-local:closed.t",
  );
  await lab.started.api.rest(request, OPERATOR);
  expect(await refusal("SELECT * FROM open.hole", reader)).toContain("query table sparklab-local:closed.t");
});

test("an external table is made by who may read its files", async () => {
  await lab.rest("POST /storage/v1/b?project=sparklab-local", { name: "files", location: "us-central1" });
  const external = { sourceFormat: "CSV", sourceUris: ["gs://files/x.csv"], autodetect: true };
  const body = {
    tableReference: { projectId: "sparklab-local", datasetId: "open", tableId: "outside" },
    externalDataConfiguration: external,
  };
  const request = { host: "bigquery.googleapis.com", verb: "POST", path: `${DATASETS}/open/tables`, body };
  await expect(lab.started.api.rest(request, writer)).rejects.toThrow(/storage\.objects\.get access/);
});
