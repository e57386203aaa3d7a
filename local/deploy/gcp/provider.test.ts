/**
 * What the provider asks of Google for each type, beside what the official provider was seen to ask for the same
 * inputs, and how changes of each are answered: in place, by replacement, or not at all.
 */
import { describe, expect, test } from "@jest/globals";
import { equal, secret, UNKNOWN, type Properties } from "../values";
import { gcpPackage } from "./provider";
import { GoogleError, type GoogleHttp, type GoogleRequest } from "./http";

const URN = "urn:pulumi:test::p::gcp:m:T::thing";
const LABELS = { "goog-terraform-provisioned": "true" };

/** A Google that answers from a table by `METHOD path` and records what it was asked. */
function google(answers: Record<string, Properties | undefined>) {
  const asked: string[] = [];
  const bodies: Properties[] = [];
  const call = async ({ method, url, body, query }: GoogleRequest): Promise<Properties> => {
    const { host, pathname } = new URL(url);
    const line = `${method} ${host}${decodeURIComponent(pathname)}`;
    const words = Object.entries(query ?? {}).map(([key, value]) => `${key}=${value}`);
    asked.push([line, ...words].join(" "));
    if (body) bodies.push(body);
    const answer = answers[line] ?? answers[method];
    if (answer === undefined) throw new GoogleError(404, `${line}: 404`);
    return answer;
  };
  const absent = async (request: GoogleRequest) =>
    call(request).catch((error: unknown) => {
      if (error instanceof GoogleError && error.code === 404) return undefined;
      throw error;
    });
  const http: GoogleHttp = {
    call,
    find: (url, query) => absent({ method: "GET", url, query }),
    remove: (url, query) => absent({ method: "DELETE", url, query }),
    wait: async (operation) => (operation.response ?? {}) as Properties,
  };
  const provider = gcpPackage({}, () => http).configure({ project: "lab-p", region: "us-central1" }, "/tmp");
  return { provider, asked, bodies };
}

const make = async (
  type: string,
  inputs: Properties,
  answers: Record<string, Properties | undefined> = { POST: {}, PUT: {}, GET: {}, PATCH: {} },
) => {
  const { provider, asked, bodies } = google(answers);
  const checked = provider.check(type, URN, inputs, undefined);
  expect(checked.failures).toEqual([]);
  return { ...(await provider.create(type, checked.inputs, {})), asked, bodies, inputs: checked.inputs };
};

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

