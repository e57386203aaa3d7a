/** Interactive sessions: what is stored, started, ended and refused, with drivers that the test scripts. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { ACCOUNT, BatchLab, HOST, PARENT, STAGING, waitFor } from "./testing";
import { text } from "./workload-rules";

let lab: BatchLab;
beforeEach(async () => {
  lab = await BatchLab.open();
  await rest(`POST ${HOST}/${PARENT}/sessionTemplates`, {
    name: TEMPLATE,
    jupyterSession: { kernel: "PYTHON", displayName: "Lab" },
    labels: { lab: "x" },
    runtimeConfig: { version: "2.3", properties: { "spark.a": "template", "spark.b": "template" } },
    environmentConfig: {
      executionConfig: { serviceAccount: ACCOUNT, stagingBucket: STAGING, ttl: "7200s", idleTtl: "600s" },
    },
  });
});
afterEach(() => lab.close());

const TEMPLATE = `${PARENT}/sessionTemplates/notebook`;
const SESSIONS = `${HOST}/${PARENT}/sessions`;
const rest = async (request: string, body?: JsonObject) => (await lab.lab.rest(request, body)) as JsonObject;
const create = (id: string, body: JsonObject = { sessionTemplate: TEMPLATE }, query = "") =>
  rest(`POST ${SESSIONS}?sessionId=${id}${query}`, body);
const get = (id: string) => rest(`GET ${SESSIONS}/${id}`);
const until = (id: string, state: string) =>
  waitFor(
    () => get(id),
    (session) => session.state === state,
  );
const submitted = (id: string) =>
  waitFor(
    async () => lab.engine.submitted.find((workload) => workload.id === id)!,
    (workload) => workload !== undefined,
  );
const active = async (id: string) => {
  const operation = await create(id);
  await submitted(id);
  lab.engine.answer(id);
  return operation;
};
const states = ({ stateHistory, state }: JsonObject) => [
  ...(stateHistory as JsonObject[]).map((left) => left.state),
  state,
];

test("a session has its template's settings below its own, and is active once its server answers", async () => {
  const operation = await create("mine", {
    sessionTemplate: "notebook",
    runtimeConfig: { properties: { "spark.b": "session" } },
  });
  expect(operation).toMatchObject({
    done: false,
    metadata: { session: `${PARENT}/sessions/mine`, operationType: "CREATE" },
  });
  const workload = await submitted("mine");
  expect(workload).toMatchObject({
    displayName: "Lab",
    ttlSeconds: 7200,
    properties: { "spark.a": "template", "spark.b": "session" },
  });
  expect(await get("mine")).toMatchObject({
    state: "CREATING",
    sessionTemplate: TEMPLATE,
    creator: "operator@sparklab.local",
    user: "operator@sparklab.local",
    labels: { lab: "x", "goog-dataproc-session-id": "mine" },
    environmentConfig: { executionConfig: { serviceAccount: ACCOUNT, ttl: "7200s", idleTtl: "600s" } },
  });
  lab.engine.answer("mine");
  const session = await until("mine", "ACTIVE");
  expect(session.runtimeInfo).toMatchObject({ endpoints: { Jupyter: "http://127.0.0.1:1/" } });
  expect((await lab.operation(operation)).response).toMatchObject({ state: "ACTIVE" });
  expect(await rest(`GET ${SESSIONS}?filter=state%3DACTIVE`)).toEqual({ sessions: [session] });
});

test("the same request is one session; the same id in another request is refused", async () => {
  const first = await create("once", { sessionTemplate: TEMPLATE }, "&requestId=r1");
  expect(await create("once", { sessionTemplate: TEMPLATE }, "&requestId=r1")).toEqual(first);
  expect(await lab.lab.refusal(`POST ${SESSIONS}?sessionId=once`, { sessionTemplate: TEMPLATE })).toMatchObject({
    status: "ALREADY_EXISTS",
  });
});

test("terminating ends the driver, keeps the session, and its operation waits for that", async () => {
  await active("mine");
  await until("mine", "ACTIVE");
  const operation = await rest(`POST ${SESSIONS}/mine:terminate`, {});
  expect(operation).toMatchObject({ done: false, metadata: { operationType: "TERMINATE" } });
  const done = await lab.operation(operation);
  expect(done.response).toMatchObject({
    state: "TERMINATED",
    stateMessage: "Terminated by operator@sparklab.local.",
  });
  expect(lab.engine.stopped).toEqual(["mine"]);
  const session = await get("mine");
  expect(states(session)).toEqual(["CREATING", "ACTIVE", "TERMINATING", "TERMINATED"]);
  expect(session.runtimeInfo).not.toHaveProperty("endpoints");
  expect(await rest(`POST ${SESSIONS}/mine:terminate`, {})).toMatchObject({ done: true });
});

test("deleting ends a session first; the id is free after that", async () => {
  await active("mine");
  const operation = await rest(`DELETE ${SESSIONS}/mine`);
  expect((await lab.operation(operation)).response).toMatchObject({ state: "TERMINATED" });
  expect((await lab.lab.refusal(`GET ${SESSIONS}/mine`)).status).toBe("NOT_FOUND");
  await create("mine");
});

test("a session whose driver ends before it answers has failed, and so has its creation", async () => {
  const operation = await create("broken");
  await submitted("broken");
  lab.engine.print("broken", "Traceback (most recent call last):\n  x\nImportError: no\n");
  lab.engine.end("broken", { exitCode: 1 });
  const done = await lab.operation(operation);
  expect(text((done.error as JsonObject).message)).toContain("ImportError: no");
  expect(await get("broken")).toMatchObject({ state: "FAILED" });
});

test("an idle session ends after its idle ttl; one that computes does not", async () => {
  await active("busy");
  await active("idle");
  const { stateTime } = await until("idle", "ACTIVE");
  await until("busy", "ACTIVE");
  lab.engine.activities.set("busy", { at: 0, busy: true });
  lab.engine.activities.set("idle", { at: 0, busy: false });
  lab.clock = new Date(Date.parse(text(stateTime)) + 601_000);
  expect(await until("idle", "TERMINATED")).toMatchObject({
    stateMessage: "The session was idle for longer than its idle ttl of 600s.",
  });
  expect(await get("busy")).toMatchObject({ state: "ACTIVE" });
});

test("a session whose ttl was over while there was no cloud ends with the next one", async () => {
  await active("aged");
  const { createTime } = await until("aged", "ACTIVE");
  lab.clock = new Date(Date.parse(text(createTime)) + 7_201_000);
  await lab.die();
  expect(await until("aged", "TERMINATED")).toMatchObject({ stateMessage: "The session's ttl of 7200s is over." });
});

test("a killed cloud's sessions are taken up again: the active one, and the one that was being made", async () => {
  await active("made");
  await until("made", "ACTIVE");
  const creating = await create("making");
  await submitted("making");
  await lab.die();
  expect(await get("made")).toMatchObject({ state: "ACTIVE" });
  lab.engine.answer("making");
  expect((await lab.operation(creating)).response).toMatchObject({ state: "ACTIVE" });
  const ended = await rest(`POST ${SESSIONS}/made:terminate`, {});
  expect((await lab.operation(ended)).response).toMatchObject({ state: "TERMINATED" });
});

test("sessions end with the cloud, when it is shut down", async () => {
  await active("mine");
  await until("mine", "ACTIVE");
  await lab.restart();
  expect(await get("mine")).toMatchObject({ state: "TERMINATED", stateMessage: "The cloud was shut down." });
});

test("a session for which the others leave no memory fails and says so", async () => {
  for (let number = 0; number < 10; number += 1) await active(`session-${number}`);
  await create("too-many");
  expect((await until("too-many", "FAILED")).stateMessage).toBe(
    "Insufficient memory: got 0 MB that other sessions leave; expected 100 MB. Terminate a session first.",
  );
});

test.each<[string, string, JsonObject, string]>([
  [
    "with all its problems at once",
    "sessionId=X&requestId=a.b",
    { jupyterSession: { kernel: "SCALA" }, environmentConfig: { executionConfig: { ttl: "60s" } } },
    "Invalid session id 'X': expected 4-63 characters of a-z, 0-9 and '-', beginning with a letter and not ending with '-'.; " +
      "Invalid request id 'a.b': expected at most 40 letters, digits, '_' or '-'.; " +
      "Got SCALA; kernels that run here: PYTHON.; " +
      "ttl: got 60s; expected between 600s (10 minutes) and 1209600s (14 days).",
  ],
  [
    "without a kind",
    "sessionId=mine",
    {},
    "Exactly one session configuration must be set: got none; expected one of jupyterSession, sparkConnectSession, in the session or its template.",
  ],
  [
    "of a template elsewhere",
    "sessionId=mine",
    { sessionTemplate: TEMPLATE.replace("central1", "east1") },
    `Got '${TEMPLATE.replace("central1", "east1")}'; expected ${PARENT}/sessionTemplates/<id>: a template of the session's own project and region.`,
  ],
  [
    "of Spark Connect",
    "sessionId=mine",
    { sparkConnectSession: {} },
    "Spark Connect sessions are not run here: they need runtime 3.0; expected jupyterSession.",
  ],
])("a session is refused %s", async (_what, query, body, message) => {
  const refusal = await lab.lab.refusal(`POST ${SESSIONS}?${query}`, body);
  expect(refusal.message.replaceAll("\n", "; ")).toBe(message);
});

test("a session is refused when its template is not there or Jupyter is not installed", async () => {
  const missing = await lab.lab.refusal(`POST ${SESSIONS}?sessionId=mine`, { sessionTemplate: "other" });
  expect(missing.status).toBe("NOT_FOUND");
  lab.engine.problems.session = "Jupyter is not installed for sessions yet. npx sparklab notebook";
  const refusal = await lab.lab.refusal(`POST ${SESSIONS}?sessionId=mine`, { sessionTemplate: TEMPLATE });
  expect([refusal.status, refusal.message]).toEqual(["FAILED_PRECONDITION", lab.engine.problems.session]);
});
