/** An external table over a bucket and a Spark procedure, from the host's provider to the rows that a query reads. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bigquery } from "../../cloud/services/bigquery";
import { bigqueryConnection } from "../../cloud/services/bigqueryconnection";
import { testEngine } from "../../cloud/services/bigquery/testing";
import { storage } from "../../cloud/services/storage";
import { writeObject } from "../../cloud/services/storage/objects";
import { liveProvider, type LiveProvider } from "../../life-cycle-testing";
import type { Instance } from "../provider";
import type { Properties } from "../values";

const folder = mkdtempSync(join(tmpdir(), "sparklab-external-"));
const L = "projects/sparklab-local/locations/us-central1";
let google: LiveProvider;
let connection: Instance;
beforeAll(async () => {
  google = await liveProvider([storage, bigquery, bigqueryConnection], undefined, { bigquery: testEngine(folder) });
  await google.lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", {
    ...{ name: "raw", location: "us-central1", iamConfiguration: { uniformBucketLevelAccess: { enabled: true } } },
  });
  await google.make("gcp:bigquery/dataset:Dataset", { datasetId: "lab", location: "us-central1" });
  connection = await google.make("gcp:bigquery/connection:Connection", {
    ...{ connectionId: "files", location: "us-central1", cloudResource: {} },
  });
});
afterAll(async () => {
  await google.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (text: string) => writeObject(google.lab.cloud, { bucket: "raw", name: "customers.csv" }, text);
const query = async (): Promise<unknown> => {
  const url = "https://bigquery.googleapis.com/bigquery/v2/projects/sparklab-local/queries";
  const body = { query: "SELECT id, charge FROM lab.customers ORDER BY id", useLegacySql: false };
  const { rows = [] } = (await google.lab.rest(`POST ${url}`, body)) as { rows?: { f: { v: string }[] }[] };
  return rows.map(({ f }) => f.map(({ v }) => v));
};

test("an external table is read as its connection's account, and shows the files as they are", async () => {
  const inputs = (more: Properties = {}): Properties => ({
    ...{ datasetId: "lab", tableId: "customers", deletionProtection: false, ...more },
    schema: JSON.stringify([
      { name: "id", type: "STRING" },
      { name: "charge", type: "FLOAT64" },
    ]),
    externalDataConfiguration: {
      ...{ connectionId: connection.outputs.name!, sourceFormat: "CSV", autodetect: false },
      ...{ sourceUris: ["gs://raw/customers.csv"], csvOptions: { quote: '"', skipLeadingRows: 1 } },
    },
  });
  await google.live({
    type: "gcp:bigquery/table:Table",
    inputs: inputs(),
    id: "projects/sparklab-local/datasets/lab/tables/customers",
    outputs: { type: "EXTERNAL" },
    change: [inputs({ labels: { a: "1" } }), ["labels"]],
    before: async () => {
      await expect(query()).rejects.toThrow(/Access Denied: .*bqcx-100000000001-\w+@.* bucket raw/);
      const { serviceAccountId } = connection.outputs.cloudResource as { serviceAccountId: string };
      await google.make("gcp:storage/bucketIAMMember:BucketIAMMember", {
        ...{ bucket: "raw", role: "roles/storage.objectViewer", member: `serviceAccount:${serviceAccountId}` },
      });
      expect(await query()).toEqual([]);
      await write("id,charge\na,1.5\n");
      expect(await query()).toEqual([["a", "1.5"]]);
      await write('id,charge\n"b",2\na,3\n');
      expect(await query()).toEqual([
        ["a", "3.0"],
        ["b", "2.0"],
      ]);
      await write("id,charge\na,much\n");
      await expect(query()).rejects.toThrow("Error while reading table: sparklab-local:lab.customers");
    },
  });
});

test("the life of a Routine that runs Spark", () => {
  const inputs = (description?: string): Properties => ({
    ...{ datasetId: "lab", routineId: "score", routineType: "PROCEDURE", language: "PYTHON", definitionBody: "" },
    ...(description && { description }),
    arguments: [{ name: "day", mode: "IN", dataType: JSON.stringify({ typeKind: "STRING" }) }],
    sparkOptions: {
      connection: `${L}/connections/files`,
      runtimeVersion: "2.3",
      mainFileUri: "gs://raw/main.py",
      pyFileUris: ["gs://raw/p.zip"],
    },
  });
  return google.live({
    type: "gcp:bigquery/routine:Routine",
    inputs: inputs(),
    id: "projects/sparklab-local/datasets/lab/routines/score",
    change: [inputs("d"), ["description"]],
    replace: [{ ...inputs(), routineId: "other" }, ["routineId"]],
  });
});
