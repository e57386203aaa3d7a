/** Spark behind BigQuery's stored procedures: runs as batches do, in the same queue, and is no batch of the project. */
import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { Call, JsonObject } from "../../service";
import { checkBatch } from "./batch-checks";
import { listRuns, type ProcedureCall, runFolder } from "./batch-runs";
import { runnerOf } from "./batch-runner";
import { storeBatch } from "./batches";
import { objectAt } from "./workload-rules";

export interface SparkJob {
  location: string;
  /** The work as a batch's request. */
  sent: JsonObject;
  /** The program itself, where it lies in no bucket. */
  program?: string;
  call: ProcedureCall;
}

const COLLECTION = "sparkJobs";

/** Throws INVALID_ARGUMENT with every problem of the work. */
export function checkSparkJob({ sent, program }: Pick<SparkJob, "sent" | "program">, cloud: Cloud): void {
  const work = objectAt(sent, "pysparkBatch");
  // The same rules as a batch's, for which a program is a file of a bucket.
  const file = program === undefined ? (work.mainPythonFileUri ?? "") : "gs://definition/body.py";
  checkBatch({ ...sent, pysparkBatch: { ...work, mainPythonFileUri: file } }, { query: {} } as Call, cloud);
}

/** Stores the work, unless the same call has stored it before; it waits until `scheduleSparkJobs`. */
export async function storeSparkJob(job: SparkJob, cloud: Cloud): Promise<JsonObject> {
  const { project, request, caller } = job.call;
  const id = idOf(job.call);
  const name = `projects/${project}/locations/${job.location}/${COLLECTION}/${id}`;
  const known = await cloud.store.get(name);
  if (known) return known;
  const sent = job.program === undefined ? job.sent : await withProgram(job.sent, runFolder(cloud, id), job.program);
  const { jobId } = objectAt(request, "jobReference");
  cloud.log.info({ job: textOf(jobId), sparkJob: id }, "stored procedure called");
  const place = { project, location: job.location, collection: COLLECTION, id, uuid: id, operation: "" };
  return storeBatch({ ...place, sent, creator: caller }, { call: job.call }, cloud);
}

export const scheduleSparkJobs = (cloud: Cloud) => runnerOf(cloud).schedule();

/** Begins to end what runs for a query job, if something does. */
export async function cancelSparkJob(jobId: string, reason: string, cloud: Cloud): Promise<boolean> {
  const runs = await listRuns(cloud);
  const found = runs.find(({ run }) => run.call && objectAt(run.call.request, "jobReference").jobId === jobId);
  if (found) await runnerOf(cloud).cancel(found.run.batch, reason);
  return found !== undefined;
}

/** Forgets what ran for a query job. */
export async function removeSparkJob(name: string, cloud: Cloud): Promise<void> {
  const found = await cloud.store.get(name);
  if (!found) return;
  await cloud.store.write({ delete: [name] });
  await rm(runFolder(cloud, textOf(found.uuid)), { recursive: true, force: true });
}

/** By the query job, so that a call that is sent again means the same work; in the form of a UUID, as Google's are. */
function idOf({ project, request }: ProcedureCall): string {
  const { location, jobId } = objectAt(request, "jobReference");
  const digest = createHash("sha256")
    .update(`${project}:${textOf(location)}.${textOf(jobId)}`)
    .digest("hex");
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}

async function withProgram(sent: JsonObject, folder: string, program: string): Promise<JsonObject> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "procedure.py");
  await writeFile(file, program, { mode: 0o600 });
  const work = { ...objectAt(sent, "pysparkBatch"), mainPythonFileUri: pathToFileURL(file).href };
  return { ...sent, pysparkBatch: work };
}
