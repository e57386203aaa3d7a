/** One process group per workload that outlives the cloud: started detached, found again by its records, ended whole. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { startedAt } from "../process";
import type { SparkEnd, SparkRun } from "./interface";

const RECORDER = join(__dirname, "spark_process.py");
/** How long a group may take to end by itself after SIGTERM. */
const GRACE_MS = 10_000;
/** A process that is not our child cannot be awaited: it is looked at this often. */
const LOOK_MS = 250;

export interface Command {
  /** Interpreter that runs the recorder. */
  python: string;
  folder: string;
  argv: readonly string[];
  environment: Readonly<Record<string, string>>;
  workingFolder: string;
  /** File that gets stdout, and stderr unless that has a file of its own. */
  output: string;
  errors?: string;
}

interface Identity {
  pid: number;
  started: string;
}

/** Starts a command in a session of its own; resolves once its identity is on disk. */
export async function start(command: Command): Promise<SparkRun> {
  const log = openSync(command.output, "a", 0o600);
  const errors = command.errors === undefined ? log : openSync(command.errors, "a", 0o600);
  const child = spawn(command.python, ["-I", RECORDER, command.folder, ...command.argv], {
    cwd: command.workingFolder,
    env: command.environment,
    detached: true,
    stdio: ["ignore", log, errors, "pipe"],
  });
  for (const file of new Set([log, errors])) closeSync(file);
  const ended = new Promise<SparkEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () => resolve(endOf(command.folder)));
  });
  const ready = once(child.stdio[3] as Readable, "data");
  // Whichever of the two is late is nobody's business any more.
  ready.catch(() => undefined);
  ended.catch(() => undefined);
  await Promise.race([ready, ended]);
  // A cloud that was killed may have started the command just before: then that one is the run, and ours has ended.
  const identity = readRecord<Identity>(command.folder, "process.json");
  if (identity && identity.pid !== child.pid) return attach(command.folder)!;
  return run(child.pid as number, () => child.exitCode === null && child.signalCode === null, ended);
}

/** The run that a folder's records tell of: alive, ended, or vanished. Undefined if none was ever started. */
export function attach(folder: string): SparkRun | undefined {
  const identity = readRecord<Identity>(folder, "process.json");
  if (!identity) return undefined;
  const isAlive = () => startedAt(identity.pid) === identity.started;
  return run(identity.pid, isAlive, lookUntilEnd(folder, isAlive));
}

function run(pid: number, isAlive: () => boolean, recorded: Promise<SparkEnd>): SparkRun {
  let over = false;
  const ended = recorded.then((end) => {
    over = true;
    // The recorder may have been killed alone: what it started must not go on unseen. No other process can have its id
    // while members of its group live, so that this never hits a stranger.
    if (startedAt(pid) === undefined) signalGroup(pid, "SIGKILL");
    return end;
  });
  ended.catch(() => undefined);
  const stop = async () => {
    if (over) return;
    // One that ended unseen has no id any more: by now it may be a stranger's.
    if (!isAlive()) return void (await ended);
    signalGroup(pid, "SIGTERM");
    const killer = setTimeout(() => signalGroup(pid, "SIGKILL"), GRACE_MS);
    await ended.finally(() => clearTimeout(killer));
  };
  return { pid, ended, stop };
}

async function lookUntilEnd(folder: string, isAlive: () => boolean): Promise<SparkEnd> {
  while (isAlive()) await delay(LOOK_MS);
  return endOf(folder);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function endOf(folder: string): SparkEnd {
  const { exitCode = null, signal = null } = readRecord<SparkEnd>(folder, "exit.json") ?? {};
  return { exitCode, signal };
}

/** Records are written whole or not at all, so that one that is there can be parsed. */
function readRecord<T>(folder: string, name: string): T | undefined {
  const text = readOptional(join(folder, name));
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

function readOptional(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
