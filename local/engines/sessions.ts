/** What Jupyter is for: sessions, a spark-submit whose program is a Jupyter server on loopback, and batches of a notebook. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type {
  NotebookWorkload,
  SessionActivity,
  SessionEngine,
  SessionWorkload,
  SparkEngine,
  SparkRun,
} from "./interface";
import type { Tools } from "./tools";

const SERVER = join(__dirname, "session_server.py");
const BATCH = join(__dirname, "notebook_batch.py");
/** Between two looks whether the server listens. */
const LOOK_MS = 50;
const ANSWER_MS = 5000;

/** Where the server's token lies, readable by this user alone; whoever opens a session reads it here. */
export const tokenFile = (folder: string) => join(folder, "token");

export function createSessionEngine(tools: Tools, spark: SparkEngine): SessionEngine {
  const { notebooks } = tools.python;
  return {
    problem: () =>
      existsSync(notebooks) ? undefined : "Jupyter is not installed for notebooks yet. npx sparklab notebook",
    start: (workload) => start(workload, notebooks, spark),
    execute: (workload) => execute(workload, notebooks, spark),
    attach: spark.attach,
    endpoint,
    activity,
  };
}

async function start(workload: SessionWorkload, interpreter: string, spark: SparkEngine): Promise<SparkRun> {
  const { id, folder, properties, metadataHost, door } = workload;
  await writeFile(tokenFile(folder), randomBytes(24).toString("base64url"), { mode: 0o600, flush: true });
  return spark.submit({
    ...{ id, folder, properties, metadataHost, door, interpreter },
    mainPythonFileUri: SERVER,
    args: [folder, workload.displayName, String(workload.ttlSeconds)],
    ...{ pythonFileUris: [], jarFileUris: [], fileUris: [], archiveUris: [] },
    environment: await jupyterEnvironment(folder),
  });
}

async function execute(workload: NotebookWorkload, interpreter: string, spark: SparkEngine): Promise<SparkRun> {
  const { notebookFileUri, parameters, executedUri, ...same } = workload;
  return spark.submit({
    ...same,
    interpreter,
    mainPythonFileUri: BATCH,
    args: [workload.folder, notebookFileUri, executedUri, JSON.stringify(parameters)],
    environment: await jupyterEnvironment(workload.folder),
  });
}

/** All of Jupyter's files are in the workload's own folder. */
async function jupyterEnvironment(folder: string): Promise<Record<string, string>> {
  const at = layout(folder);
  await mkdir(at.runtime, { recursive: true, mode: 0o700 });
  return {
    JUPYTER_RUNTIME_DIR: at.runtime,
    JUPYTER_DATA_DIR: at.data,
    JUPYTER_CONFIG_DIR: join(at.data, "config"),
    IPYTHONDIR: join(at.data, "ipython"),
    // Plots are drawn for the notebook, wherever it is looked at.
    MPLBACKEND: "module://matplotlib_inline.backend_inline",
    MPLCONFIGDIR: join(at.data, "matplotlib"),
  };
}

const layout = (folder: string) => ({ runtime: join(folder, "runtime"), data: join(folder, "jupyter") });

async function endpoint(folder: string, run: SparkRun): Promise<string | undefined> {
  let over = false;
  const end = run.ended.then(() => (over = true));
  while (!over) {
    const url = await recordedUrl(folder);
    if (url) return url;
    await Promise.race([delay(LOOK_MS), end]);
  }
  return undefined;
}

/** Jupyter records its server under its process id, once it listens. */
async function recordedUrl(folder: string): Promise<string | undefined> {
  const { runtime } = layout(folder);
  const record = (await readdir(runtime)).find((name) => /^jpserver-\d+\.json$/.test(name));
  if (record === undefined) return undefined;
  const text = await readFile(join(runtime, record), "utf8");
  // Not written in one: it may be seen before it is whole.
  return /"url": "([^"]+)"/.exec(text)?.[1];
}

async function activity(folder: string): Promise<SessionActivity | undefined> {
  const url = await recordedUrl(folder);
  if (url === undefined) return undefined;
  const headers = { authorization: `token ${await readFile(tokenFile(folder), "utf8")}` };
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}api/${path}?no_track_activity=1`, {
      headers,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!answer.ok) throw new Error(`Jupyter's ${path}: got status ${answer.status}; expected 200.`);
    return answer.json();
  };
  const status = (await ask("status")) as { last_activity: string };
  const kernels = (await ask("kernels")) as { execution_state: string; last_activity: string }[];
  return {
    at: Math.max(...[status, ...kernels].map((one) => Date.parse(one.last_activity))),
    busy: kernels.some(({ execution_state: state }) => state === "busy" || state === "starting"),
  };
}
