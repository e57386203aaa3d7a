/**
 * Real Airflow 3 for Composer's environments: a live scheduler, DAG processor and API server each, over a database and a
 * folder of DAGs of their own. The API listens on loopback and answers to tokens that only its own keys sign.
 */
import jwt from "jsonwebtoken";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { airflowCommand, airflowLayout, airflowVariables, prepareHome } from "./airflow-home";
import { Parts, stopEarlierParts, type Part } from "./airflow-parts";
import type { AirflowEngine, AirflowEnvironment, AirflowRun, SparkRun } from "./interface";
import { attach, start as startProcess } from "./spark-process";
import type { Tools } from "./tools";

const START_MS = 300_000;
/** Between two questions whether it answers. */
const LOOK_MS = 200;
/** A token is made for each request. */
const TOKEN_SECONDS = 60;

export function createAirflowEngine({ python: { airflow: python } }: Tools): AirflowEngine {
  return {
    problem: () =>
      existsSync(python) ? undefined : `Airflow is not installed (${python}). node local/setup/add.mjs airflow`,
    dags: (folder) => airflowLayout(folder).dags,
    logs: (folder) => airflowLayout(folder).logs,
    start: (environment) => start(environment, python),
    stopEarlier: (folder) => stopEarlierParts(airflowLayout(folder).parts),
    command: (environment, words, folder) => command(environment, words, folder, python),
    attachCommand: attach,
  };
}

async function start(environment: AirflowEnvironment, python: string): Promise<AirflowRun> {
  const at = airflowLayout(environment.folder);
  const port = await freePort();
  const secrets = await prepareHome(environment, python, port);
  const parts = new Parts({
    folder: at.parts,
    parts: partsOf(environment),
    python,
    command: (words) => airflowCommand(python, words),
    environment: airflowVariables(environment),
    workingFolder: at.temporary,
  });
  try {
    await healthy(port, parts);
  } catch (error) {
    await parts.stop();
    throw error;
  }
  const authorization = (user: string) => {
    const options = { algorithm: "HS512", audience: "apache-airflow", expiresIn: TOKEN_SECONDS, notBefore: 0 } as const;
    // Composer gives whoever may use an environment this role.
    return `Bearer ${jwt.sign({ sub: user, role: "OP" }, secrets.tokens, options)}`;
  };
  return { port, authorization, ended: parts.ended, stop: () => parts.stop() };
}

const partsOf = ({ triggerer }: AirflowEnvironment): Part[] => [
  "api",
  "scheduler",
  "dag-processor",
  ...(triggerer ? (["triggerer"] as const) : []),
];

/** Waits until the API answers and scheduler and DAG processor have told it that they live. */
async function healthy(port: number, parts: Parts): Promise<void> {
  const ended = parts.ended.then((reason) => {
    throw new Error(reason ?? "Airflow was stopped while it started");
  });
  ended.catch(() => undefined);
  for (const last = Date.now() + START_MS; Date.now() < last;) {
    if (await Promise.race([isHealthy(port), ended])) return;
    await Promise.race([delay(LOOK_MS), ended]);
  }
  throw new Error(`Airflow did not answer within ${START_MS / 1000} s`);
}

async function isHealthy(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v2/monitor/health`).catch(() => undefined);
  if (!answer?.ok) return false;
  const health = (await answer.json()) as Record<string, { status: string | null } | undefined>;
  return ["metadatabase", "scheduler", "dag_processor"].every((part) => health[part]?.status === "healthy");
}

/** One of Airflow's own commands over the same database and DAGs; its output lies in `output` of the folder. */
async function command(
  environment: AirflowEnvironment,
  words: readonly string[],
  folder: string,
  python: string,
): Promise<SparkRun> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return startProcess({
    ...{ python, folder, argv: airflowCommand(python, words), output: join(folder, "output") },
    environment: { ...airflowVariables(environment), AIRFLOW__LOGGING__LOGGING_LEVEL: "WARNING", COLUMNS: "200" },
    workingFolder: airflowLayout(environment.folder).temporary,
  });
}

/** The scheduler's tasks must know the API's port before it is open. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
