/** Runs the BigQuery engine: one process with its data in the lab's folder, started when it is asked for. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BigQueryAddress, BigQueryEngine } from "./interface";

export interface BigQueryEngineOptions {
  /** Interpreter of the environment `bigquery`. */
  python: string;
  /** HOME of the process: what libraries keep there stays in the tools folder. */
  home: string;
  /** Folder of the engine's data: `<lab>/cloud/bigquery`. */
  folder: string;
  project: string;
  /** Where jobs run that do not say. */
  location: string;
  /** What DuckDB may hold in memory; it spills to disk beyond. Python itself takes about 250 MB. */
  memoryMb?: number;
}

/** A start that takes longer is a failed one: the process is ended and its log quoted. */
const START_MS = 120_000;
/** Running transactions are undone when the engine stops; this long may it take. */
const STOP_MS = 15_000;

interface Running {
  child: ChildProcess;
  address: BigQueryAddress;
}

export function createBigQueryEngine(options: BigQueryEngineOptions): BigQueryEngine {
  let running: Promise<Running> | undefined;
  const start = () => {
    if (running) return running;
    const starting = launch(options);
    running = starting;
    const forget = () => {
      if (running === starting) running = undefined;
    };
    // One that has ended, or never began, is started anew by the next request.
    starting.then(({ child }) => (hasEnded(child) ? forget() : child.once("exit", forget)), forget);
    return starting;
  };
  return {
    start: async () => (await start()).address,
    stop: async () => {
      const stopping = running;
      running = undefined;
      if (stopping) await end((await stopping).child);
    },
  };
}

async function launch(options: BigQueryEngineOptions): Promise<Running> {
  const { python, home, folder, project, location, memoryMb = defaultMemoryMb() } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logFile = join(folder, "engine.log");
  const log = openSync(logFile, "w", 0o600);
  const child = spawn(python, ["-m", "bigquery_server"], {
    env: environment(home),
    stdio: ["pipe", "pipe", log],
  });
  closeSync(log);
  const token = randomBytes(32).toString("base64url");
  // On standard input: neither the command line nor the environment shows the token. It stays open while we live.
  child.stdin!.on("error", () => undefined);
  child.stdin!.write(`${JSON.stringify({ folder, token, project, location, memoryMb, threads: 2 })}\n`);
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS);
  try {
    const line = await Promise.race([firstLine(child), failure(child)]);
    return { child, address: { ...(JSON.parse(line) as { rest: string; grpc: string }), token, pid: child.pid! } };
  } catch (error) {
    throw new Error(`BigQuery engine (${python}): ${(error as Error).message}. ${tail(logFile)}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Only what Python needs: no proxy, no credentials. */
function environment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: home,
    LANG: "C.UTF-8",
    PYTHONPATH: __dirname,
    // Beside the libraries, not in the lab: compiling them takes seconds and is the same for every lab.
    PYTHONPYCACHEPREFIX: join(home, "pycache"),
  };
}

const defaultMemoryMb = () => Math.max(512, Math.min(2048, Math.floor(totalmem() / 2 ** 20 / 8)));

async function firstLine(child: ChildProcess): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, "line")) as [string];
  return line;
}

async function failure(child: ChildProcess): Promise<never> {
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  throw new Error(`ended before it was ready (${signal ?? `exit code ${code}`})`);
}

function tail(logFile: string): string {
  const lines = readFileSync(logFile, "utf8").trim().split("\n").slice(-5).join("\n");
  return `Its log ${logFile} ends with:\n${lines}`;
}

const hasEnded = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.stdin!.end();
  await ended;
  clearTimeout(timer);
}
