/** Google's own Dataproc client against REST answers: what travels as gRPC is what REST would have said. */
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { credentials, Metadata } from "@grpc/grpc-js";
import type { ClientOptions } from "google-gax";
import { v1 } from "@google-cloud/dataproc";
import type { Api } from "../cloud";
import { ApiError, notFound } from "../errors";
import { CALLER, openTestDoor, type TestDoor } from "../door/front-door-testing";
import { addTranscoded } from "./transcoding";
import type { Json, JsonObject, Service } from "../service";

// Clients are real and machines are busy: a wait in vain ends here, no test depends on the time.
jest.setTimeout(60_000);

const PARENT = "projects/p/locations/us-central1";
const NAME = `${PARENT}/batches/b-1`;
const OPERATION = `projects/p/regions/us-central1/operations/o-1`;

let lab: TestDoor;
let asked: { host: string; verb: string; path: string; query?: object; body?: JsonObject; principal: string }[];
/** Answers by `VERB path`. */
let answers: Record<string, Json | ApiError>;

const api: Api = {
  serves: () => true,
  http: async () => undefined,
  rest: async (request, principal) => {
    asked.push({ ...request, principal: principal.email });
    const answer = answers[`${request.verb} ${request.path}`] ?? notFound(request.path);
    if (answer instanceof ApiError) throw answer;
    return answer;
  },
};
const service: Service = {
  ...{ apis: ["dataproc.v1"], types: [], methods: {} },
  transcoded: {
    protos: "@google-cloud/dataproc",
    services: ["google.cloud.dataproc.v1.BatchController", "google.cloud.dataproc.v1.SessionTemplateController"],
    resourceName: (name) => name.replace("/regions/", "/locations/"),
  },
};
const batch = {
  name: NAME,
  state: "SUCCEEDED",
  createTime: "2026-11-21T10:00:00.123456Z",
  labels: { a: "b" },
  pysparkBatch: { mainPythonFileUri: "gs://b/main.py", args: ["--x", "1"] },
  environmentConfig: { executionConfig: { ttl: "3600s" } },
  runtimeInfo: { approximateUsage: { milliDcuSeconds: "9007199254740993" } },
};
const metadata = {
  "@type": "type.googleapis.com/google.cloud.dataproc.v1.BatchOperationMetadata",
  batch: NAME,
  operationType: "BATCH",
};
const done = {
  name: OPERATION,
  done: true,
  metadata,
  response: { "@type": "type.googleapis.com/google.cloud.dataproc.v1.Batch", ...batch },
};

/** Clients of the test; closed after it. */
let clients: { close: () => Promise<void> }[];
const client = <T extends { close: () => Promise<void> }>(Client: new (options: ClientOptions) => T): T => {
  const made = new Client({
    ...{ apiEndpoint: "us-central1-dataproc.googleapis.com", projectId: "p" },
    sslCreds: credentials.combineChannelCredentials(
      credentials.createSsl(lab.ca),
      credentials.createFromMetadataGenerator((_, callback) => {
        const headers = new Metadata();
        headers.set("authorization", "Bearer good");
        callback(null, headers);
      }),
    ),
  });
  clients.push(made);
  return made;
};

beforeEach(async () => {
  [asked, answers, clients] = [[], {}, []];
  lab = await openTestDoor(api);
  addTranscoded(lab.grpc.server, [service], {
    api,
    log: { info: () => undefined, warn: () => undefined, error: (o) => void lab.errors.push(o) },
  });
  process.env.grpc_proxy = lab.door.proxy;
  // Nobody is to look for Google's real metadata server.
  process.env.METADATA_SERVER_DETECTION = "none";
});
afterEach(async () => {
  delete process.env.grpc_proxy;
  delete process.env.METADATA_SERVER_DETECTION;
  for (const made of clients) await made.close();
  await lab.close();
});

