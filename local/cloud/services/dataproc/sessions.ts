/** Methods of interactive sessions. Source: SessionController in google/cloud/dataproc/v1/sessions.proto. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Cloud } from "../../cloud";
import { listPage } from "../../engine/list";
import { operationKey, type StoredOperation } from "../../engine/operations";
import { ApiError } from "../../errors";
import { badRequest } from "../../contract/validate";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { requestIdProblems, workloadAccount } from "./batch-checks";
import { stagingBucket } from "./batch-output";
import { warningsOf } from "./batch-record";
import { sessionConfig } from "./session-checks";
import {
  newSession,
  sessionAnswer,
  sessionFolder,
  sessionOperation,
  type SessionRun,
  sessionRunKey,
} from "./session-record";
import type { SessionRunner } from "./session-runner";
import { defaultRuntime, isSet, objectAt, propertiesOf, text } from "./workload-rules";

export function sessionMethods(runnerOf: (cloud: Cloud) => SessionRunner): Record<string, Behaviour> {
  const collection = "dataproc.projects.locations.sessions";
  return {
    [`${collection}.create`]: (call, cloud) => create(call, cloud, runnerOf(cloud)),
    [`${collection}.get`]: existing,
    [`${collection}.list`]: list,
    [`${collection}.terminate`]: (call, cloud) => end("TERMINATE", call, cloud, runnerOf(cloud)),
    [`${collection}.delete`]: (call, cloud) => end("DELETE", call, cloud, runnerOf(cloud)),
  };
}

async function create(call: Call, cloud: Cloud, runner: SessionRunner): Promise<Json> {
  const parent = text(call.path.parent);
  const name = `${parent}/sessions/${text(call.query.sessionId)}`;
  const request = isSet(call.query.requestId)
    ? `dataproc/session-requests/${parent}/${text(call.query.requestId)}`
    : undefined;
  const config = await sessionConfig(call, cloud);
  const { operation, uuid } = await cloud.store.exclusive(`dataproc/create-session/${parent}`, async () => {
    const first = request && (await cloud.store.get(request));
    if (first) return { operation: await cloud.operations.get(text(first.operation)), uuid: undefined };
    if (await cloud.store.get(name))
      throw new ApiError("ALREADY_EXISTS", `Already exists: Failed to create session: Session ${name}`);
    return store(name, config, request, call, cloud);
  });
  if (uuid !== undefined) runner.begin(uuid);
  return operation;
}

/** Session, operation, run and request record are one write: none of them is ever there without the others. */
async function store(name: string, config: JsonObject, request: string | undefined, call: Call, cloud: Cloud) {
  const { spark } = cloud.engines;
  const asked = objectAt(config, "runtimeConfig").version;
  const version = isSet(asked) ? text(asked) : defaultRuntime(spark);
  const [uuid, now] = [randomUUID(), cloud.now().toISOString()];
  const session = newSession({ config, name, uuid, creator: call.principal.email, now, version });
  const warnings = warningsOf(config, spark.resources(propertiesOf(config)), version);
  const pending = operationOf(sessionOperation(session, "CREATE", { createTime: now }, warnings), name);
  const run: SessionRun = {
    ...{ session: name, uuid, account: workloadAccount(session, cloud), port: 0, warnings },
    bucket: await stagingBucket(session, name.split("/")[3]!, cloud),
    ...{ create: text(pending.operation.name), end: [], remove: false },
  };
  await cloud.store.write({
    put: {
      [name]: session,
      [sessionRunKey(uuid)]: run,
      [operationKey(run.create)]: pending,
      ...(request !== undefined && { [request]: { operation: run.create } }),
    },
  });
  return { operation: pending.operation, uuid };
}

/** Ends a session, or removes it too; the operation is pending until that is done. */
async function end(type: "TERMINATE" | "DELETE", call: Call, cloud: Cloud, runner: SessionRunner): Promise<Json> {
  const violations = requestIdProblems({ ...call.query, ...(call.body as Call["query"]) });
  if (violations.length > 0) throw badRequest(violations);
  const session = await existing(call, cloud);
  const times = { createTime: cloud.now().toISOString() };
  const pending = operationOf(sessionOperation(session, type, times), text(session.name));
  const name = text(pending.operation.name);
  // One that has ended may have a run left: its end was stored and not told yet.
  if (await cloud.store.get(sessionRunKey(text(session.uuid)))) {
    await cloud.store.write({ put: { [operationKey(name)]: pending } });
    await runner.end(text(session.uuid), `Terminated by ${call.principal.email}.`, (run) => ({
      ...run,
      end: [...run.end, name],
      remove: run.remove || type === "DELETE",
    }));
    return answered(name, type, call, cloud);
  }
  return finishedEnd(pending, session, type, cloud);
}

/** The session may have ended of itself between the two looks: then nobody else finishes the operation. */
async function answered(name: string, type: "TERMINATE" | "DELETE", call: Call, cloud: Cloud): Promise<Json> {
  const session = await cloud.store.get(text(call.path.name));
  const operation = await cloud.operations.get(name);
  const run = session && (await cloud.store.get(sessionRunKey(text(session.uuid))));
  if (operation.done === true || !session || run) return operation;
  return finishedEnd({ api: "dataproc", operation }, session, type, cloud);
}

async function finishedEnd(
  { operation }: StoredOperation,
  session: JsonObject,
  type: "TERMINATE" | "DELETE",
  cloud: Cloud,
): Promise<JsonObject> {
  const metadata = { ...objectAt(operation, "metadata"), doneTime: cloud.now().toISOString() };
  const done: JsonObject = { ...operation, metadata, done: true, response: sessionAnswer(session) };
  await cloud.store.write({
    put: { [operationKey(text(operation.name))]: { api: "dataproc", operation: done } },
    delete: type === "DELETE" ? [text(session.name)] : [],
  });
  if (type === "DELETE") await rm(sessionFolder(cloud, text(session.uuid)), { recursive: true, force: true });
  return done;
}

function operationOf(metadata: JsonObject, session: string): StoredOperation {
  const [, project = "", , location = ""] = session.split("/");
  const name = `projects/${project}/regions/${location}/operations/${randomUUID()}`;
  return { api: "dataproc", operation: { name, metadata, done: false } };
}

const list: Behaviour = async (call, cloud) => {
  const prefix = `${text(call.path.parent)}/sessions/`;
  const { items, nextPageToken } = await listPage({ store: cloud.store, prefix, accepts: () => true }, call);
  return { ...(items.length > 0 && { sessions: items }), ...(nextPageToken && { nextPageToken }) };
};

async function existing(call: Call, cloud: Cloud): Promise<JsonObject> {
  const name = text(call.path.name);
  const session = await cloud.store.get(name);
  if (!session) throw new ApiError("NOT_FOUND", `Not found: Session ${name}`);
  return session;
}
