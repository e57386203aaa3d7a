/** Data sets, tables and routines as resources: what Google's provider and clients read back, keep and are refused. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { OPERATOR } from "../../door/principals";
import type { Call, JsonObject } from "../../service";
import { callEngine } from "./engine-call";
import { openBigQuery, query, table, type TestBigQuery } from "./requests";

jest.setTimeout(180_000);
let lab: TestBigQuery;
beforeAll(async () => {
  lab = await openBigQuery();
});
afterAll(() => lab.close());

const TABLES = "https://bigquery.googleapis.com/bigquery/v2/projects/sparklab-local/datasets/d/tables";
const labels = { "goog-terraform-provisioned": "true" };
const GRANTED: JsonObject[] = [
  { role: "roles/bigquery.dataEditor", userByEmail: "spark-worker@sparklab-local.iam.gserviceaccount.com" },
  { role: "roles/bigquery.dataOwner", specialGroup: "projectOwners" },
];

describe("data sets", () => {
  test("give back what was sent, with Google's default access", async () => {
    const made = await lab.api("POST datasets?accessPolicyVersion=3", {
      ...{ datasetReference: { datasetId: "sent" }, location: "us-central1", labels, description: "d" },
    });
    expect(await lab.api("GET datasets/sent?accessPolicyVersion=3")).toEqual(made);
    expect(made).toMatchObject({
      ...{ kind: "bigquery#dataset", id: "sparklab-local:sent", labels, description: "d", location: "us-central1" },
      ...{ type: "DEFAULT", datasetReference: { projectId: "sparklab-local", datasetId: "sent" } },
      access: [
        { role: "WRITER", specialGroup: "projectWriters" },
        { role: "OWNER", specialGroup: "projectOwners" },
        { role: "OWNER", userByEmail: "operator@sparklab.local" },
        { role: "READER", specialGroup: "projectReaders" },
      ],
    });
  });

  test("PATCH sets the access list; PUT without one keeps it and clears what it leaves out", async () => {
    await lab.api("PATCH datasets/sent?accessPolicyVersion=3", { access: GRANTED });
    expect(await lab.api("GET datasets/sent")).toMatchObject({ access: GRANTED, labels, description: "d" });
    const put = await lab.api("PUT datasets/sent", {
      datasetReference: { datasetId: "sent" },
      labels,
      friendlyName: "f",
    });
    expect(put).toMatchObject({ access: GRANTED, labels, friendlyName: "f", location: "us-central1" });
    expect(put).not.toHaveProperty("description");
  });

  test("are refused twice, in another location, and with an id that is none", async () => {
    const again = await lab.refusal("POST datasets", { datasetReference: { datasetId: "sent" } });
    expect(again).toMatchObject({
      http: 409,
      reason: "duplicate",
      message: "Already Exists: Dataset sparklab-local:sent",
    });
    expect(
      await lab.refusal("PUT datasets/sent", { datasetReference: { datasetId: "sent" }, location: "EU" }),
    ).toMatchObject({ http: 400 });
    expect(await lab.refusal("POST datasets", { datasetReference: { datasetId: "a-b" } })).toMatchObject({
      http: 400,
      reason: "invalid",
    });
    expect(await lab.refusal("GET datasets/none")).toMatchObject({ http: 404, reason: "notFound" });
  });

  test("with tables are deleted only with their contents", async () => {
    await lab.api("POST datasets", { datasetReference: { datasetId: "full" } });
    await lab.job(query("CREATE TABLE full.t AS SELECT 1 AS id"));
    expect(await lab.refusal("DELETE datasets/full")).toMatchObject({ http: 400, reason: "resourceInUse" });
    await lab.api("DELETE datasets/full?deleteContents=true");
    expect(await lab.refusal("GET datasets/full/tables/t")).toMatchObject({ http: 404 });
    await lab.api("POST datasets", { datasetReference: { datasetId: "full" } });
    expect((await lab.api("GET datasets/full/tables")).totalItems).toBe(0);
    await lab.api("DELETE datasets/full");
  });
});

describe("tables", () => {
  const fields: JsonObject[] = [
    { mode: "REQUIRED", name: "id", description: "the id", policyTags: { names: [] }, type: "STRING" },
    { name: "v", policyTags: { names: [] }, type: "FLOAT" },
    { name: "at", type: "TIMESTAMP" },
  ];
  const timePartitioning = { requirePartitionFilter: false, type: "DAY", field: "at" };

  test("give back what was sent: modes, descriptions, partitioning, clustering, labels", async () => {
    const body = table("t", fields, { labels, timePartitioning, clustering: { fields: ["id"] } });
    const made = await lab.api("POST datasets/d/tables", body);
    expect(made).toMatchObject({
      ...{ ...body, kind: "bigquery#table", id: "sparklab-local:d.t", type: "TABLE", location: "us-central1" },
      ...{ numRows: "0", numBytes: "0", numLongTermBytes: "0" },
    });
    expect(await lab.api("GET datasets/d/tables/t")).toEqual(made);
    const listed = await lab.api("GET datasets/d/tables");
    expect(listed.tables[0]).toMatchObject({ id: "sparklab-local:d.t", labels, timePartitioning });
  });

  test("PUT changes what it names, adds columns, and refuses to lose or change one, all problems at once", async () => {
    const wider: JsonObject[] = [
      { ...fields[0]!, description: "changed" },
      fields[1]!,
      fields[2]!,
      { name: "more", type: "INTEGER" },
    ];
    const put = await lab.api(
      "PUT datasets/d/tables/t",
      table("t", wider, { labels, timePartitioning, description: "x" }),
    );
    expect(put).toMatchObject({ description: "x", schema: { fields: wider }, labels });
    const refused = await lab.refusal(
      "PUT datasets/d/tables/t",
      table("t", [
        { name: "v", type: "STRING" },
        { name: "new", type: "DATE", mode: "REQUIRED" },
      ]),
    );
    expect(refused).toMatchObject({ http: 400, reason: "invalid" });
    expect(refused.message).toMatch(
      /id is missing.*v has changed type or mode from NULLABLE FLOAT to NULLABLE STRING.*at is missing.*Cannot add required field new/,
    );
  });

  test("an etag changes with the table, and a stale one is refused", async () => {
    const { etag } = await lab.api("GET datasets/d/tables/t");
    const patch = (description: string) =>
      callEngine(lab.test.cloud, {
        ...{ methodId: "bigquery.tables.patch", query: {}, body: { description }, principal: OPERATOR },
        path: { projectId: "sparklab-local", datasetId: "d", tableId: "t" },
        http: { request: { headers: { "if-match": etag } } } as unknown as Call["http"],
      });
    expect(await patch("newer")).toMatchObject({ description: "newer" });
    await expect(patch("newest")).rejects.toMatchObject({ http: 412, reason: "conditionNotMet" });
  });

  test("what SQL changes is seen, and descriptions of columns that stay are kept", async () => {
    await lab.job(query("ALTER TABLE d.t ADD COLUMN bySql STRING"));
    const changed = (await lab.api("GET datasets/d/tables/t")).schema.fields as {
      name: string;
      description?: string;
    }[];
    expect(changed.map(({ name }) => name)).toEqual(["id", "v", "at", "more", "bySql"]);
    expect(changed[0]!.description).toBe("changed");
    await lab.job(query("CREATE OR REPLACE TABLE d.t AS SELECT 1 AS other"));
    const replaced = await lab.api("GET datasets/d/tables/t");
    expect(replaced.schema.fields).toMatchObject([{ name: "other", type: "INTEGER" }]);
    expect(replaced).not.toHaveProperty("labels");
    await lab.job(query("DROP TABLE d.t"));
    expect(await lab.refusal("GET datasets/d/tables/t")).toMatchObject({
      http: 404,
      message: "Not found: Table sparklab-local:d.t",
    });
  });

  test("schemas are checked, all problems at once", async () => {
    const refused = await lab.refusal(
      "POST datasets/d/tables",
      table("bad", [
        { name: "a", type: "TEXT" },
        { name: "a", type: "STRING", mode: "MAYBE" },
        { name: "r", type: "RECORD" },
      ]),
    );
    expect(refused.message).toMatch(
      /schema\.a: got type 'TEXT'.*Duplicate field schema\.a.*got mode 'MAYBE'.*schema\.r is type RECORD but has no schema/,
    );
  });

  test("whose time has run out are gone", async () => {
    const until = (expirationTime: string) =>
      lab.test.rest(`POST ${TABLES}`, table("brief", [{ name: "a", type: "STRING" }], { expirationTime }));
    await expect(until(`${Date.now() - 1}`)).rejects.toMatchObject({ http: 400, reason: "invalid" });
    const end = Date.now() + 500;
    await until(`${end}`);
    const ids = async () => ((await lab.api("GET datasets/d/tables")).tables as { id: string }[]).map(({ id }) => id);
    while (Date.now() <= end) await lab.api("GET datasets/d");
    expect(await ids()).not.toContain("sparklab-local:d.brief");
    expect(await lab.refusal("GET datasets/d/tables/brief")).toMatchObject({ http: 404 });
  });
});

describe("routines", () => {
  test("a Spark procedure is kept as it was sent, a SQL function is called", async () => {
    const procedure = {
      language: "PYTHON",
      routineType: "PROCEDURE",
      sparkOptions: { mainFileUri: "gs://files/main.py", runtimeVersion: "2.3" },
    };
    const routineReference = { projectId: "sparklab-local", datasetId: "d", routineId: "proc" };
    expect(await lab.api("POST datasets/d/routines", { ...procedure, routineReference })).toMatchObject(procedure);
    expect(
      await lab.api("PUT datasets/d/routines/proc", { ...procedure, routineReference, description: "d" }),
    ).toMatchObject({ description: "d" });
    await lab.api("DELETE datasets/d/routines/proc");
    expect(await lab.refusal("GET datasets/d/routines/proc")).toMatchObject({ http: 404 });
    await lab.api("POST datasets/d/routines", {
      ...{
        routineReference: { ...routineReference, routineId: "twice" },
        routineType: "SCALAR_FUNCTION",
        language: "SQL",
      },
      ...{ arguments: [{ name: "x", dataType: { typeKind: "INT64" } }], definitionBody: "x * 2" },
    });
    expect(await lab.rows("SELECT d.twice(21)")).toEqual([["42"]]);
  });
});
