/** What the provider asks of Google for each type, beside what the official provider was seen to ask for the same inputs. */
import { describe, expect, test } from "@jest/globals";
import type { Properties } from "../values";
import { LABELS, make } from "./testing";

describe("creation, as the official provider does it", () => {
  test("Bucket", async () => {
    const inputs = {
      name: "lab-p-data",
      location: "us-central1",
      labels: { env: "lab" },
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      softDeletePolicy: { retentionDurationSeconds: 0 },
      lifecycleRules: [{ action: { type: "Delete" }, condition: { age: 30 } }],
    };
    const answer = {
      name: "lab-p-data",
      location: "US-CENTRAL1",
      projectNumber: "123",
      labels: { env: "lab", ...LABELS },
    };
    const made = await make("gcp:storage/bucket:Bucket", inputs, { POST: answer });
    expect(made.asked).toEqual(["POST storage.googleapis.com/storage/v1/b project=lab-p"]);
    expect(made.bodies).toEqual([
      {
        iamConfiguration: { publicAccessPrevention: "enforced", uniformBucketLevelAccess: { enabled: true } },
        labels: { env: "lab", ...LABELS },
        lifecycle: { rule: [{ action: { type: "Delete" }, condition: { age: 30 } }] },
        location: "us-central1",
        name: "lab-p-data",
        softDeletePolicy: { retentionDurationSeconds: "0" },
        storageClass: "STANDARD",
      },
    ]);
    expect(made.id).toBe("lab-p-data");
    expect(made.inputs).toMatchObject({ __defaults: ["storageClass"], softDeletePolicy: { __defaults: [] } });
    expect(made.outputs).toMatchObject({
      location: "US-CENTRAL1",
      labels: { env: "lab" },
      effectiveLabels: { env: "lab", ...LABELS },
      pulumiLabels: { env: "lab", ...LABELS },
      forceDestroy: false,
      deletionPolicy: "DELETE",
      project: "lab-p",
      projectNumber: 123,
      url: "gs://lab-p-data",
    });
  });

  test("Account", async () => {
    const made = await make("gcp:serviceaccount/account:Account", {
      accountId: "spark-worker",
      displayName: "Spark worker",
    });
    expect(made.asked).toEqual(["POST iam.googleapis.com/v1/projects/lab-p/serviceAccounts"]);
    expect(made.bodies).toEqual([{ accountId: "spark-worker", serviceAccount: { displayName: "Spark worker" } }]);
    expect(made.id).toBe("projects/lab-p/serviceAccounts/spark-worker@lab-p.iam.gserviceaccount.com");
  });

  test("IAMCustomRole looks first whether the role exists, and brings a deleted one back", async () => {
    const role = { roleId: "submitter", title: "t", permissions: ["dataproc.batches.create"] };
    const body = { includedPermissions: ["dataproc.batches.create"], stage: "GA", title: "t" };
    const made = await make("gcp:projects/iAMCustomRole:IAMCustomRole", role, {
      POST: { name: "projects/lab-p/roles/submitter" },
    });
    expect(made.asked).toEqual([
      "GET iam.googleapis.com/v1/projects/lab-p/roles/submitter",
      "POST iam.googleapis.com/v1/projects/lab-p/roles",
    ]);
    expect(made.bodies).toEqual([{ roleId: "submitter", role: body }]);
    const deleted = await make("gcp:projects/iAMCustomRole:IAMCustomRole", role, {
      GET: { deleted: true },
      POST: {},
      PATCH: {},
    });
    expect(deleted.asked.slice(1)).toEqual([
      "POST iam.googleapis.com/v1/projects/lab-p/roles/submitter:undelete",
      "PATCH iam.googleapis.com/v1/projects/lab-p/roles/submitter",
    ]);
    await expect(make("gcp:projects/iAMCustomRole:IAMCustomRole", role, { GET: {} })).rejects.toThrow(
      "already exists and is not managed",
    );
  });

  test("Dataset and Table", async () => {
    const dataset = await make("gcp:bigquery/dataset:Dataset", { datasetId: "lab", location: "us-central1" });
    expect(dataset.asked).toEqual([
      "POST bigquery.googleapis.com/bigquery/v2/projects/lab-p/datasets accessPolicyVersion=3",
    ]);
    expect(dataset.bodies).toEqual([
      { datasetReference: { datasetId: "lab" }, labels: LABELS, location: "us-central1" },
    ]);
    expect(dataset.id).toBe("projects/lab-p/datasets/lab");
    const schema = JSON.stringify([
      { name: "id", type: "STRING", mode: "REQUIRED" },
      { name: "v", type: "FLOAT64" },
    ]);
    const table = await make(
      "gcp:bigquery/table:Table",
      { datasetId: "lab", tableId: "t", schema, timePartitioning: { type: "DAY" } },
      {
        POST: {
          schema: {
            fields: [
              { name: "id", type: "STRING", mode: "REQUIRED" },
              { name: "v", type: "FLOAT", mode: "NULLABLE" },
            ],
          },
          numRows: "0",
        },
      },
    );
    expect(table.bodies).toEqual([
      {
        labels: LABELS,
        schema: { fields: JSON.parse(schema) as Properties[] },
        tableReference: { datasetId: "lab", projectId: "lab-p", tableId: "t" },
        timePartitioning: { type: "DAY" },
      },
    ]);
    expect(table.outputs).toMatchObject({ schema, numRows: 0, deletionProtection: true });
  });

  test("SessionTemplate", async () => {
    const name = "projects/lab-p/locations/us-central1/sessionTemplates/lab-jupyter";
    const inputs = {
      name,
      location: "us-central1",
      jupyterSession: { kernel: "PYTHON", displayName: "Lab" },
      runtimeConfig: { version: "2.3" },
    };
    const made = await make("gcp:dataproc/sessionTemplate:SessionTemplate", inputs);
    expect(made.asked).toEqual([
      "POST dataproc.googleapis.com/v1/projects/lab-p/locations/us-central1/sessionTemplates",
    ]);
    expect(made.bodies).toEqual([
      {
        jupyterSession: { displayName: "Lab", kernel: "PYTHON" },
        labels: LABELS,
        name,
        runtimeConfig: { version: "2.3" },
        sparkConnectSession: null,
      },
    ]);
  });

  test("Service and ServiceIdentity", async () => {
    const service = await make("gcp:projects/service:Service", { service: "run.googleapis.com" });
    expect(service.asked).toEqual([
      "POST serviceusage.googleapis.com/v1/projects/lab-p/services/run.googleapis.com:enable",
    ]);
    expect(service.id).toBe("lab-p/run.googleapis.com");
    const identity = await make(
      "gcp:projects/serviceIdentity:ServiceIdentity",
      { service: "aiplatform.googleapis.com" },
      { POST: { done: true, response: { email: "a@b" } } },
    );
    expect(identity.asked).toEqual([
      "POST serviceusage.googleapis.com/v1beta1/projects/lab-p/services/aiplatform.googleapis.com:generateServiceIdentity",
    ]);
    expect(identity.outputs).toMatchObject({ email: "a@b", member: "serviceAccount:a@b" });
  });
});
