/** Requests and answers against Google's real descriptions, in the words of Google's JSON transcoder. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { openContract } from "./contract";
import { ApiError } from "../errors";
import type { JsonObject } from "../service";
import { descriptionsFolder } from "../testing";
import { answerViolations, assertNoViolations, checkRequest, recordViolations, type Query } from "./validate";

const contract = openContract(descriptionsFolder(), [
  "dataproc.v1",
  "iam.v1",
  "storage.v1",
  "bigquery.v2",
  "aiplatform.v1",
  "pubsub.v1",
  "compute.v1",
]);
const method = (id: string) => contract.method(id)!;
const check = (id: string, body: JsonObject, query: Query = {}) =>
  checkRequest(method(id), { query, body, media: false });
const refusal = (id: string, body: JsonObject, query: Query = {}): ApiError => {
  try {
    check(id, body, query);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("expected a refusal");
};

const BATCH = "dataproc.projects.locations.batches.create";
const JOB = "aiplatform.projects.locations.pipelineJobs.create";

test("accepts a request as clients send it and makes its names camelCase", () => {
  const body = {
    pyspark_batch: { main_python_file_uri: "gs://b/j.py", args: ["a"] },
    runtimeConfig: { properties: { "spark.executor.cores": "4", snake_key: "x" } },
    labels: null,
  };
  expect(check(BATCH, body).body).toEqual({
    pysparkBatch: { mainPythonFileUri: "gs://b/j.py", args: ["a"] },
    runtimeConfig: { properties: { "spark.executor.cores": "4", snake_key: "x" } },
  });
});

test("an unknown field is named with the place where it stands, in proto names", () => {
  const { http, status, message, details } = refusal(BATCH, { runtimeConfig: { colour: "red" } });
  expect([http, status]).toEqual([400, "INVALID_ARGUMENT"]);
  expect(message).toBe(
    "Invalid JSON payload received. Unknown name \"colour\" at 'batch.runtime_config': Cannot find field.",
  );
  expect(details).toEqual([
    {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: "batch.runtime_config", description: message }],
    },
  ]);
});

test("a request message of its own is named without a prefix", () => {
  expect(refusal("iam.projects.roles.create", { rolle: {} }).message).toBe(
    'Invalid JSON payload received. Unknown name "rolle": Cannot find field.',
  );
});

test.each([
  [{ runtimeConfig: { version: 2.3 } }, "Invalid value at 'batch.runtime_config.version' (TYPE_STRING), 2.3"],
  [{ pysparkBatch: { args: "one" } }, "Invalid value at 'batch.pyspark_batch.args' (TYPE_STRING), \"one\""],
  [{ pysparkBatch: { args: ["ok", 1] } }, "Invalid value at 'batch.pyspark_batch.args[1]' (TYPE_STRING), 1"],
  [
    { runtimeConfig: ["x"] },
    "Invalid JSON payload received. Unknown name \"runtime_config\" at 'batch': Proto field is not repeating, cannot start list.",
  ],
  [{ runtimeConfig: "x" }, "Invalid value at 'batch.runtime_config' (type.googleapis.com/RuntimeConfig), \"x\""],
  [{ labels: { a: "1", b: 2 } }, "Invalid value at 'batch.labels[1].value' (TYPE_STRING), 2"],
  [
    { environmentConfig: { executionConfig: { ttl: "1h" } } },
    "Invalid value at 'batch.environment_config.execution_config.ttl' (type.googleapis.com/google.protobuf.Duration), \"1h\"",
  ],
  [
    { environmentConfig: { executionConfig: { authenticationConfig: { userWorkloadAuthenticationType: "NOBODY" } } } },
    "Invalid value at 'batch.environment_config.execution_config.authentication_config.user_workload_authentication_type' (TYPE_ENUM), \"NOBODY\"",
  ],
])("refuses %j", (body, message) => {
  expect(refusal(BATCH, body).message).toBe(message);
});

test("all problems come at once, those of the query too", () => {
  const { message, details } = refusal(
    BATCH,
    { colour: 1, runtimeConfig: { version: 2 } },
    { batch: "x", requestID: "y" },
  );
  expect(message.split("\n")).toHaveLength(4);
  expect(message).toContain(
    "Unknown name \"requestID\": Cannot bind query parameter. Field 'requestID' could not be found in request message.",
  );
  expect(details[0]!.fieldViolations).toHaveLength(4);
});

test("query parameters may be in snake case; global ones are always allowed; types are checked", () => {
  const list = "dataproc.projects.locations.batches.list";
  expect(
    check(list, {}, { page_size: "5", $alt: "json;enum-encoding=int", "$.xgafv": "2", prettyPrint: "false" }).query,
  ).toMatchObject({ pageSize: "5" });
  expect(refusal(list, {}, { pageSize: "many" }).message).toBe("Invalid value at 'page_size' (TYPE_INT32), \"many\"");
  expect(refusal(list, {}, { alt: "proto" }).message).toContain('Invalid value "proto" for the parameter alt');
});

test("64-bit integers and booleans may come as numbers and text, and are handed on in canonical form", () => {
  const body = { defaultTableExpirationMs: 3600000, isCaseInsensitive: "true" };
  expect(check("bigquery.datasets.insert", body).body).toEqual({
    defaultTableExpirationMs: "3600000",
    isCaseInsensitive: true,
  });
  expect(refusal("bigquery.datasets.insert", { defaultTableExpirationMs: "99999999999999999999" }).message).toContain(
    "TYPE_INT64",
  );
});

test("free JSON is handed on untouched, nulls included", () => {
  const pipelineSpec = { root: { dag: { tasks: { a_b: null } } }, schemaVersion: "2.1.0" };
  expect(check(JOB, { pipelineSpec }).body).toEqual({ pipelineSpec });
});

test("storage passes over unknown fields and keeps a patch's nulls; bigquery does not pass over", () => {
  expect(check("storage.buckets.patch", { metadata: { x: 1 }, labels: { old: null } }).body).toEqual({
    labels: { old: null },
  });
  expect(refusal("bigquery.tables.insert", { colour: 1 }).message).toContain("at 'table': Cannot find field.");
  expect(check("bigquery.tables.patch", { description: null }).body).toEqual({ description: null });
});

test("fields of a request message may come in the query, and compute passes over unknown fields", () => {
  const patch = check("pubsub.projects.topics.patch", { topic: { labels: {} } }, { updateMask: "labels" });
  expect(patch.body).toEqual({ topic: { labels: {} }, updateMask: "labels" });
  expect(check("compute.networks.patch", { routingConfig: { deleteBgpAlwaysCompareMed: false } }).body).toEqual({
    routingConfig: {},
  });
});

test("a request message may repeat what its path says, a resource may not", () => {
  const path = { endpoint: "projects/p/locations/us-central1/endpoints/1" };
  const deployment = { deployedModel: { model: "projects/p/locations/us-central1/models/1" } };
  const deploy = method("aiplatform.projects.locations.endpoints.deployModel");
  const { body } = checkRequest(deploy, { path, query: {}, body: { ...deployment, ...path }, media: false });
  expect(body).toEqual(deployment);
  const batch = { path: { parent: "projects/p/locations/r" }, query: {}, body: { parent: "x" }, media: false };
  expect(() => checkRequest(method("dataproc.projects.locations.batches.create"), batch)).toThrow(
    /Unknown name "parent"/,
  );
});

test("patterns hold for fields and for path parameters", () => {
  const name =
    "Invalid value for field 'network.name': 'Lab_Net'. Must be a match of regex '[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?'";
  expect(refusal("compute.networks.insert", { name: "Lab_Net" }).message).toBe(name);
  const get = () =>
    checkRequest(method("compute.regions.get"), { path: { project: "p", region: "US" }, query: {}, media: false });
  expect(get).toThrow("Invalid value for field 'region': 'US'.");
});

test("a required query parameter that is missing is named", () => {
  expect(refusal("storage.buckets.list", {}).message).toBe("Required parameter: project");
});

test("an answer is checked for fields, types, formats and enums", () => {
  const id = "dataproc.projects.locations.batches.get";
  expect(
    answerViolations(method(id), { name: "n", createTime: "2026-01-01T00:00:00.123Z", state: "RUNNING", labels: {} }),
  ).toEqual([]);
  const wrong = {
    colour: 1,
    createTime: "today",
    state: "WALKING",
    runtimeInfo: { approximateUsage: { milliDcuSeconds: 5 } },
    labels: { a: null },
  };
  expect(answerViolations(method(id), wrong)).toHaveLength(5);
  expect(answerViolations(method("storage.buckets.delete"), {})).toEqual([]);
  expect(answerViolations(method("storage.buckets.delete"), { kind: "x" })).toEqual([
    "got a body; the description has none",
  ]);
});

test("violations are kept in a file that fails the run", () => {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-violations-"));
  expect(() => assertNoViolations(folder)).not.toThrow();
  recordViolations(folder, "dataproc.x", ["Batch.colour: not a field of Batch"], new Date(0));
  expect(() => assertNoViolations(folder)).toThrow("Batch.colour: not a field of Batch");
  rmSync(folder, { recursive: true });
});
