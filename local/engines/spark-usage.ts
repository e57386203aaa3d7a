/**
 * What a workload used, from its Spark event log.
 *
 * DCU: every task holds `spark.task.cpus` cores, and with each its share of the heap, for its executor run time; a core
 * weighs 0.6 DCU and a gigabyte 0.1 (0.2 above 8 GB per core), as Google's price list says. Idle executors and the
 * driver, which Google bills too, are not work and are not counted: the figure is the work that was done.
 * Shuffle: the bytes of each task's shuffle output, from its finish to the end of the application.
 */
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { SparkResources, SparkUsage } from "./interface";

const CORE_DCU = 0.6;
const GB_DCU = 0.1;
const GB_DCU_ABOVE = 0.2;
const GB_PER_CORE_AT_BASE_PRICE = 8;

/** DCU of one core with its share of memory. */
export function dcuPerCore(gbPerCore: number): number {
  const base = Math.min(gbPerCore, GB_PER_CORE_AT_BASE_PRICE);
  return CORE_DCU + base * GB_DCU + (gbPerCore - base) * GB_DCU_ABOVE;
}

export function milliDcu({ cores, heapMb }: SparkResources): number {
  return cores * dcuPerCore(heapMb / 1024 / cores) * 1000;
}

/** Sums the applications of a workload: a driver may start more than one session. */
export async function readUsage(logs: readonly string[], resources: SparkResources): Promise<SparkUsage> {
  const total: SparkUsage = { milliDcuSeconds: 0, shuffleStorageGbSeconds: 0, shuffleStorageGb: 0 };
  const weight = dcuPerCore(resources.heapMb / 1024 / resources.cores) * 1000;
  for (const file of logs) {
    const application = await readApplication(file);
    total.milliDcuSeconds += application.coreSeconds * weight;
    total.shuffleStorageGbSeconds += application.shuffleGbSeconds;
    total.shuffleStorageGb += application.shuffleGb;
  }
  return total;
}

/** Event log files in a folder; one that Spark still writes ends with `.inprogress`. */
export async function eventLogs(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  return names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => join(folder, name));
}

interface Event {
  Event: string;
  Timestamp?: number;
  "Spark Properties"?: Record<string, string>;
  "Task Info"?: { "Finish Time": number };
  "Task Metrics"?: { "Executor Run Time": number; "Shuffle Write Metrics"?: { "Shuffle Bytes Written": number } };
}

async function readApplication(file: string) {
  let taskMs = 0;
  let taskCpus = 1;
  let latest = 0;
  const shuffles: { bytes: number; at: number }[] = [];
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    const event = parse(line);
    if (event?.Event === "SparkListenerEnvironmentUpdate") {
      taskCpus = Number(event["Spark Properties"]?.["spark.task.cpus"] ?? 1);
    } else if (event?.Event === "SparkListenerTaskEnd") {
      const finish = event["Task Info"]?.["Finish Time"] ?? 0;
      latest = Math.max(latest, finish);
      taskMs += event["Task Metrics"]?.["Executor Run Time"] ?? 0;
      const bytes = event["Task Metrics"]?.["Shuffle Write Metrics"]?.["Shuffle Bytes Written"] ?? 0;
      if (bytes > 0) shuffles.push({ bytes, at: finish });
    } else if (event?.Event === "SparkListenerApplicationEnd") {
      latest = Math.max(latest, event.Timestamp ?? 0);
    }
  }
  const gb = (bytes: number) => bytes / 2 ** 30;
  return {
    coreSeconds: (taskMs / 1000) * taskCpus,
    shuffleGb: shuffles.reduce((sum, { bytes }) => sum + gb(bytes), 0),
    shuffleGbSeconds: shuffles.reduce((sum, { bytes, at }) => sum + (gb(bytes) * (latest - at)) / 1000, 0),
  };
}

const READ = /^\{"Event":"SparkListener(EnvironmentUpdate|TaskEnd|ApplicationEnd)"/;

/** The last line of a log that is still written, or whose driver was killed, may be cut off: it is not an event yet. */
function parse(line: string): Event | undefined {
  if (!READ.test(line)) return undefined;
  try {
    return JSON.parse(line) as Event;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
