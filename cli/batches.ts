/** Batches of managed Spark through Google's own client: submitted, followed with states and driver output. */
import { v1, protos } from "@google-cloud/dataproc";
import { Storage } from "@google-cloud/storage";
import { setTimeout as pause } from "node:timers/promises";
import type { Job } from "./catalogue";
import { fillArguments } from "./catalogue";
import type { StackOutputs } from "./deployed";

type Batch = protos.google.cloud.dataproc.v1.IBatch;

/** What a follower learns while a batch lives. */
export interface BatchEvents {
  state: (state: string, message: string) => void;
  output: (text: string) => void;
}

export interface BatchResult {
  name: string;
  state: string;
  message: string;
  /** `gs://` address that the parts of the driver's output begin with. */
  outputUri: string;
  /** Seconds from creation to the end, as the service recorded them. */
  seconds: number;
  milliDcuSeconds: number;
}

/** gRPC status of a batch id that is already used, and of one that is not. */
const [ALREADY_EXISTS, NOT_FOUND] = [6, 5];
/** How often a living batch is looked at; Google's own clients look every half second to five seconds. */
const LOOK_EVERY_MS = 1000;
const ENDED_BADLY = new Set(["FAILED", "CANCELLED"]);
const TERMINAL = new Set(["SUCCEEDED", ...ENDED_BADLY]);

/** The request of one catalogue job in one stack: the same on Google Cloud and here. */
export function batchOf(job: Job, outputs: StackOutputs, settings: Readonly<Record<string, string>>): Batch {
  const { runtimeConfig, environmentConfig } = outputs.spark.batch;
  return {
    labels: { job: labelOf(job.name), environment: outputs.environment, commit: outputs.commit },
    pysparkBatch: {
      mainPythonFileUri: `${outputs.code}/${job.main}`,
      pythonFileUris: [`${outputs.code}/sparklab.zip`],
      args: fillArguments(job, settings),
    },
    runtimeConfig: { ...runtimeConfig, properties: job.properties },
    environmentConfig,
  };
}

/** As it may stand in a label. */
const labelOf = (job: string) => job.replaceAll("_", "-");

/** Id of a job's batch in one pipeline run: a repeat of the run finds the same batch. */
export function batchId(job: Job, pipelineId: string): string {
  return `${job.name}-${pipelineId}`.replaceAll("_", "-").toLowerCase();
}

/** How long the job's newest batch that went well took; undefined if there is none. */
export async function lastSeconds(outputs: StackOutputs, job: string): Promise<number | undefined> {
  return withClient(outputs, async (client, parent) => {
    const filter = `labels.job=${labelOf(job)} AND state=SUCCEEDED`;
    const query = { parent, filter, orderBy: "create_time desc", pageSize: 1 };
    const [[batch]] = await client.listBatches(query, { autoPaginate: false });
    return batch && resultOf(batch, String(batch.state)).seconds;
  });
}

/**
 * The id to run under: a batch that lives or went well is the one that is meant; after one that ended badly, another.
 * @param stateOf undefined for a batch that is not there
 */
export async function nextAttempt(id: string, stateOf: (id: string) => Promise<string | undefined>): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const tried = attempt === 1 ? id : `${id}-${attempt}`;
    const state = await stateOf(tried);
    if (state === undefined || !ENDED_BADLY.has(state)) return tried;
  }
}

/**
 * Submits a batch and follows it to its end. A batch of that id that exists already is followed, not repeated, unless it
 * had ended badly before: then it is tried once more under an id of its own.
 * @throws Error only when the service cannot be asked; a failed batch is a result.
 */
export async function runBatch(
  outputs: StackOutputs,
  id: string,
  batch: Batch,
  events: BatchEvents,
): Promise<BatchResult> {
  return withClient(outputs, async (client, parent) => {
    const attempt = await nextAttempt(id, async (tried) => {
      const found = await client.getBatch({ name: `${parent}/batches/${tried}` }).catch((error: { code?: number }) => {
        if (error.code !== NOT_FOUND) throw error;
        return undefined;
      });
      return found && String(found[0].state);
    });
    await client.createBatch({ parent, batchId: attempt, batch }).catch((error: { code?: number }) => {
      if (error.code !== ALREADY_EXISTS) throw error;
    });
    return follow(client, `${parent}/batches/${attempt}`, events);
  });
}

/** Follows a batch that was submitted otherwise to its end. */
export function followBatch(outputs: StackOutputs, id: string, events: BatchEvents): Promise<BatchResult> {
  return withClient(outputs, (client, parent) => follow(client, `${parent}/batches/${id}`, events));
}

async function withClient<T>(
  { region, project }: StackOutputs,
  work: (client: v1.BatchControllerClient, parent: string) => Promise<T>,
): Promise<T> {
  const client = new v1.BatchControllerClient({ apiEndpoint: `${region}-dataproc.googleapis.com` });
  try {
    return await work(client, `projects/${project}/locations/${region}`);
  } finally {
    await client.close();
  }
}

async function follow(client: v1.BatchControllerClient, name: string, events: BatchEvents): Promise<BatchResult> {
  const output = new DriverOutput();
  for (let last = ""; ; await pause(LOOK_EVERY_MS)) {
    const [batch] = await client.getBatch({ name });
    const state = String(batch.state);
    if (state !== last) events.state(state, batch.stateMessage ?? "");
    last = state;
    await output.read(batch.runtimeInfo?.outputUri, events.output);
    if (TERMINAL.has(state)) return resultOf(batch, state);
  }
}

function resultOf(batch: Batch, state: string): BatchResult {
  return {
    name: batch.name ?? "",
    state,
    message: batch.stateMessage ?? "",
    outputUri: batch.runtimeInfo?.outputUri ?? "",
    seconds: Number(batch.stateTime?.seconds ?? 0) - Number(batch.createTime?.seconds ?? 0),
    milliDcuSeconds: Number(batch.runtimeInfo?.approximateUsage?.milliDcuSeconds ?? 0),
  };
}

/** The driver's output so far: the parts that Dataproc writes below `outputUri`, each byte read once. */
export class DriverOutput {
  private readonly storage = new Storage();
  private seen = 0;

  async read(outputUri: string | null | undefined, onText: (text: string) => void): Promise<void> {
    const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(outputUri ?? "");
    if (!match) return;
    const [files] = await this.storage.bucket(match[1]!).getFiles({ prefix: match[2]! });
    let before = 0;
    for (const file of files) {
      const size = Number(file.metadata.size);
      if (before + size > this.seen) {
        const [bytes] = await file.download({ start: Math.max(0, this.seen - before) });
        onText(bytes.toString("utf8"));
        this.seen = Math.max(this.seen, before) + bytes.length;
      }
      before += size;
    }
  }
}
