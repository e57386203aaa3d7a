/** DAGs of the stack's Airflow: listed with what is wrong, started and followed, looked at again. */
import { setTimeout as pause } from "node:timers/promises";
import {
  AirflowAway,
  airflowOf,
  START_MS,
  type Airflow,
  type Dag,
  type DagRun,
  type ImportError,
  type TaskInstance,
} from "../airflow";
import { asClient, type Context } from "../context";
import { readOutputs } from "../deployed";
import { UserError } from "../lab";
import { install } from "../on-demand";
import type { DagRequest } from "../requests";
import { bad, duration, faint, good, heading, table } from "../terminal";

/** How often Airflow is asked, and how long a DAG that was just uploaded may take to be parsed. */
const LOOK_EVERY_MS = 1000;
const PARSE_MS = 180_000;
/** After so many looks at which nothing new was parsed, a DAG that is not there will not come. */
const QUIET_LOOKS = 5;
const FINISHED = new Set(["success", "failed"]);
/** States of a task that will not change any more. */
const SETTLED = new Set(["success", "failed", "upstream_failed", "skipped", "removed"]);

export async function dag(request: DagRequest, context: Context): Promise<number> {
  const conf = request.action === "run" ? confOf(request.conf) : {};
  const installed = await install("airflow", request.stack, context);
  if (installed !== 0) return installed;
  return asClient(context, request.stack, async () => {
    const outputs = await readOutputs(context.lab, request.stack);
    const airflow = await airflowOf(outputs);
    switch (request.action) {
      case "list":
        return list(airflow, request.json, context);
      case "run":
        return run(airflow, request, conf, context);
      case "logs":
        return logs(airflow, request, context);
    }
  });
}

function confOf(text: string | undefined): object {
  if (text === undefined) return {};
  const refused = new UserError(`--conf: got ${text}; expected a JSON object, as in '{"key": "value"}'.`);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw refused;
}

async function list(airflow: Airflow, json: boolean, { terminal }: Context): Promise<number> {
  const { dags, errors } = await terminal.wait("Waiting for Airflow", settled(airflow));
  if (json) {
    terminal.line(JSON.stringify({ dags, importErrors: errors }, null, 2));
    return errors.length > 0 ? 1 : 0;
  }
  const rows = dags.map(({ dag_id, is_paused, description }) => [
    dag_id,
    is_paused ? "paused" : "active",
    description ?? "",
  ]);
  terminal.line(rows.length > 0 ? table(["DAG", "state", "description"], rows) : "No DAG has been parsed yet.");
  for (const error of errors) terminal.note(`\n${bad(error.filename)} ${brokenFile(error)}`);
  return errors.length > 0 ? 1 : 0;
}

const brokenFile = ({ stack_trace }: ImportError) => `holds no DAG:\n${stack_trace.trim()}`;

/** What Airflow has parsed, when nothing more comes: one that has just started parses one file after the other. */
async function settled(airflow: Airflow): Promise<{ dags: Dag[]; errors: ImportError[] }> {
  let before = 0;
  for (const last = Date.now() + PARSE_MS; ; await pause(LOOK_EVERY_MS)) {
    const [dags, errors] = await Promise.all([airflow.dags(), airflow.importErrors()]);
    const count = dags.length + errors.length;
    if ((count > 0 && count === before) || Date.now() > last) return { dags, errors };
    before = count;
  }
}

async function run(
  airflow: Airflow,
  request: Extract<DagRequest, { action: "run" }>,
  conf: object,
  context: Context,
): Promise<number> {
  const { terminal } = context;
  await terminal.wait(`Waiting for ${request.dag}`, parsed(airflow, request.dag));
  const started = await airflow.trigger(request.dag, conf);
  terminal.line(`${heading("Run")} ${started.dag_run_id} ${faint(`of ${request.dag}`)}`);
  return follow(airflow, request.dag, started, context, request.quiet);
}

/**
 * Waits until Airflow has parsed the DAG, and lets it run.
 * @throws UserError with the errors of all files when there is none of that name
 */
