/** CALL of a procedure that runs Spark: what its job, its driver and its log are, and that it never hangs. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { grantOnProject, testCloud, type TestCloud } from "../../testing";
import type { JsonObject, Principal } from "../../service";
import { OPERATOR } from "../../door/principals";
import { bigqueryConnection } from "../bigqueryconnection";
import { dataproc } from "../dataproc";
import { listRuns } from "../dataproc/batch-runs";
import { scriptedEngine, type ScriptedEngine } from "../dataproc/scripted-engine";
import { scheduleSparkJobs, storeSparkJob } from "../dataproc/spark-jobs";
import { waitFor } from "../dataproc/testing";
import { logging } from "../logging";
import { type Answer, bigQueryParts, openBigQuery, query, type TestBigQuery } from "./requests";

jest.setTimeout(120_000);
const BIGQUERY = "https://bigquery.googleapis.com/bigquery/v2/projects/sparklab-local";
const CONNECTIONS =
  "https://bigqueryconnection.googleapis.com/v1/projects/sparklab-local/locations/us-central1/connections";
const connection = "projects/sparklab-local/locations/us-central1/connections/spark";
const text = { typeKind: "STRING" };
let spark: ScriptedEngine;
let lab: TestBigQuery;
/** The cloud of the moment: a test that kills one opens the next. */
let cloud: TestCloud;
let account: string;

beforeAll(async () => {
  spark = scriptedEngine();
  lab = await openBigQuery(parts());
  cloud = lab.test;
  const made = (await cloud.rest(`POST ${CONNECTIONS}?connectionId=spark`, { spark: {} })) as JsonObject;
  account = (made.spark as { serviceAccountId: string }).serviceAccountId;
  await procedure("rates", {
    arguments: [
      { name: "run", mode: "IN", dataType: text },
      { name: "size", dataType: { typeKind: "INT64" } },
    ],
  });
  await procedure("out", { arguments: [{ name: "result", mode: "OUT", dataType: text }] });
  await procedure("java", { language: "JAVA" });
  await procedure("caller", { securityMode: "INVOKER" });
  await procedure("lost", {}, { connection: connection.replace(/\w+$/, "gone") });
  await procedure("old", {}, { runtimeVersion: "1.1" });
});
afterAll(() => cloud.close());

/** What the clouds of these tests have beside BigQuery. */
const parts = () => ({
  services: [bigqueryConnection, dataproc, logging],
  engines: { spark, sessions: spark.sessions },
});

function procedure(routineId: string, more: JsonObject = {}, options: JsonObject = {}) {
  const routineReference = { projectId: "sparklab-local", datasetId: "d", routineId };
  const program = { mainFileUri: "gs://files/main.py", pyFileUris: ["gs://files/lib.zip"], ...options };
  const sparkOptions = { connection, runtimeVersion: "2.3", properties: { "spark.x.y": "z" }, ...program };
  const body = { routineType: "PROCEDURE", language: "PYTHON", routineReference, sparkOptions, ...more };
  return cloud.rest(`POST ${BIGQUERY}/datasets/d/routines`, body);
}

const insert = async (statement: string, jobId: string, principal: Principal = OPERATOR): Promise<Answer> => {
  const body = { configuration: query(statement), jobReference: { jobId } };
  return (await cloud.rest(`POST ${BIGQUERY}/jobs`, body, principal)) as unknown as Answer;
};
const jobOf = async (id: string): Promise<Answer> => (await cloud.rest(`GET ${BIGQUERY}/jobs/${id}`)) as never;
const ended = (id: string) =>
  waitFor(
    () => jobOf(id),
    ({ status }) => status.state === "DONE",
  );
/** The Spark work of a job, once its driver runs. */
async function driverOf({ statistics }: Answer) {
  const { sparkJobId } = statistics.query.sparkStatistics as { sparkJobId: string };
  const driver = await waitFor(
    async () => spark.submitted.find(({ id }) => id === sparkJobId),
    (found) => found !== undefined,
  );
  return driver!;
}

