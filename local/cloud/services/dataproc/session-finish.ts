/** The end of a session: last state, what it leaves, answers of its operations. Repeatable, if the cloud dies in it. */
import { rm } from "node:fs/promises";
import type { SparkEnd } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { JsonObject } from "../../service";
import { failureMessage } from "./batch-failure";
import { keepEventLogs, outputUri, tail } from "./batch-output";
import { withRuntimeInfo, withState } from "./batch-record";
import {
  hasEnded,
  sessionAnswer,
  sessionFolder,
  sessionOperation,
  type SessionRun,
  sessionRunKey,
  type SessionState,
} from "./session-record";
import { objectAt, text } from "./workload-rules";

export interface SessionOutcome {
  state: SessionState;
  message: string;
}

/** google.rpc.Code of the operation that creates a session which never became active. */
const CODE = { TERMINATED: 1, FAILED: 10 } as const;

/** What the end of its driver means for a session. */
export async function sessionOutcome(
  session: JsonObject,
  run: SessionRun,
  end: SparkEnd,
  cloud: Cloud,
): Promise<SessionOutcome> {
  if (session.state === "TERMINATING") return { state: "TERMINATED", message: text(session.stateMessage) };
  if (end.exitCode === 0) return { state: "TERMINATED", message: "The session's driver ended." };
  const file = cloud.engines.spark.driverOutput(sessionFolder(cloud, run.uuid));
  const output = (await attempt(cloud, run, "read driver output", () => tail(file))) ?? "";
  const [, project = "", , location = "", , id = ""] = run.session.split("/");
  const uri = outputUri(run.bucket, run.uuid, "session");
  return { state: "FAILED", message: failureMessage({ project, location, id, outputUri: uri }, end, output) };
}

/** Stores the outcome, answers the operations and forgets the run, in this order. */
export async function finishSession(cloud: Cloud, run: SessionRun, outcome: SessionOutcome): Promise<void> {
  const stored = await readSession(cloud, run);
  const session = hasEnded(stored.state) ? stored : await store(cloud, run, stored, outcome);
  const doneTime = text(session.stateTime);
  const wasActive = JSON.stringify(session.stateHistory ?? []).includes('"ACTIVE"');
  const created = sessionOperation(session, "CREATE", { createTime: text(session.createTime), doneTime }, run.warnings);
  const problem = { code: CODE[session.state as keyof typeof CODE], message: text(session.stateMessage) };
  await answer(cloud, run.create, session, created, wasActive ? undefined : problem);
  for (const operation of run.end) await answer(cloud, operation, session, { doneTime });
  const gone = run.remove ? [run.session] : [];
  await cloud.store.write({ delete: [sessionRunKey(run.uuid), ...gone] });
  const folder = sessionFolder(cloud, run.uuid);
  await attempt(cloud, run, "tidy", () =>
    run.remove ? rm(folder, { recursive: true, force: true }) : cloud.engines.spark.tidy(folder),
  );
  cloud.log.info({ session: run.session, state: session.state }, "session ended");
}

export async function readSession(cloud: Cloud, run: SessionRun): Promise<JsonObject> {
  const session = await cloud.store.get(run.session);
  if (!session) throw new Error(`run of ${run.session}: the session is not stored; expected it until its run is done.`);
  return session;
}

async function store(
  cloud: Cloud,
  run: SessionRun,
  session: JsonObject,
  { state, message }: SessionOutcome,
): Promise<JsonObject> {
  const { spark } = cloud.engines;
  const folder = sessionFolder(cloud, run.uuid);
  const now = cloud.now().toISOString();
  const logs = (await attempt(cloud, run, "find event logs", () => spark.eventLogs(folder))) ?? [];
  await attempt(cloud, run, "keep event logs", () => keepEventLogs(session, run.bucket, logs, cloud));
  const usage = await attempt(cloud, run, "read usage", () => spark.usage(folder));
  // Nobody answers at its addresses any more.
  const { endpoints: _gone, ...info } = objectAt(session, "runtimeInfo");
  const ended = withState({ ...session, runtimeInfo: info }, state, now, message);
  const approximateUsage = usage && {
    milliDcuSeconds: String(Math.round(usage.milliDcuSeconds)),
    shuffleStorageGbSeconds: String(Math.round(usage.shuffleStorageGbSeconds)),
    updateTime: now,
  };
  const next = approximateUsage ? withRuntimeInfo(ended, { approximateUsage }) : ended;
  await cloud.store.write({ put: { [run.session]: next } });
  return next;
}

/** Finishes an operation that is still pending; one that a client has deleted, nobody waits for. */
export async function answer(
  cloud: Cloud,
  name: string,
  session: JsonObject,
  metadata: JsonObject,
  problem?: { code: number; message: string },
): Promise<void> {
  const pending = await cloud.operations.get(name).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === "NOT_FOUND") return { done: true };
    throw error;
  });
  if (pending.done === true) return;
  const whole = { ...objectAt(pending, "metadata"), ...metadata };
  if (problem) await cloud.operations.fail(name, problem, whole);
  else await cloud.operations.finish(name, sessionAnswer(session), whole);
}

/** Side work must not keep a session from ending; what went wrong is in the log. */
async function attempt<T>(cloud: Cloud, run: SessionRun, what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    cloud.log.error({ err: error, session: run.session }, `failed to ${what}`);
    return undefined;
  }
}