describe("members", () => {
  const role = { role: "roles/viewer", member: "serviceAccount:a@b" };
  test.each([
    [
      "gcp:projects/iAMMember:IAMMember",
      { project: "lab-p", ...role },
      "POST cloudresourcemanager.googleapis.com/v1/projects/lab-p:setIamPolicy",
      (policy: Properties) => ({ policy, updateMask: "bindings,etag,auditConfigs" }),
      "lab-p/roles/viewer/serviceAccount:a@b",
    ],
    [
      "gcp:serviceaccount/iAMMember:IAMMember",
      { serviceAccountId: "projects/lab-p/serviceAccounts/x@y", ...role },
      "POST iam.googleapis.com/v1/projects/lab-p/serviceAccounts/x@y:setIamPolicy",
      (policy: Properties) => ({ policy }),
      "projects/lab-p/serviceAccounts/x@y/roles/viewer/serviceAccount:a@b",
    ],
    [
      "gcp:storage/bucketIAMMember:BucketIAMMember",
      { bucket: "data", ...role },
      "PUT storage.googleapis.com/storage/v1/b/data/iam",
      (policy: Properties) => policy,
      "b/data/roles/viewer/serviceAccount:a@b",
    ],
  ])("%s reads the policy and writes it back with its etag", async (type, inputs, request, body, id) => {
    const policy = { version: 1, etag: "ACAB", bindings: [{ role: "roles/viewer", members: ["user:me"] }] };
    const made = await make(type, inputs, { GET: policy, POST: policy, PUT: policy });
    expect(made.asked.at(-1)).toBe(request);
    const members = ["user:me", "serviceAccount:a@b"];
    expect(made.bodies.at(-1)).toEqual(
      body({ version: 3, etag: "ACAB", bindings: [{ role: "roles/viewer", members }] }),
    );
    expect(made.id).toBe(id);
  });

  test("the last member to go leaves no bindings", async () => {
    const { provider, bodies } = google({
      GET: { etag: "E", bindings: [{ role: "roles/viewer", members: ["serviceAccount:A@b"] }] },
      PUT: {},
    });
    await provider.delete(
      "gcp:storage/bucketIAMMember:BucketIAMMember",
      { id: "x", inputs: { bucket: "data", ...role }, outputs: {} },
      {},
    );
    expect(bodies).toEqual([{ etag: "E", version: 3 }]);
  });

  test("a data set's members travel in its access list, basic roles by their new names, views untouched", async () => {
    const view = { view: { tableId: "v" } };
    const access: Properties[] = [
      { role: "WRITER", specialGroup: "projectWriters" },
      view,
      { role: "OWNER", userByEmail: "me@example.com" },
    ];
    const inputs = {
      datasetId: "lab",
      role: "roles/bigquery.dataEditor",
      member: "serviceAccount:a@b.iam.gserviceaccount.com",
    };
    const made = await make("gcp:bigquery/datasetIamMember:DatasetIamMember", inputs, {
      GET: { access, etag: "E" },
      PATCH: {},
    });
    expect(made.bodies).toEqual([
      {
        access: [
          { role: "roles/bigquery.dataEditor", specialGroup: "projectWriters" },
          { role: "roles/bigquery.dataEditor", userByEmail: "a@b.iam.gserviceaccount.com" },
          { role: "roles/bigquery.dataOwner", userByEmail: "me@example.com" },
          view,
        ],
      },
    ]);
    expect(made.id).toBe(
      "projects/lab-p/datasets/lab/roles/bigquery.dataEditor/serviceAccount:a@b.iam.gserviceaccount.com",
    );
  });

  test("who is too slow reads again", async () => {
    const asked: string[] = [];
    let writes = 0;
    const slow = gcpPackage({}, () => ({
      call: async ({ method }) => {
        asked.push(method);
        if (method === "PUT" && ++writes === 1) throw new GoogleError(409, "stale");
        return { etag: String(writes) };
      },
      find: async () => undefined,
      remove: async () => undefined,
      wait: async () => ({}),
    })).configure({ project: "lab-p" }, "/tmp");
    await slow.create("gcp:storage/bucketIAMMember:BucketIAMMember", { bucket: "data", ...role }, {});
    expect(asked).toEqual(["GET", "PUT", "GET", "PUT"]);
  });
});

