/** Update masks, immutable fields, etags, idempotent creates, operations and policies, on real types with small rows. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { textOf } from "../json";
import type { JsonObject, Service } from "../service";
import { testCloud, type TestCloud } from "../testing";

const registry: Service = {
  apis: ["artifactregistry.v1"],
  types: [
    {
      collection: "artifactregistry.projects.locations.repositories",
      schema: "Repository",
      listField: "repositories",
      name: "projects/{project}/locations/{location}/repositories/{id}",
      id: { query: "repositoryId" },
      idPattern: /^[a-z][a-z0-9-]*[a-z0-9]$/,
      required: ["format"],
      immutable: ["format"],
      operations: {
        create: true,
        delete: true,
        responseType: "google.devtools.artifactregistry.v1.Repository",
        metadataType: "google.devtools.artifactregistry.v1.OperationMetadata",
      },
      policy: true,
      source: "https://cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories",
    },
  ],
  methods: {},
};
const secrets: Service = {
  apis: ["secretmanager.v1"],
  types: [
    {
      collection: "secretmanager.projects.secrets",
      schema: "Secret",
      listField: "secrets",
      name: "projects/{project}/secrets/{id}",
      id: { query: "secretId" },
      source: "https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets",
    },
  ],
  methods: {},
};
const metastore: Service = {
  apis: ["metastore.v1"],
  types: [
    {
      collection: "metastore.projects.locations.services",
      schema: "Service",
      listField: "services",
      name: "projects/{project}/locations/{location}/services/{id}",
      keyPrefix: "metastore/",
      id: { query: "serviceId" },
      operations: { create: true, patch: true, delete: true, responseType: "google.cloud.metastore.v1.Service" },
      source: "https://cloud.google.com/dataproc-metastore/docs/reference/rest/v1/projects.locations.services",
    },
    {
      collection: "metastore.projects.locations.services.backups",
      schema: "Backup",
      listField: "backups",
      name: "projects/{project}/locations/{location}/services/{service}/backups/{id}",
      keyPrefix: "metastore/",
      id: { query: "backupId" },
      operations: { create: true, delete: true, responseType: "google.cloud.metastore.v1.Backup" },
      source: "https://cloud.google.com/dataproc-metastore/docs/reference/rest/v1/projects.locations.services.backups",
    },
  ],
  methods: {},
};

const L = "projects/sparklab-local/locations/us-central1";
const REPOSITORIES = `https://artifactregistry.googleapis.com/v1/${L}/repositories`;
const SECRETS = "https://secretmanager.googleapis.com/v1/projects/sparklab-local/secrets";
const METASTORE = `https://metastore.googleapis.com/v1/${L}/services`;

let lab: TestCloud;
const rest = async (request: string, body?: JsonObject) => (await lab.rest(request, body)) as JsonObject;
beforeEach(async () => {
  lab = await testCloud({ services: [registry, secrets, metastore] });
});
afterEach(() => lab.close());

test("create answers a finished operation with typed metadata and response, found again under its name", async () => {
  const operation = await rest(`POST ${REPOSITORIES}?repository_id=images`, { format: "DOCKER", labels: {} });
  expect(operation).toMatchObject({
    name: expect.stringMatching(new RegExp(`^${L}/operations/`)),
    done: true,
    metadata: { "@type": "type.googleapis.com/google.devtools.artifactregistry.v1.OperationMetadata" },
    response: {
      "@type": "type.googleapis.com/google.devtools.artifactregistry.v1.Repository",
      name: `${L}/repositories/images`,
      labels: {},
    },
  });
  expect(await rest(`GET https://artifactregistry.googleapis.com/v1/${textOf(operation.name)}`)).toEqual(operation);
});

test("a required field that is missing and an id that does not fit are refused together", async () => {
  const { message } = await lab.refusal(`POST ${REPOSITORIES}?repositoryId=Images_`, {});
  expect(message.split("\n")).toHaveLength(2);
  expect(message).toContain("Required field is not set: format");
});

test("a mask changes its paths only, and clears what it names but the body does not carry", async () => {
  await rest(`POST ${REPOSITORIES}?repositoryId=images`, {
    format: "DOCKER",
    description: "d",
    labels: { a: "1", b: "2" },
  });
  const changed = await rest(`PATCH ${REPOSITORIES}/images?updateMask=labels.a,description`, {
    labels: { a: "9", b: "9" },
    mode: "STANDARD_REPOSITORY",
  });
  expect(changed).toMatchObject({ labels: { a: "9", b: "2" } });
  expect(changed).not.toHaveProperty("description");
  expect(changed).not.toHaveProperty("mode");
});

test("masks may be in snake case; an unknown path is refused by name", async () => {
  await rest(`POST ${REPOSITORIES}?repositoryId=images`, { format: "DOCKER" });
  expect(
    await rest(`PATCH ${REPOSITORIES}/images?update_mask=cleanup_policy_dry_run`, { cleanup_policy_dry_run: true }),
  ).toMatchObject({ cleanupPolicyDryRun: true });
  const { message } = await lab.refusal(`PATCH ${REPOSITORIES}/images?updateMask=colour`, {});
  expect(message).toContain("'colour' is not a field of Repository");
});

test("an immutable field may be repeated but not changed", async () => {
  await rest(`POST ${REPOSITORIES}?repositoryId=images`, { format: "DOCKER" });
  await rest(`PATCH ${REPOSITORIES}/images`, { format: "DOCKER", description: "same format" });
  const { message } = await lab.refusal(`PATCH ${REPOSITORIES}/images`, { format: "NPM" });
  expect(message).toBe("Field is immutable and cannot be changed: format");
});

test("a stale etag is refused, the current one accepted", async () => {
  const made = await rest(`POST ${SECRETS}?secretId=password`, { replication: { automatic: {} } });
  const mask = "updateMask=labels";
  await rest(`PATCH ${SECRETS}/password?${mask}`, { etag: made.etag!, labels: { a: "1" } });
  const stale = await lab.refusal(`PATCH ${SECRETS}/password?${mask}`, { etag: made.etag!, labels: { a: "2" } });
  expect([stale.http, stale.status]).toEqual([409, "ABORTED"]);
  expect((await lab.refusal(`DELETE ${SECRETS}/password?etag=${encodeURIComponent(textOf(made.etag))}`)).status).toBe(
    "ABORTED",
  );
});

test("empty objects that were sent come back", async () => {
  await rest(`POST ${SECRETS}?secretId=password`, { replication: { automatic: {} } });
  expect(await rest(`GET ${SECRETS}/password`)).toMatchObject({ replication: { automatic: {} } });
});

test("a repeated requestId gets the first answer, another one a conflict", async () => {
  const id = (n: number) => `requestId=00000000-0000-4000-8000-00000000000${n}`;
  const first = await rest(`POST ${METASTORE}?serviceId=hive&${id(1)}`, {});
  expect(await rest(`POST ${METASTORE}?serviceId=hive&${id(1)}`, {})).toEqual(first);
  expect((await lab.refusal(`POST ${METASTORE}?serviceId=hive&${id(2)}`, {})).http).toBe(409);
});

test("two creates of one id at once: one is made, one is refused", async () => {
  const both = await Promise.allSettled([1, 2].map(() => rest(`POST ${METASTORE}?serviceId=hive`, {})));
  expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("a child needs its parent, and a parent with children is not deleted", async () => {
  expect((await lab.refusal(`POST ${METASTORE}/hive/backups?backupId=b1`, {})).http).toBe(404);
  await rest(`POST ${METASTORE}?serviceId=hive`, {});
  await rest(`POST ${METASTORE}/hive/backups?backupId=b1`, {});
  expect((await lab.refusal(`DELETE ${METASTORE}/hive`)).status).toBe("FAILED_PRECONDITION");
  await rest(`DELETE ${METASTORE}/hive/backups/b1`);
  expect(await rest(`DELETE ${METASTORE}/hive`)).toMatchObject({
    done: true,
    response: { "@type": "type.googleapis.com/google.protobuf.Empty" },
  });
});

test("a policy goes with its resource", async () => {
  await rest(`POST ${REPOSITORIES}?repositoryId=images`, { format: "DOCKER" });
  const bindings = [{ role: "roles/artifactregistry.reader", members: ["allUsers"] }];
  await rest(`POST ${REPOSITORIES}/images:setIamPolicy`, { policy: { bindings } });
  expect(await rest(`GET ${REPOSITORIES}/images:getIamPolicy`)).toMatchObject({ bindings });
  await rest(`DELETE ${REPOSITORIES}/images`);
  expect((await lab.refusal(`GET ${REPOSITORIES}/images:getIamPolicy`)).http).toBe(404);
  await rest(`POST ${REPOSITORIES}?repositoryId=images`, { format: "DOCKER" });
  expect(await rest(`GET ${REPOSITORIES}/images:getIamPolicy`)).toEqual({ etag: "ACAB" });
});