async function parsed(airflow: Airflow, id: string): Promise<void> {
  let quiet = 0;
  for (let before = 0; quiet < QUIET_LOOKS; await pause(LOOK_EVERY_MS)) {
    const found = await airflow.dag(id);
    if (found) return found.is_paused ? airflow.unpause(id) : undefined;
    const { dags, errors } = await settled(airflow);
    quiet = dags.length + errors.length === before ? quiet + 1 : 0;
    before = dags.length + errors.length;
  }
  const { dags, errors } = await settled(airflow);
  const known = dags.map(({ dag_id }) => dag_id).join(", ") || "one that Airflow has parsed";
  const broken = errors.map((error) => `\n${error.filename} ${brokenFile(error)}`).join("");
  throw new UserError(`DAG: got "${id}"; expected ${known}. npx sparklab dag list${broken}`);
}

/** Prints what changes until the run is over; interrupted, it goes on in Airflow. */
async function follow(
  airflow: Airflow,
  id: string,
  { dag_run_id }: DagRun,
  { terminal }: Context,
  quiet: boolean,
): Promise<number> {
  const shown = new Map<string, string>();
  for (; ; await pause(LOOK_EVERY_MS)) {
    const current = await patiently(() => airflow.run(id, dag_run_id), terminal);
    if (!current) throw new UserError(`Run ${dag_run_id}: Airflow no longer has it. npx sparklab dag logs ${id}`);
    for (const task of await patiently(() => airflow.tasks(id, dag_run_id), terminal)) {
      const state = `${task.state ?? "waiting"}${task.try_number > 1 ? `, attempt ${task.try_number}` : ""}`;
      if (shown.get(task.task_id) === state) continue;
      shown.set(task.task_id, state);
      if (task.state === null) continue;
      terminal.line(`  ${task.task_id}  ${coloured(task)}`);
      const speaks = SETTLED.has(task.state) && !(quiet && task.state === "success") && task.try_number > 0;
      if (speaks) terminal.line(faint(indented(await patiently(() => airflow.log(id, dag_run_id, task), terminal))));
    }
    if (!FINISHED.has(current.state)) continue;
    terminal.line(current.state === "success" ? good("done") : bad("failed"));
    return current.state === "success" ? 0 : 1;
  }
}

/** A run outlives its Airflow and the cloud: while neither answers, it is asked again, for as long as a start takes. */
async function patiently<T>(ask: () => Promise<T>, terminal: Context["terminal"]): Promise<T> {
  for (let last = 0; ; await pause(LOOK_EVERY_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AirflowAway) || (last > 0 && Date.now() > last)) throw error;
      if (last > 0) continue;
      last = Date.now() + START_MS;
      terminal.note(
        `${error.message}\nThe run goes on where Airflow does, and is followed again then: npx sparklab up`,
      );
    }
  }
}

async function logs(
  airflow: Airflow,
  request: Extract<DagRequest, { action: "logs" }>,
  { terminal }: Context,
): Promise<number> {
  const found = request.run ? await airflow.run(request.dag, request.run) : await airflow.newestRun(request.dag);
  if (!found)
    throw new UserError(
      `Run: got ${request.run ? `"${request.run}"` : "none"} of ${request.dag}; expected one that Airflow has. npx sparklab dag run ${request.dag}`,
    );
  terminal.line(`${heading("Run")} ${found.dag_run_id}  ${found.state}`);
  for (const task of await airflow.tasks(request.dag, found.dag_run_id)) {
    terminal.line(`  ${task.task_id}  ${coloured(task)}`);
    if (task.try_number > 0) terminal.line(faint(indented(await airflow.log(request.dag, found.dag_run_id, task))));
  }
  return 0;
}

function coloured({ state, try_number, duration: seconds }: TaskInstance): string {
  const word = state ?? "waiting";
  const attempt = try_number > 1 ? `, attempt ${try_number}` : "";
  const took = SETTLED.has(word) && seconds !== null ? ` in ${duration(seconds)}` : "";
  const text = `${word}${attempt}${took}`;
  return word === "success" ? good(text) : /failed/.test(word) ? bad(text) : text;
}

const indented = (text: string) => text.replace(/^(?=.)/gm, "    ");
