/** The end of a batch: last state, usage, event logs, result of its operation. Repeatable, if the cloud dies in it. */
import type { SparkEnd } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import type { JsonObject } from "../../service";
import { endCall } from "../bigquery/spark-ends";
import { announce, recordsOf } from "../logging/arrivals";
import { endEntry } from "./batch-audit";
import { failureMessage } from "./batch-failure";
import { keepEventLogs, outputUri, tail } from "./batch-output";
import { isTerminal, operationMetadata, type State, withRuntimeInfo, withState } from "./batch-record";
import { type Run, runFolder } from "./batch-runs";
import { text } from "./workload-rules";

const BATCH_TYPE = "type.googleapis.com/google.cloud.dataproc.v1.Batch";
/** google.rpc.Code: how the operation of a batch that did not succeed ends. */
const CODE = { CANCELLED: 1, FAILED: 10 } as const;

export interface Outcome {
  state: State;
  message?: string;
}

/** What the end of its driver means for a batch. */
export async function outcomeOf(batch: JsonObject, run: Run, end: SparkEnd, cloud: Cloud): Promise<Outcome> {
  if (batch.state === "CANCELLING") return { state: "CANCELLED", message: text(batch.stateMessage) };
  if (end.exitCode === 0) return { state: "SUCCEEDED" };
  const file = cloud.engines.spark.driverOutput(runFolder(cloud, run.uuid));
  const output = (await attempt(cloud, run, "read driver output", () => tail(file))) ?? "";
  const [, project = "", , location = "", , id = ""] = run.batch.split("/");
  const named = { project, location, outputUri: outputUri(run.bucket, run.uuid), ...(!run.call && { id }) };
  return { state: "FAILED", message: failureMessage(named, end, output) };
}

/** Stores the outcome, answers the operation and forgets the run, in this order. */
export async function finish(cloud: Cloud, key: string, run: Run, outcome: Outcome): Promise<void> {
  const stored = await readBatch(cloud, run);
  const batch = isTerminal(stored.state) ? stored : await store(cloud, run, stored, outcome);
  await answer(cloud, run, batch);
  await cloud.store.write({ delete: [key] });
  await attempt(cloud, run, "tidy", () => cloud.engines.spark.tidy(runFolder(cloud, run.uuid)));
  cloud.log.info({ batch: run.batch, state: batch.state }, "batch ended");
}

export async function readBatch(cloud: Cloud, run: Run): Promise<JsonObject> {
  const batch = await cloud.store.get(run.batch);
  if (!batch) throw new Error(`run of ${run.batch}: the batch is not stored; expected it until its run is done.`);
  return batch;
}

async function store(cloud: Cloud, run: Run, batch: JsonObject, { state, message }: Outcome): Promise<JsonObject> {
  const { spark } = cloud.engines;
  const folder = runFolder(cloud, run.uuid);
  const now = cloud.now().toISOString();
  const logs = (await attempt(cloud, run, "find event logs", () => spark.eventLogs(folder))) ?? [];
  await attempt(cloud, run, "keep event logs", () => keepEventLogs(batch, run.bucket, logs, cloud));
  const usage = await attempt(cloud, run, "read usage", () => spark.usage(folder));
  const ended = withState(batch, state, now, message);
  const next = usage
    ? withRuntimeInfo(ended, {
        approximateUsage: {
          milliDcuSeconds: String(Math.round(usage.milliDcuSeconds)),
          shuffleStorageGbSeconds: String(Math.round(usage.shuffleStorageGbSeconds)),
          updateTime: now,
        },
      })
    : ended;
  // It is no batch of the project that runs for a procedure: its query job tells its end.
  const entries = run.call ? [] : [endEntry(next, CODE, cloud.project.id)];
  await cloud.store.write({ put: { [run.batch]: next, ...recordsOf(entries) } });
  announce(cloud, run.batch);
  return next;
}

async function answer(cloud: Cloud, run: Run, batch: JsonObject): Promise<void> {
  if (run.call) return endCall(cloud, run.call, batch);
  const operation = text(batch.operation);
  const pending = await cloud.operations.get(operation).catch((error: unknown) => {
    // A client may delete the operation of a batch that runs; then nobody waits for it.
    if (error instanceof ApiError && error.status === "NOT_FOUND") return { done: true };
    throw error;
  });
  if (pending.done === true) return;
  const metadata = operationMetadata(batch, run.warnings, text(batch.stateTime));
  if (batch.state === "SUCCEEDED") {
    await cloud.operations.finish(operation, { "@type": BATCH_TYPE, ...batch }, metadata);
    return;
  }
  const code = CODE[batch.state as keyof typeof CODE];
  await cloud.operations.fail(operation, { code, message: text(batch.stateMessage) }, metadata);
}

/** Side work must not keep a batch from ending; what went wrong is in the log. */
async function attempt<T>(cloud: Cloud, run: Run, what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    cloud.log.error({ err: error, batch: run.batch }, `failed to ${what}`);
    return undefined;
  }
}