test("runs as its connection's account, with its arguments, and its job tells of it", async () => {
  const job = await insert("CALL d.rates(CONCAT('a', '\"b'), 6 * 7)", "called");
  expect(job).toMatchObject({
    status: { state: "RUNNING" },
    statistics: {
      query: { statementType: "CALL", sparkStatistics: { sparkJobLocation: "us-central1" } },
    },
  });
  const driver = await driverOf(job);
  expect(driver).toMatchObject({
    ...{ mainPythonFileUri: "gs://files/main.py", pythonFileUris: ["gs://files/lib.zip"] },
    properties: {
      "spark.x.y": "z",
      "spark.dataproc.driverEnv.BIGQUERY_PROC_PARAM.run": '"a\\"b"',
      "spark.dataproc.driverEnv.BIGQUERY_PROC_PARAM.size": "42",
    },
  });
  const metadata = `http://${driver.metadataHost}/computeMetadata/v1/instance/service-accounts/default/email`;
  expect(await (await fetch(metadata, { headers: { "metadata-flavor": "Google" } })).text()).toBe(account);
  spark.print(driver.id, "hello from Spark\n");
  spark.end(driver.id, { exitCode: 0 });
  expect((await ended("called")).status).toEqual({ state: "DONE" });
  // As Google's page on stored procedures of Spark says to look for a driver's entries.
  const filter = [
    'resource.type="bigquery.googleapis.com/SparkJob"',
    'resource.labels.resource_container="sparklab-local"',
    `resource.labels.spark_job_id="${driver.id}"`,
    'resource.labels.location="us-central1"',
    'labels.component="DRIVER"',
  ].join(" AND ");
  const asked = { resourceNames: ["projects/sparklab-local"], filter };
  expect(await cloud.rest("POST https://logging.googleapis.com/v2/entries:list", asked)).toMatchObject({
    entries: [{ textPayload: "hello from Spark" }],
  });
  expect(await cloud.rest(`GET ${BIGQUERY}/queries/called?maxResults=0`)).toMatchObject({ jobComplete: true });
  const batches =
    "https://us-central1-dataproc.googleapis.com/v1/projects/sparklab-local/locations/us-central1/batches";
  expect(await cloud.rest(`GET ${batches}`)).toEqual({});
});

test("a driver that fails fails its job with its error", async () => {
  const driver = await driverOf(await insert("CALL d.rates('a', 1)", "failing"));
  spark.print(driver.id, 'Traceback (most recent call last):\n  File "main.py"\nValueError: no such column: x\n');
  spark.end(driver.id, { exitCode: 1 });
  const { errorResult } = (await ended("failing")).status;
  expect(errorResult.reason).toBe("invalidQuery");
  expect(errorResult.message).toMatch(
    /^Spark procedure failed: Job failed with message \[ValueError: no such column: x\]/,
  );
  expect(errorResult.message).not.toContain("dataproc batches wait");
});

test("a cancelled job ends its driver", async () => {
  const driver = await driverOf(await insert("CALL d.rates('a', 1)", "stopping"));
  await cloud.rest(`POST ${BIGQUERY}/jobs/stopping/cancel`);
  expect((await ended("stopping")).status.errorResult).toMatchObject({ reason: "stopped" });
  expect(spark.stopped).toContain(driver.id);
});

test("a request that is sent again starts no second driver", async () => {
  const before = spark.submitted.length;
  const driver = await driverOf(await insert("CALL d.rates('a', 1)", "once"));
  await expect(insert("CALL d.rates('a', 1)", "once")).rejects.toMatchObject({ http: 409 });
  const twice = { query: "CALL d.rates('b', 2)", useLegacySql: false, requestId: "r-1", timeoutMs: 1 };
  const answers = [1, 2].map(() => cloud.rest(`POST ${BIGQUERY}/queries`, twice));
  const [first, second] = (await Promise.all(answers)) as unknown as [Answer, Answer];
  expect(second.jobReference).toEqual(first.jobReference);
  const other = await driverOf(await jobOf(first.jobReference.jobId));
  expect(spark.submitted.slice(before).map(({ id }) => id)).toEqual([driver.id, other.id]);
});

test("a program that lies in no bucket is run from its routine", async () => {
  const body = { definitionBody: "print(1)", sparkOptions: { connection, runtimeVersion: "2.3" } };
  await procedure("inline", body);
  const driver = await driverOf(await insert("CALL d.inline()", "inline"));
  expect(driver).toMatchObject({ mainPythonFileUri: expect.stringMatching(/^file:.*\/procedure\.py$/) });
});

