/** Airflow's REST API at the address of a Composer environment, with the caller's own credentials. */
import { GoogleAuth } from "google-auth-library";
import { listAll } from "./google";
import { UserError } from "./lab";
import type { StackOutputs } from "./deployed";

export interface Dag {
  dag_id: string;
  description: string | null;
  is_paused: boolean;
}
export interface ImportError {
  filename: string;
  stack_trace: string;
}
export interface DagRun {
  dag_run_id: string;
  state: string;
  start_date?: string | null;
}
export interface TaskInstance {
  task_id: string;
  state: string | null;
  try_number: number;
  start_date?: string | null;
  duration: number | null;
}

export interface Airflow {
  dags: () => Promise<Dag[]>;
  importErrors: () => Promise<ImportError[]>;
  /** Undefined when Airflow does not know it (yet). */
  dag: (id: string) => Promise<Dag | undefined>;
  unpause: (id: string) => Promise<void>;
  trigger: (id: string, conf: object) => Promise<DagRun>;
  run: (id: string, run: string) => Promise<DagRun | undefined>;
  newestRun: (id: string) => Promise<DagRun | undefined>;
  tasks: (id: string, run: string) => Promise<TaskInstance[]>;
  /** Text of one attempt of a task. */
  log: (id: string, run: string, task: TaskInstance) => Promise<string>;
}

/** What stands for a server that is not there or not yet. */
const AWAY = new Set([502, 503, 504]);

interface Environment {
  name: string;
  labels?: Record<string, string>;
  config: { airflowUri: string };
}

/** How long a first request may wait for an Airflow that starts. */
export const START_MS = 330_000;

/** Airflow, or the cloud before it, gave no answer: it may start again, and its runs go on then. */
export class AirflowAway extends UserError {}

/** The Airflow of a stack. @throws UserError when the stack has none */
export async function airflowOf(outputs: StackOutputs): Promise<Airflow> {
  const url = `https://composer.googleapis.com/v1/projects/${outputs.project}/locations/${outputs.region}/environments`;
  const all = await listAll<Environment>(url, "environments");
  const found = all.find(({ labels }) => labels?.environment === outputs.environment);
  if (!found)
    throw new UserError(
      `Stack "${outputs.environment}": got no Composer environment; expected one. Switch the feature composer on: npx sparklab up -c composer=true`,
    );
  return airflowAt(found.config.airflowUri);
}

function airflowAt(address: string): Airflow {
  const auth = new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });
  const call = async <T>(method: "GET" | "POST" | "PATCH", path: string, data?: object): Promise<T | undefined> => {
    const client = await auth.getClient();
    const request = { method, url: `${address}/api/v2/${path}`, timeout: START_MS, validateStatus: () => true };
    const answer = await client.request<T>({ ...request, ...(data && { data }) }).catch((error: Error) => {
      throw new AirflowAway(`Airflow: ${method} ${path}: got no answer: ${error.message}. npx sparklab status`);
    });
    if (answer.status === 404) return undefined;
    if (answer.status < 300) return answer.data;
    const Problem = AWAY.has(answer.status) ? AirflowAway : UserError;
    throw new Problem(`Airflow: ${method} ${path}: got ${answer.status}: ${textOf(answer.data)}`);
  };
  const must = async <T>(method: "GET" | "POST" | "PATCH", path: string, data?: object): Promise<T> => {
    const answer = await call<T>(method, path, data);
    if (answer === undefined) throw new UserError(`Airflow: ${method} ${path}: not found. npx sparklab dag list`);
    return answer;
  };
  const runs = (id: string) => `dags/${encodeURIComponent(id)}/dagRuns`;
  const run = (id: string, name: string) => `${runs(id)}/${encodeURIComponent(name)}`;
  return {
    dags: async () => (await must<{ dags: Dag[] }>("GET", "dags?limit=1000&order_by=dag_id")).dags,
    importErrors: async () =>
      (await must<{ import_errors: ImportError[] }>("GET", "importErrors?limit=1000")).import_errors,
    dag: (id) => call<Dag>("GET", `dags/${encodeURIComponent(id)}`),
    unpause: async (id) => void (await must("PATCH", `dags/${encodeURIComponent(id)}`, { is_paused: false })),
    trigger: (id, conf) => must<DagRun>("POST", runs(id), { logical_date: null, conf }),
    run: (id, name) => call<DagRun>("GET", run(id, name)),
    newestRun: async (id) =>
      (await must<{ dag_runs: DagRun[] }>("GET", `${runs(id)}?limit=1&order_by=-run_after`)).dag_runs[0],
    tasks: async (id, name) =>
      (await must<{ task_instances: TaskInstance[] }>("GET", `${run(id, name)}/taskInstances?limit=1000`))
        .task_instances,
    log: async (id, name, { task_id, try_number }) => {
      const path = `${run(id, name)}/taskInstances/${encodeURIComponent(task_id)}/logs/${Math.max(1, try_number)}`;
      const answer = await call<{ content: (string | LogLine)[] }>("GET", path);
      return (answer?.content ?? []).map(lineOf).filter(Boolean).join("\n");
    },
  };
}

interface LogLine {
  timestamp?: string | null;
  level?: string;
  event: string;
  error_detail?: { exc_type: string; exc_value: string }[];
}

/** What a task said; marks that only group lines in Airflow's page say nothing here. */
function lineOf(line: string | LogLine): string {
  if (typeof line === "string") return line;
  const { timestamp, level = "info", event, error_detail = [] } = line;
  if (!timestamp || event.startsWith("::")) return "";
  const errors = error_detail.map(({ exc_type, exc_value }) => `\n  ${exc_type}: ${exc_value}`).join("");
  return `${timestamp.slice(11, 19)} ${level.padEnd(7)} ${event}${errors}`;
}

const textOf = (data: unknown) => {
  const { detail, error } = (data ?? {}) as { detail?: unknown; error?: { message?: string } };
  return error?.message ?? JSON.stringify(detail ?? data);
};
