/** Methods of batches and of their operations. Source: BatchController in google/cloud/dataproc/v1/batches.proto. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Cloud } from "../../cloud";
import { listPage } from "../../engine/list";
import { ApiError } from "../../errors";
import { operationKey } from "../../engine/operations";
import type { Behaviour, Call, Json, JsonObject } from "../../service";
import { settle } from "../logging/arrivals";
import { checkBatch, checkReferences, workloadAccount } from "./batch-checks";
import { stagingBucket } from "./batch-output";
import { isTerminal, type NewBatch, newBatch, operationMetadata, warningsOf, withRuntimeInfo } from "./batch-record";
import { type ProcedureCall, type Run, runFolder, runKey } from "./batch-runs";
import type { BatchRunner } from "./batch-runner";
import { defaultRuntime, isSet, objectAt, propertiesOf, text } from "./workload-rules";

const OUTPUT_ONLY = [
  "name",
  "uuid",
  "createTime",
  "runtimeInfo",
  "state",
  "stateMessage",
  "stateTime",
  "creator",
  "operation",
  "stateHistory",
];
const DEFAULT_PAGE = "20";

export function batchMethods(runnerOf: (cloud: Cloud) => BatchRunner): Record<string, Behaviour> {
  const cancel: Behaviour = async (call, cloud) => {
    const operation = await cloud.operations.get(operationName(call));
    const { batch, session } = objectAt(operation, "metadata");
    if (isSet(session))
      throw new ApiError(
        "FAILED_PRECONDITION",
        `Operations of sessions cannot be cancelled: terminate ${text(session)}.`,
      );
    if (isSet(batch)) await runnerOf(cloud).cancel(text(batch), `Cancelled by ${call.principal.email}.`);
    return {};
  };
  return {
    "dataproc.projects.locations.batches.create": (call, cloud) => create(call, cloud, runnerOf(cloud)),
    "dataproc.projects.locations.batches.get": (call, cloud) => get(call, cloud, runnerOf(cloud)),
    "dataproc.projects.locations.batches.list": list,
    "dataproc.projects.locations.batches.delete": (call, cloud) => remove(call, cloud, runnerOf(cloud)),
    "dataproc.projects.locations.operations.get": (call, cloud) => cloud.operations.get(operationName(call)),
    "dataproc.projects.locations.operations.cancel": cancel,
    "dataproc.projects.regions.operations.cancel": cancel,
  };
}

/** Operations of batches are named under `regions`; a client that asks for them under `locations` means the same. */
const operationName = (call: Call) => text(call.path.name).replace(/^(projects\/[^/]+)\/locations\//, "$1/regions/");

async function create(call: Call, cloud: Cloud, runner: BatchRunner): Promise<Json> {
  checkBatch(call.body, call, cloud);
  const parent = text(call.path.parent);
  const operation = await cloud.store.exclusive(`dataproc/create/${parent}`, async () => {
    const request = isSet(call.query.requestId)
      ? `dataproc/requests/${parent}/${text(call.query.requestId)}`
      : undefined;
    const first = request && (await cloud.store.get(request));
    if (first) return cloud.operations.get(text(first.operation));
    const id = isSet(call.query.batchId) ? text(call.query.batchId) : randomUUID();
    const name = `${parent}/batches/${id}`;
    if (await cloud.store.get(name)) {
      throw new ApiError("ALREADY_EXISTS", `Already exists: Failed to create batch: Batch ${name}`);
    }
    await checkReferences(call.body, call, cloud);
    return store(id, request, call, cloud);
  });
  runner.schedule();
  return operation;
}

async function store(id: string, request: string | undefined, call: Call, cloud: Cloud): Promise<JsonObject> {
  const [, project = "", , location = ""] = text(call.path.parent).split("/");
  const sent = Object.fromEntries(Object.entries(call.body).filter(([key]) => !OUTPUT_ONLY.includes(key)));
  const operation = `projects/${project}/regions/${location}/operations/${randomUUID()}`;
  const place = { project, location, id, uuid: randomUUID(), operation, creator: call.principal.email };
  await storeBatch({ ...place, sent }, { request }, cloud);
  return cloud.operations.get(operation);
}

/**
 * Batch, run, operation and request record are one write: none of them is ever there without the others.
 * @param by what the end is told to: an operation, with the record of its request, or the call of a procedure
 */
export async function storeBatch(
  asked: Omit<NewBatch, "now" | "version" | "resources">,
  by: { request: string | undefined } | { call: ProcedureCall },
  cloud: Cloud,
): Promise<JsonObject> {
  const { spark } = cloud.engines;
  const version = text(objectAt(asked.sent, "runtimeConfig").version) || defaultRuntime(spark);
  const resources = spark.resources(propertiesOf(asked.sent));
  const now = cloud.now().toISOString();
  const batch = newBatch({ ...asked, now, version, resources });
  const warnings = warningsOf(asked.sent, resources, version);
  const bucket = await stagingBucket(batch, asked.location, cloud);
  const about = { batch: text(batch.name), uuid: asked.uuid, account: workloadAccount(batch, cloud) };
  const run: Run = { ...about, bucket, port: 0, warnings, call: "call" in by ? by.call : null };
  const { operation: name } = asked;
  const pending = { api: "dataproc", operation: { name, metadata: operationMetadata(batch, warnings), done: false } };
  const answered = "request" in by && {
    [operationKey(name)]: pending,
    ...(by.request !== undefined && { [by.request]: { operation: name } }),
  };
  await cloud.store.write({ put: { [run.batch]: batch, [runKey(now, asked.uuid)]: run, ...answered } });
  return batch;
}

async function get(call: Call, cloud: Cloud, runner: BatchRunner): Promise<Json> {
  const batch = await existing(call, cloud);
  const currentUsage = batch.state === "RUNNING" ? await runner.currentUsage(text(batch.uuid)) : undefined;
  return currentUsage ? withRuntimeInfo(batch, { currentUsage }) : batch;
}

/** Filters know a batch by `batch_id` and `batch_uuid` too, which are not fields of it. */
const list: Behaviour = async (call, cloud) => {
  const order = call.query.orderBy;
  if (isSet(order) && !/^\s*create_?time\s+desc\s*$/i.test(text(order))) {
    throw new ApiError(
      "INVALID_ARGUMENT",
      `Invalid order_by '${text(order)}': expected nothing or 'create_time desc'.`,
    );
  }
  const prefix = `${text(call.path.parent)}/batches/`;
  const named = {
    ...cloud.store,
    list: async (...args: Parameters<typeof cloud.store.list>) =>
      (await cloud.store.list(...args)).map(({ key, value }) => ({
        key,
        value: { ...value, batchId: key.slice(prefix.length), batchUuid: value.uuid ?? null },
      })),
  };
  const query = { ...call.query, pageSize: isSet(call.query.pageSize) ? call.query.pageSize! : DEFAULT_PAGE };
  const { items, nextPageToken } = await listPage({ store: named, prefix, accepts: () => true }, { ...call, query });
  const batches = items.map(({ batchId: _id, batchUuid: _uuid, ...batch }) => batch);
  return { ...(batches.length > 0 && { batches }), ...(nextPageToken && { nextPageToken }) };
};

async function remove(call: Call, cloud: Cloud, runner: BatchRunner): Promise<Json> {
  const batch = await existing(call, cloud);
  if (!isTerminal(batch.state)) {
    throw new ApiError(
      "FAILED_PRECONDITION",
      `Batch '${text(batch.name)}' is in state ${text(batch.state)} and cannot be deleted; cancel its operation ${text(batch.operation)} first.`,
    );
  }
  // What its driver printed is found by the batch: it is routed first.
  await settle(cloud, text(batch.name));
  await runner.remove(text(batch.name));
  await rm(runFolder(cloud, text(batch.uuid)), { recursive: true, force: true });
  return {};
}

async function existing(call: Call, cloud: Cloud): Promise<JsonObject> {
  const name = text(call.path.name);
  const batch = await cloud.store.get(name);
  if (!batch) throw new ApiError("NOT_FOUND", `Not found: Batch ${name}`);
  return batch;
}
