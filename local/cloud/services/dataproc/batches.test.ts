/** Batches through the API surface: what is refused and how, states, operations, order, cancelling, ttl, deleting. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { waitFor } from "./wait-for";
import type { JsonObject, Principal } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { iam } from "../iam";
import { storage } from "../storage";
import { readObject } from "../storage/objects";
import { dataproc } from ".";
import { listRuns } from "./batch-runs";
import { scriptedEngine, type ScriptedEngine } from "./scripted-engine";

const HOST = "https://us-central1-dataproc.googleapis.com/v1";
const PARENT = "projects/sparklab-local/locations/us-central1";
const BATCHES = `${HOST}/${PARENT}/batches`;
const ACCOUNT = "spark@sparklab-local.iam.gserviceaccount.com";
const STAGING = "sparklab-local-staging";

let lab: TestCloud;
let engine: ScriptedEngine;
let clock: Date | undefined;

async function open(capacity = 10): Promise<void> {
  engine = scriptedEngine(capacity);
  lab = await testCloud({
    services: [iam, storage, dataproc],
    engines: { spark: engine },
    now: () => clock ?? new Date(),
  });
  await lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", {
    accountId: "spark-x",
    serviceAccount: {},
  });
  await lab.cloud.store.write({
    put: { [`projects/sparklab-local/serviceAccounts/${ACCOUNT}`]: { email: ACCOUNT, uniqueId: "1" } },
  });
  await lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: STAGING });
}
beforeEach(() => open());
afterEach(() => {
  clock = undefined;
  return lab.close();
});

const batch = (more: JsonObject = {}, execution: JsonObject = {}): JsonObject => ({
  pysparkBatch: { mainPythonFileUri: "gs://sparklab-local-code/jobs/job.py", args: ["--x", "1"] },
  environmentConfig: { executionConfig: { serviceAccount: ACCOUNT, stagingBucket: STAGING, ...execution } },
  runtimeConfig: { version: "2.3" },
  ...more,
});
const create = (id: string, body = batch(), query = "") =>
  lab.rest(`POST ${BATCHES}?batchId=${id}${query}`, body) as Promise<JsonObject>;
const get = (id: string) => lab.rest(`GET ${BATCHES}/${id}`) as Promise<JsonObject>;
const operation = (name: unknown) => lab.rest(`GET ${HOST}/${String(name)}`) as Promise<JsonObject>;
const until = (id: string, state: string) =>
  waitFor(
    () => get(id),
    (found) => found.state === state,
  );
const refused = async (body: JsonObject, query = "?batchId=refused", as?: Principal) => {
  const { status, message } = await lab.refusal(`POST ${BATCHES}${query}`, body, as);
  return `${status}: ${message}`;
};

describe("a batch", () => {
  test("runs, and its operation answers it", async () => {
    const made = await create("first");
    expect(made).toMatchObject({
      done: false,
      name: expect.stringMatching(/^projects\/sparklab-local\/regions\/us-central1\/operations\//),
    });
    expect(made.metadata).toMatchObject({
      batch: `${PARENT}/batches/first`,
      operationType: "BATCH",
      description: "Batch",
    });
    const running = await until("first", "RUNNING");
    expect(running.stateHistory).toEqual([{ state: "PENDING", stateStartTime: running.createTime }]);
    expect(running.runtimeInfo).toMatchObject({
      currentUsage: { milliDcu: "1700" },
      outputUri: expect.stringMatching(/driveroutput$/),
    });
    engine.end("first", { exitCode: 0 });
    const done = await until("first", "SUCCEEDED");
    expect((done.stateHistory as JsonObject[]).map(({ state }) => state)).toEqual(["PENDING", "RUNNING"]);
    expect(done.runtimeInfo).toMatchObject({
      approximateUsage: { milliDcuSeconds: "1234", shuffleStorageGbSeconds: "0" },
    });
    const finished = await waitFor(
      () => operation(made.name),
      ({ done: isDone }) => isDone === true,
    );
    expect(finished.response).toMatchObject({
      "@type": "type.googleapis.com/google.cloud.dataproc.v1.Batch",
      state: "SUCCEEDED",
    });
    expect(finished.metadata).toMatchObject({ batchUuid: done.uuid, doneTime: done.stateTime });
  });

  test("shows what the service fills in", async () => {
    await create("filled", batch({ labels: { job: "churn" } }));
    const made = await get("filled");
    expect(made.environmentConfig).toEqual({
      executionConfig: { serviceAccount: ACCOUNT, stagingBucket: STAGING, subnetworkUri: "default", ttl: "14400s" },
      peripheralsConfig: { sparkHistoryServerConfig: {} },
    });
    expect(made).toMatchObject({
      creator: "operator@sparklab.local",
      runtimeConfig: {
        version: "2.3",
        properties: { "spark:spark.driver.memory": "2048m", "spark:spark.master": "local[2]" },
      },
      labels: {
        job: "churn",
        "goog-dataproc-batch-id": "filled",
        "goog-dataproc-location": "us-central1",
        "goog-dataproc-batch-uuid": made.uuid,
      },
    });
  });

  test("warns in its operation when no runtime is named", async () => {
    const made = await create("no-version", batch({ runtimeConfig: {} }));
    expect((made.metadata as JsonObject).warnings).toEqual([
      expect.stringMatching(/^No runtime version specified\. Using the default runtime version 2\.3\./),
    ]);
    expect(await get("no-version")).toMatchObject({ runtimeConfig: { version: "2.3" } });
  });

  test("hands the driver what was asked, and a metadata server of its account", async () => {
    await create("handed", batch({ runtimeConfig: { version: "2.3", properties: { "spark.x": "y" } } }));
    await until("handed", "RUNNING");
    const workload = engine.submitted[0]!;
    expect(workload).toMatchObject({ id: "handed", args: ["--x", "1"], properties: { "spark.x": "y" } });
    const answer = await fetch(
      `http://${workload.metadataHost}/computeMetadata/v1/instance/service-accounts/default/email`,
      { headers: { "metadata-flavor": "Google" } },
    );
    expect((await answer.text()).trim()).toBe(ACCOUNT);
  });

  test("copies the driver's output to the staging bucket while it runs", async () => {
    await create("loud");
    const running = await until("loud", "RUNNING");
    const uri = String((running.runtimeInfo as JsonObject).outputUri);
    engine.print("loud", "one\n");
    const part = async () => {
      const found = await readObject(lab.cloud, STAGING, `${uri.split(`${STAGING}/`)[1]}.000000000`).catch(
        () => undefined,
      );
      return found ? (await found.stream.toArray()).join("") : "";
    };
    await waitFor(part, (text) => text === "one\n");
    engine.print("loud", "two\n");
    engine.end("loud", { exitCode: 0 });
    await until("loud", "SUCCEEDED");
    expect(await part()).toBe("one\ntwo\n");
  });

  test("fails with the driver's error and where to read more", async () => {
    const made = await create("broken");
    await until("broken", "RUNNING");
    engine.print(
      "broken",
      'Traceback (most recent call last):\n  File "job.py", line 1\nValueError: no such column: x\n',
    );
    engine.end("broken", { exitCode: 1 });
    const failed = await until("broken", "FAILED");
    expect(failed.stateMessage).toMatch(
      /^Job failed with message \[ValueError: no such column: x\]\. Additional details can be found at:\nhttps:.*batches\/us-central1\/broken\?project=sparklab-local\ngcloud dataproc batches wait 'broken' --region 'us-central1' --project 'sparklab-local'\n.*\ngs:.*driveroutput\.\*$/s,
    );
    expect(
      (
        await waitFor(
          () => operation(made.name),
          ({ done }) => done === true,
        )
      ).error,
    ).toEqual({ code: 10, message: failed.stateMessage });
  });

  test("says so when its driver was killed", async () => {
    await create("killed");
    await until("killed", "RUNNING");
    engine.end("killed", { signal: "SIGKILL" });
    expect((await until("killed", "FAILED")).stateMessage).toMatch(
      /^Driver received SIGTERM\/SIGKILL signal and exited with 137 code/,
    );
  });

  test("runs in the bucket that the service makes when it names none", async () => {
    await create("nowhere", batch({ environmentConfig: { executionConfig: { serviceAccount: ACCOUNT } } }));
    await until("nowhere", "RUNNING");
    expect(
      await lab.rest("GET https://storage.googleapis.com/storage/v1/b/dataproc-staging-us-central1-100000000001"),
    ).toMatchObject({ location: "US-CENTRAL1" });
  });
});

describe("idempotency", () => {
  test("gives the same request the same operation", async () => {
    const made = await create("again", batch(), "&requestId=r-1");
    expect(await create("again", batch(), "&requestId=r-1")).toEqual(made);
    await until("again", "RUNNING");
    expect(engine.submitted).toHaveLength(1);
  });
  test("refuses a used id", async () => {
    await create("used");
    expect(await refused(batch(), "?batchId=used")).toBe(
      `ALREADY_EXISTS: Already exists: Failed to create batch: Batch ${PARENT}/batches/used`,
    );
  });
  test("draws an id when none is given", async () => {
    const made = await lab.rest(`POST ${BATCHES}`, batch());
    expect(String(((made as JsonObject).metadata as JsonObject).batch)).toMatch(/\/batches\/[a-z0-9-]{36}$/);
  });
});

describe("refuses", () => {
  const withMain = (uri: string, more: JsonObject = {}) => batch({ pysparkBatch: { mainPythonFileUri: uri, ...more } });
  const cases: [string, JsonObject, string, string][] = [
    [
      "a short id",
      batch(),
      "?batchId=abc",
      "INVALID_ARGUMENT: Invalid batch id 'abc': expected 4-63 characters of a-z, 0-9 and '-'.",
    ],
    [
      "an id with capitals",
      batch(),
      "?batchId=Batch",
      "INVALID_ARGUMENT: Invalid batch id 'Batch': expected 4-63 characters of a-z, 0-9 and '-'.",
    ],
    [
      "a strange request id",
      batch(),
      "?batchId=fine&requestId=a%20b",
      "INVALID_ARGUMENT: Invalid request id 'a b': expected at most 40 letters, digits, '_' or '-'.",
    ],
    [
      "no work",
      { runtimeConfig: { version: "2.3" } },
      "?batchId=fine",
      "INVALID_ARGUMENT: Exactly one batch configuration must be set: got none; expected one of pysparkBatch, sparkBatch, sparkRBatch, sparkSqlBatch, pysparkNotebookBatch.",
    ],
    [
      "two kinds of work",
      batch({ sparkSqlBatch: { queryFileUri: "gs://b/q.sql" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Exactly one batch configuration must be set: got pysparkBatch, sparkSqlBatch; expected one of pysparkBatch, sparkBatch, sparkRBatch, sparkSqlBatch, pysparkNotebookBatch.",
    ],
    [
      "work of another kind",
      { sparkSqlBatch: { queryFileUri: "gs://b/q.sql" } },
      "?batchId=fine",
      "UNIMPLEMENTED: Batches of kind sparkSqlBatch are not run here; expected pysparkBatch.",
    ],
    [
      "no main file",
      batch({ pysparkBatch: { args: ["x"] } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Main Python file URI is required.",
    ],
    [
      "a local main file",
      withMain("/tmp/x.py"),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid main Python file URI '/tmp/x.py': expected gs://<bucket>/<object>.py.",
    ],
    [
      "a zip as main file",
      withMain("gs://b/x.zip"),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid main Python file URI 'gs://b/x.zip': expected gs://<bucket>/<object>.py.",
    ],
    [
      "a jar among Python files",
      withMain("gs://b/x.py", { pythonFileUris: ["gs://b/x.jar"] }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid URI 'gs://b/x.jar' in pythonFileUris: expected gs://<bucket>/<object> that matches \\.(py|egg|zip)$.",
    ],
    [
      "an unsupported runtime",
      batch({ runtimeConfig: { version: "1.1" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Runtime version '1.1' is not supported. Supported versions: 2.3.",
    ],
    [
      "a container image",
      batch({ runtimeConfig: { version: "2.3", containerImage: "us-docker.pkg.dev/p/r/i:1" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Container image 'us-docker.pkg.dev/p/r/i:1' is not known here; leave it out: the runtime's own environment is used.",
    ],
    [
      "a property of another component",
      batch({ runtimeConfig: { properties: { "hdfs:dfs.replication": "1" } } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Property 'hdfs:dfs.replication' is not supported; expected a name that begins with 'spark.' or 'dataproc.'.",
    ],
    [
      "a property that the service sets",
      batch({ runtimeConfig: { properties: { "spark.master": "yarn" } } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Property spark.master: set by the service, it cannot be given.",
    ],
    [
      "an idle ttl",
      batch({}, { idleTtl: "3600s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: idle_ttl applies to sessions only; it cannot be set on a batch.",
    ],
    [
      "two networks",
      batch({}, { networkUri: "n", subnetworkUri: "s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: At most one of network_uri and subnetwork_uri may be set.",
    ],
    [
      "a bucket's URI",
      batch({}, { stagingBucket: "gs://bucket" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid staging bucket 'gs://bucket': expected the name of a bucket, not a URI or path.",
    ],
    [
      "a bucket that is not there",
      batch({}, { stagingBucket: "missing-bucket" }),
      "?batchId=fine",
      "NOT_FOUND: Staging bucket 'missing-bucket' was not found.",
    ],
    [
      "a ttl of nine minutes",
      batch({}, { ttl: "540s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: ttl: got 540s; expected between 600s (10 minutes) and 1209600s (14 days).",
    ],
    [
      "a ttl of fifteen days",
      batch({}, { ttl: "1296000s" }),
      "?batchId=fine",
      "INVALID_ARGUMENT: ttl: got 1296000s; expected between 600s (10 minutes) and 1209600s (14 days).",
    ],
    [
      "end-user credentials",
      batch({}, { authenticationConfig: { userWorkloadAuthenticationType: "END_USER_CREDENTIALS" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: END_USER_CREDENTIALS is not supported; expected SERVICE_ACCOUNT.",
    ],
    [
      "an account that is not there",
      batch({}, { serviceAccount: "no@sparklab-local.iam.gserviceaccount.com" }),
      "?batchId=fine",
      "NOT_FOUND: Service account 'no@sparklab-local.iam.gserviceaccount.com' was not found. A batch runs as environment_config.execution_config.service_account, or as the project's default compute account if it names none.",
    ],
    [
      "a history server that is not there",
      batch({
        environmentConfig: {
          executionConfig: { serviceAccount: ACCOUNT },
          peripheralsConfig: { sparkHistoryServerConfig: { dataprocCluster: "projects/p/regions/r/clusters/c" } },
        },
      }),
      "?batchId=fine",
      "NOT_FOUND: Not found: projects/p/regions/r/clusters/c",
    ],
    [
      "a label with capitals",
      batch({ labels: { Job: "x" } }),
      "?batchId=fine",
      "INVALID_ARGUMENT: Invalid label key 'Job': expected 1-63 lower-case letters, digits, '_' or '-', beginning with a letter.",
    ],
  ];
  test.each(cases)("%s", async (_what, body, query, expected) => {
    expect(await refused(body, query)).toBe(expected);
    expect(engine.submitted).toHaveLength(0);
  });
  test("all problems of a request at once", async () => {
    const { message, details } = await lab.refusal(
      `POST ${BATCHES}?batchId=x`,
      batch({ runtimeConfig: { version: "9" } }, { idleTtl: "1s" }),
    );
    expect(message.split("\n")).toHaveLength(3);
    expect(details[0]).toMatchObject({
      fieldViolations: [
        { field: "batch_id" },
        { field: "batch.runtime_config.version" },
        { field: "batch.environment_config.execution_config.idle_ttl" },
      ],
    });
  });
  test("a caller who may not act as the account", async () => {
    const stranger: Principal = {
      kind: "serviceAccount",
      email: `spark-x@sparklab-local.iam.gserviceaccount.com`,
      via: "serviceAccountKey",
    };
    expect(await refused(batch(), "?batchId=fine", stranger)).toMatch(
      /^PERMISSION_DENIED: User not authorized to act as service account 'spark@/,
    );
    const resource = `projects/sparklab-local/serviceAccounts/${ACCOUNT}`;
    await lab.cloud.policies.set(resource, {
      bindings: [{ role: "roles/iam.serviceAccountUser", members: [`serviceAccount:${stranger.email}`] }],
    });
    await lab.rest(`POST ${BATCHES}?batchId=granted`, batch(), stranger);
    expect(await get("granted")).toMatchObject({ creator: stranger.email });
  });
});

describe("cancelling and deleting", () => {
  test("ends a running batch through its operation", async () => {
    const made = await create("long");
    await until("long", "RUNNING");
    await lab.rest(`POST ${HOST}/${String(made.name)}:cancel`, {});
    const cancelled = await until("long", "CANCELLED");
    expect(engine.stopped).toEqual(["long"]);
    expect((cancelled.stateHistory as JsonObject[]).map(({ state }) => state)).toEqual([
      "PENDING",
      "RUNNING",
      "CANCELLING",
    ]);
    expect(cancelled.stateMessage).toBe("Cancelled by operator@sparklab.local.");
    expect(
      (
        await waitFor(
          () => operation(made.name),
          ({ done }) => done === true,
        )
      ).error,
    ).toMatchObject({ code: 1 });
  });
  test("knows the operation under locations too", async () => {
    const made = await create("both");
    const name = String(made.name).replace("/regions/", "/locations/");
    expect(await operation(name)).toMatchObject({ name: made.name });
    await lab.rest(`POST ${HOST}/${name}:cancel`, {});
    await until("both", "CANCELLED");
  });
  test("leaves a batch alone that has ended", async () => {
    const made = await create("over");
    await until("over", "RUNNING");
    engine.end("over", { exitCode: 0 });
    await until("over", "SUCCEEDED");
    await lab.rest(`POST ${HOST}/${String(made.name)}:cancel`, {});
    expect(await get("over")).toMatchObject({ state: "SUCCEEDED" });
  });
  test("deletes a batch that has ended, and only such a one", async () => {
    await create("gone");
    await until("gone", "RUNNING");
    const { status, message } = await lab.refusal(`DELETE ${BATCHES}/gone`);
    expect(`${status}: ${message}`).toMatch(
      /^FAILED_PRECONDITION: Batch '.*\/gone' is in state RUNNING and cannot be deleted; cancel its operation projects\/.* first\.$/,
    );
    engine.end("gone", { exitCode: 0 });
    await until("gone", "SUCCEEDED");
    expect(await lab.rest(`DELETE ${BATCHES}/gone`)).toEqual({});
    expect((await lab.refusal(`GET ${BATCHES}/gone`)).message).toBe(`Not found: Batch ${PARENT}/batches/gone`);
  });
});

describe("waiting", () => {
  beforeEach(async () => {
    await lab.close();
    await open(2);
  });
  test("keeps batches that do not fit PENDING and starts them in the order of their creation", async () => {
    for (const id of ["one1", "two2", "three", "four"]) await create(id);
    await until("two2", "RUNNING");
    expect([(await get("three")).state, (await get("four")).state]).toEqual(["PENDING", "PENDING"]);
    engine.end("one1", { exitCode: 0 });
    await until("three", "RUNNING");
    expect((await get("four")).state).toBe("PENDING");
  });
  test("cancels a waiting batch without ever starting it", async () => {
    for (const id of ["one1", "two2"]) await create(id);
    const made = await create("three");
    await until("two2", "RUNNING");
    await lab.rest(`POST ${HOST}/${String(made.name)}:cancel`, {});
    expect(await get("three")).toMatchObject({ state: "CANCELLED", stateHistory: [{ state: "PENDING" }] });
    engine.end("one1", { exitCode: 0 });
    await until("one1", "SUCCEEDED");
    expect(engine.submitted.map(({ id }) => id)).toEqual(["one1", "two2"]);
  });
});

describe("list", () => {
  const list = async (query: string) => {
    const { batches = [], nextPageToken } = (await lab.rest(`GET ${BATCHES}?${query}`)) as {
      batches?: JsonObject[];
      nextPageToken?: string;
    };
    return { ids: batches.map(({ name }) => String(name).split("/").at(-1)), nextPageToken };
  };
  beforeEach(async () => {
    for (const [index, id] of ["aaaa", "bbbb", "cccc"].entries()) {
      clock = new Date(Date.UTC(2026, 0, 1, index));
      await create(id);
      await until(id, "RUNNING");
    }
    engine.end("bbbb", { exitCode: 0 });
    await until("bbbb", "SUCCEEDED");
  });
  test("gives pages", async () => {
    const { ids, nextPageToken } = await list("pageSize=2");
    expect([ids, (await list(`pageSize=2&pageToken=${nextPageToken}`)).ids]).toEqual([["aaaa", "bbbb"], ["cccc"]]);
  });
  test.each([
    ["state = RUNNING", ["aaaa", "cccc"]],
    ["state = SUCCEEDED OR state = FAILED", ["bbbb"]],
    ['batch_id = "cccc"', ["cccc"]],
    ['state = RUNNING AND create_time < "2026-01-01T01:00:00Z"', ["aaaa"]],
  ])("filters by %s", async (filter, expected) => {
    expect((await list(`filter=${encodeURIComponent(filter)}`)).ids).toEqual(expected);
  });
  test("sorts by creation, newest first, and by nothing else", async () => {
    expect((await list("orderBy=create_time%20desc")).ids).toEqual(["cccc", "bbbb", "aaaa"]);
    expect((await lab.refusal(`GET ${BATCHES}?orderBy=state`)).message).toBe(
      "Invalid order_by 'state': expected nothing or 'create_time desc'.",
    );
  });
});

describe("after a restart", () => {
  test("ends a batch that is past its ttl, with the reason in its history", async () => {
    await create("late", batch({}, { ttl: "600s" }));
    await until("late", "RUNNING");
    clock = new Date(Date.now() + 601_000);
    const again = await testCloudOnLiveDriver();
    const late = await waitFor(
      () => again.rest(`GET ${BATCHES}/late`) as Promise<JsonObject>,
      ({ state }) => state === "CANCELLED",
    );
    expect((late.stateHistory as JsonObject[]).at(-1)).toMatchObject({
      state: "CANCELLING",
      stateMessage: "Cancelling batch as ttl exceeded",
    });
    lab = again;
  });
  test("starts what waited", async () => {
    await lab.close();
    await open(1);
    await create("runs");
    await create("waits");
    await until("runs", "RUNNING");
    lab = await lab.restart();
    expect(await until("runs", "CANCELLED")).toMatchObject({ stateMessage: "Cancelled: the cloud was shut down." });
    await until("waits", "RUNNING");
  });
});

/** A cloud that dies without closing its batches, and the next one on its state; the dead one's ports are still taken. */
async function testCloudOnLiveDriver(): Promise<TestCloud> {
  for (const { key, run } of await listRuns(lab.cloud))
    await lab.cloud.store.write({ put: { [key]: { ...run, port: 0 } } });
  const { folder } = lab.cloud;
  await lab.cloud.store.close();
  return testCloud({
    services: [iam, storage, dataproc],
    engines: { spark: engine },
    now: () => clock ?? new Date(),
    folder,
  });
}