test("a cloud that was killed goes on with its calls, whether their drivers live or have ended", async () => {
  const [living, over] = [
    await driverOf(await insert("CALL d.rates('a', 1)", "living")),
    await driverOf(await insert("CALL d.rates('b', 2)", "over")),
  ];
  const { folder, store } = cloud.cloud;
  // The dead cloud's ports are still taken in this process.
  for (const { key, run } of await listRuns(cloud.cloud)) await store.write({ put: { [key]: { ...run, port: 0 } } });
  await store.close();
  spark.end(over.id, { exitCode: 0 });
  cloud = await testCloud(bigQueryParts(folder, lab.engine, parts()));
  expect((await ended("over")).status).toEqual({ state: "DONE" });
  expect((await jobOf("living")).status.state).toBe("RUNNING");
  spark.end(living.id, { exitCode: 0 });
  expect((await ended("living")).status).toEqual({ state: "DONE" });
});

test("a call whose work was stored when the cloud died, and its job not, has its job in the end", async () => {
  const request = {
    configuration: query("CALL d.rates('a', 1)"),
    jobReference: { jobId: "half", location: "us-central1" },
  };
  const sent = {
    pysparkBatch: { mainPythonFileUri: "gs://files/main.py" },
    environmentConfig: { executionConfig: { serviceAccount: account } },
  };
  const call = { project: "sparklab-local", caller: OPERATOR.email, request };
  const { uuid } = await storeSparkJob({ location: "us-central1", sent, call }, cloud.cloud);
  scheduleSparkJobs(cloud.cloud);
  await waitFor(
    async () => spark.submitted.some(({ id }) => id === uuid),
    (runs) => runs,
  );
  spark.end(uuid as string, { exitCode: 0 });
  const found = () => jobOf("half").catch(() => undefined);
  const job = await waitFor(found, (answer) => answer?.status.state === "DONE");
  expect(job!.status).toEqual({ state: "DONE" });
});

test("an engine that was killed leaves the job running until its driver has ended", async () => {
  const driver = await driverOf(await insert("CALL d.rates('a', 1)", "left"));
  process.kill((await lab.engine.start()).pid, "SIGKILL");
  expect(
    (await waitFor(
      () => jobOf("left").catch(() => undefined),
      (job) => job !== undefined,
    ))!.status.state,
  ).toBe("RUNNING");
  spark.end(driver.id, { exitCode: 0 });
  expect((await ended("left")).status).toEqual({ state: "DONE" });
});

test.each([
  [
    "CALL d.rates('a')",
    "invalidQuery",
    "Wrong number of arguments for procedure sparklab-local.d.rates: expected 2, got 1",
  ],
  ["CALL d.rates(1, 2)", "invalidQuery", "Parameter run of procedure sparklab-local.d.rates: expected STRING, got 1"],
  ["CALL d.rates('a', 1); SELECT 1", "notImplemented", "A CALL of a Spark procedure among other statements"],
  ["CALL d.out('x')", "notImplemented", "Parameter result of procedure sparklab-local.d.out: mode OUT and type STRING"],
  ["CALL d.java()", "notImplemented", "A Spark procedure in JAVA (language: expected PYTHON) is not run here."],
  [
    "CALL d.caller()",
    "notImplemented",
    "A Spark procedure as its caller (securityMode: expected DEFINER) is not run here.",
  ],
  [
    "CALL d.lost()",
    "notFound",
    "Resource 'projects/sparklab-local/locations/us-central1/connections/gone' was not found.",
  ],
  ["CALL d.old()", "invalid", "Runtime version '1.1' is not supported. Supported versions: 2.3."],
])("%s fails its job: %s", async (statement, reason, message) => {
  const [before, job] = [spark.submitted.length, statement.replace(/\W+/g, "-")];
  await insert(statement, job);
  expect((await ended(job)).status.errorResult).toMatchObject({
    reason,
    message: expect.stringContaining(message),
  });
  expect(spark.submitted).toHaveLength(before);
});

test("who may not use the connection may not call", async () => {
  const caller: Principal = { kind: "user", email: "caller@sparklab.local", via: "accessToken" };
  for (const role of ["roles/bigquery.jobUser", "roles/bigquery.metadataViewer"])
    await grantOnProject(cloud.cloud, role, `user:${caller.email}`);
  const call = () => insert("CALL d.rates('a', 1)", "granted", caller);
  await expect(call()).rejects.toMatchObject({ http: 403, message: expect.stringMatching(/connections\.use/) });
  await grantOnProject(cloud.cloud, "roles/bigquery.connectionUser", `user:${caller.email}`);
  await driverOf(await call());
});