describe("transcoding", () => {
  it("gives a resource with times, durations, enums and numbers beyond a double", async () => {
    answers[`GET /v1/${NAME}`] = batch;
    const [got] = await client(v1.BatchControllerClient).getBatch({ name: NAME });
    expect(got).toMatchObject({
      ...{
        name: NAME,
        state: "SUCCEEDED",
        createTime: { seconds: "1795255200", nanos: 123456000 },
        labels: { a: "b" },
      },
      pysparkBatch: { args: ["--x", "1"] },
      environmentConfig: { executionConfig: { ttl: { seconds: "3600" } } },
      runtimeInfo: { approximateUsage: { milliDcuSeconds: "9007199254740993" } },
    });
    expect(asked).toEqual([
      expect.objectContaining({ host: "us-central1-dataproc.googleapis.com", principal: CALLER.email }),
    ]);
  });

  it("takes another way to write a name for that of the path", async () => {
    answers[`GET /v1/${NAME}`] = batch;
    const [got] = await client(v1.BatchControllerClient).getBatch({ name: NAME.replace("locations", "regions") });
    expect(got.name).toBe(NAME);
  });

  it("sends what a client sets, and nothing that it does not", async () => {
    answers[`POST /v1/${PARENT}/batches`] = done;
    const given = {
      pysparkBatch: { mainPythonFileUri: "gs://b/main.py" },
      environmentConfig: { executionConfig: { ttl: { seconds: 90 } } },
    };
    const [operation] = await client(v1.BatchControllerClient).createBatch({
      parent: PARENT,
      batchId: "b-1",
      batch: given,
    });
    expect(asked[0]).toMatchObject({ verb: "POST", query: { batchId: "b-1" } });
    expect(asked[0]!.body).toEqual({
      pysparkBatch: { mainPythonFileUri: "gs://b/main.py" },
      environmentConfig: { executionConfig: { ttl: "90s" } },
    });
    // The client gives enums inside metadata as numbers.
    expect(operation.metadata).toMatchObject({ batch: NAME, operationType: 1 });
  });

  it("follows a long-running operation to its result, or to its error", async () => {
    answers[`POST /v1/${PARENT}/batches`] = { name: OPERATION, metadata };
    answers[`GET /v1/${OPERATION}`] = done;
    const batches = client(v1.BatchControllerClient);
    const [operation] = await batches.createBatch({ parent: PARENT, batchId: "b-1", batch: {} });
    const [result] = await operation.promise();
    expect(result).toMatchObject({ name: NAME, pysparkBatch: { args: ["--x", "1"] } });
    answers[`GET /v1/${OPERATION}`] = {
      name: OPERATION,
      metadata,
      done: true,
      error: { code: 9, message: "it failed" },
    };
    const [second] = await batches.createBatch({ parent: PARENT, batchId: "b-1", batch: {} });
    await expect(second.promise()).rejects.toMatchObject({ code: 9, message: expect.stringContaining("it failed") });
  });

  it("serves operations and policies for the host that is asked", async () => {
    answers[`POST /v1/${OPERATION}:cancel`] = {};
    answers[`POST /v1/${NAME}:getIamPolicy`] = {
      etag: "BwX=",
      bindings: [{ role: "roles/viewer", members: ["user:a@b.c"] }],
    };
    answers[`GET /v1/projects/p/regions/us-central1/operations`] = { operations: [done], nextPageToken: "more" };
    const batches = client(v1.BatchControllerClient);
    await batches.cancelOperation({ name: OPERATION } as never);
    const [page, , raw] = (await batches.operationsClient.listOperations(
      { name: "projects/p/regions/us-central1/operations", filter: "x", pageSize: 1, pageToken: "" } as never,
      { autoPaginate: false },
    )) as unknown as [object[], unknown, object];
    expect(page).toHaveLength(1);
    expect(raw).toMatchObject({ nextPageToken: "more" });
    expect(asked[0]).toMatchObject({ verb: "POST", path: `/v1/${OPERATION}:cancel`, body: {} });
    const [policy] = await batches.getIamPolicy({ resource: NAME } as never);
    expect(policy).toMatchObject({ bindings: [{ role: "roles/viewer", members: ["user:a@b.c"] }] });
  });

  it("keeps status, text and details of a refusal", async () => {
    const detail = {
      "@type": "type.googleapis.com/google.rpc.BadRequest",
      fieldViolations: [{ field: "batch.x", description: "no" }],
    };
    answers[`GET /v1/${NAME}`] = new ApiError("FAILED_PRECONDITION", "not now", [detail]);
    await expect(client(v1.BatchControllerClient).getBatch({ name: NAME })).rejects.toMatchObject({
      ...{ code: 9, details: "not now" },
      statusDetails: [{ fieldViolations: [{ field: "batch.x", description: "no" }] }],
    });
  });

  it("sends a field mask as JSON does", async () => {
    const name = `${PARENT}/sessionTemplates/t`;
    answers[`PATCH /v1/${name}`] = { name, description: "d" };
    const sessionTemplate = { name, description: "d" };
    const [got] = await client(v1.SessionTemplateControllerClient).updateSessionTemplate({ sessionTemplate });
    expect(got).toMatchObject({ name, description: "d" });
    expect(asked[0]).toMatchObject({ verb: "PATCH", body: sessionTemplate });
  });

  it("hides an answer that does not fit Google's messages, and logs it", async () => {
    answers[`GET /v1/${NAME}`] = { ...batch, createTime: 5 };
    await expect(client(v1.BatchControllerClient).getBatch({ name: NAME })).rejects.toMatchObject({ code: 13 });
    expect(lab.errors).toEqual([
      expect.objectContaining({ path: "/google.cloud.dataproc.v1.BatchController/GetBatch" }),
    ]);
  });
});
