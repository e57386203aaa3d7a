/** The lab's own Spark procedure by Google's Python client and real Spark, as the account of its connection alone. */
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { OPERATOR } from "../../door/principals";
import { grantOnProject } from "../../testing";
import type { JsonObject } from "../../service";
import { openTestLab, type TestLab } from "./testing";

jest.setTimeout(600_000);
const PYSPARK = resolve(__dirname, "../../../../pyspark");
const CONNECTION = "projects/sparklab-local/locations/us-central1/connections/spark";
let lab: TestLab;
let account: string;
beforeAll(async () => {
  lab = await openTestLab();
  const { api, cloud } = lab.started;
  await lab.rest("POST /storage/v1/b?project=sparklab-local", { name: "code", location: "us-central1" });
  const path = `/v1/${CONNECTION.replace(/\/\w+$/, "")}?connectionId=spark`;
  const request = { host: "bigqueryconnection.googleapis.com", verb: "POST", path, body: { spark: {} } };
  const connection = (await api.rest(request, OPERATOR)) as { spark: { serviceAccountId: string } };
  account = connection.spark.serviceAccountId;
  const member = `serviceAccount:${account}`;
  for (const role of ["bigquery.jobUser", "bigquery.readSessionUser", "storage.objectViewer"])
    await grantOnProject(cloud, `roles/${role}`, member);
  const access: JsonObject[] = [
    { role: "WRITER", userByEmail: account },
    { role: "OWNER", specialGroup: "projectOwners" },
  ];
  const dataset = { datasetReference: { datasetId: "spark" }, location: "us-central1", access };
  await lab.rest("POST /bigquery/v2/projects/sparklab-local/datasets", dataset);
});
afterAll(() => lab.close());

test("Google's client calls it: its rows, its job and its error are the procedure's", async () => {
  expect(await lab.python("procedure_checks.py", PYSPARK, CONNECTION, "code")).toBe("all as it should be\n");
});
