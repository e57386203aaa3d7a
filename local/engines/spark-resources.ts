/**
 * What a workload gets of this machine, from the sizes that it asks of Dataproc.
 *
 * On Dataproc a driver and several executors run in containers of their own; here one JVM is all of them. Honoured are
 * `spark.executor.cores` times `spark.executor.instances` as parallel tasks, and the larger of `spark.driver.memory` and
 * `spark.executor.memory` as heap, each with its `memoryOverhead` beside it; all are capped to the machine.
 */
import { availableParallelism, totalmem } from "node:os";
import type { SparkResources } from "./interface";

/** Sizes of this machine; tests give others. */
export interface Machine {
  cores: number;
  memoryMb: number;
}

/** Dataproc's defaults: 2 executors of 4 cores. Its default memory would fill a laptop, ours is enough for the lab. */
const DEFAULTS = { executorCores: 4, executorInstances: 2, heapMb: 2048 };
const MINIMUM_HEAP_MB = 512;
/** The Python driver beside the JVM, and one Python worker for each parallel task. */
const PYTHON_MB = 192;

export function thisMachine(): Machine {
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { cores: availableParallelism(), memoryMb: Math.floor(memory / 2 ** 20) };
}

/** What all workloads together may hold: a quarter of the memory, at least 2 GB, stays for everything else. */
export const capacityMb = ({ memoryMb }: Machine) =>
  Math.max(memoryMb - Math.max(2048, Math.floor(memoryMb / 4)), 1024);

export function sparkResources(properties: Readonly<Record<string, string>>, machine: Machine): SparkResources {
  const reduced: string[] = [];
  const cap = (what: string, wanted: number, most: number, unit: string) => {
    if (wanted > most) reduced.push(`${what}: asked for ${wanted}${unit}; this machine gives ${most}${unit}`);
    return Math.min(wanted, most);
  };
  const askedCores = number(properties["spark.executor.cores"]) ?? DEFAULTS.executorCores;
  const askedInstances = number(properties["spark.executor.instances"]) ?? DEFAULTS.executorInstances;
  const explicit = "spark.executor.cores" in properties || "spark.executor.instances" in properties;
  const cores = explicit
    ? cap("spark.executor.cores x spark.executor.instances", askedCores * askedInstances, machine.cores, "")
    : Math.min(askedCores * askedInstances, machine.cores);

  const asked = [properties["spark.driver.memory"], properties["spark.executor.memory"]]
    .map(megabytes)
    .filter(isNumber);
  const wantedHeap = asked.length > 0 ? Math.max(...asked) : DEFAULTS.heapMb;
  const heapMb = Math.max(
    MINIMUM_HEAP_MB,
    cap("spark.driver.memory", wantedHeap, Math.floor(machine.memoryMb / 2), "m"),
  );
  const overhead = Math.max(
    384,
    Math.ceil(heapMb / 10),
    ...[properties["spark.driver.memoryOverhead"], properties["spark.executor.memoryOverhead"]]
      .map(megabytes)
      .filter(isNumber),
  );
  const memoryMb = Math.min(heapMb + overhead + PYTHON_MB * (1 + cores), machine.memoryMb);
  return { cores, heapMb, memoryMb, reduced };
}

/** Sizes that are no sizes, one sentence each. */
export function sizeProblems(properties: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  const check = (suffixes: readonly string[], parse: (text?: string) => number | undefined, expected: string) => {
    for (const key of suffixes) {
      const value = properties[key];
      if (value !== undefined && !isNumber(parse(value))) problems.push(`${key}: got '${value}'; expected ${expected}`);
    }
  };
  check(["spark.driver.cores", "spark.executor.cores", "spark.executor.instances"], number, "a positive whole number");
  const memory = [
    "spark.driver.memory",
    "spark.executor.memory",
    "spark.driver.memoryOverhead",
    "spark.executor.memoryOverhead",
  ];
  check(memory, megabytes, "a size such as 2g or 9600m");
  return problems;
}

const isNumber = (value: number | undefined): value is number => value !== undefined;

function number(text?: string): number | undefined {
  return text !== undefined && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined;
}

/** Spark's byte strings; a bare number is mebibytes, as Spark reads memory sizes. */
function megabytes(text?: string): number | undefined {
  const match = /^(\d{1,9})([kmgt]?)b?$/i.exec(text?.trim() ?? "");
  if (!match) return undefined;
  const factor = { k: 1 / 1024, m: 1, g: 1024, t: 1024 * 1024 }[
    (match[2] || "m").toLowerCase() as "k" | "m" | "g" | "t"
  ];
  const value = Math.floor(Number(match[1]) * factor);
  return value > 0 ? value : undefined;
}