describe("changes", () => {
  const { provider } = google({});
  const diff = (type: string, before: Properties, after: Properties) => {
    const [olds, news] = [before, after].map((inputs) => provider.check(type, URN, inputs, undefined).inputs);
    const { changes, deleteBeforeReplace } = provider.diff(type, { id: "x", inputs: olds!, outputs: {} }, news!);
    return changes.map(
      ({ path, replaces }) =>
        `${path}${replaces ? (deleteBeforeReplace ? " replaces, deleted first" : " replaces") : ""}`,
    );
  };
  const bucket = { name: "b", location: "us-central1" };
  const object = { bucket: "b", name: "o", content: "a" };
  const table = (fields: Properties[]) => ({ datasetId: "d", tableId: "t", schema: JSON.stringify(fields) });
  const id: Properties = { name: "id", type: "STRING", mode: "REQUIRED" };

  test.each<[string, string, Properties, Properties, string[]]>([
    [
      "a label",
      "gcp:storage/bucket:Bucket",
      { ...bucket, labels: { a: "1" } },
      { ...bucket, labels: { a: "2" } },
      ["labels.a"],
    ],
    [
      "a bucket's location in another case",
      "gcp:storage/bucket:Bucket",
      bucket,
      { ...bucket, location: "US-CENTRAL1" },
      [],
    ],
    [
      "a bucket's location",
      "gcp:storage/bucket:Bucket",
      bucket,
      { ...bucket, location: "EU" },
      ["location replaces, deleted first"],
    ],
    ["a bucket's name", "gcp:storage/bucket:Bucket", bucket, { ...bucket, name: "c" }, ["name replaces"]],
    [
      "versioning left to the service",
      "gcp:storage/bucket:Bucket",
      { ...bucket, versioning: { enabled: true } },
      bucket,
      [],
    ],
    ["an unknown name", "gcp:storage/bucket:Bucket", bucket, { ...bucket, name: UNKNOWN }, ["name replaces"]],
    ["an object's text", "gcp:storage/bucketObject:BucketObject", object, { ...object, content: "b" }, ["content"]],
    [
      "an object's metadata",
      "gcp:storage/bucketObject:BucketObject",
      object,
      { ...object, metadata: { a: "1" } },
      ["metadata replaces, deleted first"],
    ],
    [
      "a role of a member",
      "gcp:projects/iAMMember:IAMMember",
      { project: "p", role: "r", member: "m" },
      { project: "p", role: "s", member: "m" },
      ["role replaces, deleted first"],
    ],
    [
      "a role's order of permissions",
      "gcp:projects/iAMCustomRole:IAMCustomRole",
      { roleId: "r", title: "t", permissions: ["a", "b"] },
      { roleId: "r", title: "t", permissions: ["b", "a"] },
      [],
    ],
    ["a column described", "gcp:bigquery/table:Table", table([id]), table([{ ...id, description: "x" }]), ["schema"]],
    [
      "a column in another dialect",
      "gcp:bigquery/table:Table",
      table([{ name: "v", type: "FLOAT64" }]),
      table([{ name: "v", type: "FLOAT", mode: "NULLABLE" }]),
      [],
    ],
    [
      "a column added",
      "gcp:bigquery/table:Table",
      table([id]),
      table([id, { name: "v", type: "FLOAT64" }]),
      ["schema"],
    ],
    [
      "a required column added",
      "gcp:bigquery/table:Table",
      table([id]),
      table([id, { ...id, name: "v" }]),
      ["schema replaces, deleted first"],
    ],
    [
      "a column's type",
      "gcp:bigquery/table:Table",
      table([id]),
      table([{ ...id, type: "INT64" }]),
      ["schema replaces, deleted first"],
    ],
    ["a column relaxed", "gcp:bigquery/table:Table", table([id]), table([{ ...id, mode: "NULLABLE" }]), ["schema"]],
    [
      "a column renamed",
      "gcp:bigquery/table:Table",
      table([id]),
      table([{ name: "other", type: "STRING" }]),
      ["schema replaces, deleted first"],
    ],
  ])("%s", (_, type, before, after, expected) => expect(diff(type, before, after)).toEqual(expected));

  test("a label that goes is named in the patch, and only what changed is sent", async () => {
    const { provider, bodies } = google({ PATCH: {} });
    const type = "gcp:storage/bucket:Bucket";
    const inputs = provider.check(type, URN, { ...bucket, labels: { a: "1", b: "1" } }, undefined).inputs;
    const news = provider.check(type, URN, { ...bucket, labels: { a: "2" } }, inputs).inputs;
    await provider.update(type, { id: "b", inputs, outputs: {} }, news, {});
    expect(bodies).toEqual([{ labels: { a: "2", b: null, ...LABELS } }]);
  });

  test("what only the provider acts on calls nothing", async () => {
    const { provider, asked } = google({});
    const old = { id: "b", inputs: { ...bucket, forceDestroy: false }, outputs: { forceDestroy: false } };
    const { outputs } = await provider.update("gcp:storage/bucket:Bucket", old, { ...bucket, forceDestroy: true }, {});
    expect([asked, outputs.forceDestroy]).toEqual([[], true]);
  });
});

describe("inputs", () => {
  const { provider } = google({});
  test("names what cannot be deployed and what is missing, all at once", () => {
    const { failures } = provider.check(
      "gcp:storage/bucket:Bucket",
      URN,
      { name: "b", encryption: {}, versioning: {} },
      undefined,
    );
    expect(failures.map(({ property }) => property).sort()).toEqual(["encryption", "location", "versioning.enabled"]);
  });

  test("a name that is not given is drawn once and kept", () => {
    const first = provider.check("gcp:storage/bucket:Bucket", URN, { location: "EU" }, undefined).inputs;
    expect(first.name).toMatch(/^thing-[0-9a-f]{7}$/);
    expect(first.__defaults).toEqual(["name", "storageClass"]);
    expect(provider.check("gcp:storage/bucket:Bucket", URN, { location: "EU" }, first).inputs.name).toBe(first.name);
    expect(
      provider.diff("gcp:storage/bucket:Bucket", { id: "x", inputs: first, outputs: {} }, { ...first, location: "US" })
        .deleteBeforeReplace,
    ).toBe(false);
  });

  test("a table is deleted only when its protection is off", async () => {
    const inputs = provider.check("gcp:bigquery/table:Table", URN, { datasetId: "d", tableId: "t" }, undefined).inputs;
    await expect(provider.delete("gcp:bigquery/table:Table", { id: "t", inputs, outputs: {} }, {})).rejects.toThrow(
      "deletionProtection is true",
    );
  });

  test("the text of an object is secret by nature", () => {
    expect(provider.secrets("gcp:storage/bucketObject:BucketObject")).toContain("content");
    expect(equal(secret("a"), secret("a"))).toBe(true);
  });
});
