/** DAGs of the stack's Airflow: listed with what is wrong, started and followed, looked at again. */
import { setTimeout as pause } from "node:timers/promises";
import { airflowOf, type Airflow, type Dag, type ImportError } from "../airflow";
import { asClient, type Context } from "../context";
import { readOutputs } from "../deployed";
import { EXIT } from "../exit-codes";
import { followDag, logOf, taskLine } from "../follow-dag";
import { UserError } from "../lab";
import { install } from "../on-demand";
import type { DagRequest } from "../requests";
import { bad, faint, heading, table } from "../terminal";

/** How often Airflow is asked, and how long a DAG that was just uploaded may take to be parsed. */
const LOOK_EVERY_MS = 1000;
const PARSE_MS = 180_000;
/** After so many looks at which nothing new was parsed, a DAG that is not there will not come. */
const QUIET_LOOKS = 5;

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
  return (await followDag(airflow, request.dag, started, terminal, request.quiet)) ? EXIT.done : EXIT.failed;
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
    terminal.line(taskLine(task));
    if (task.try_number > 0) terminal.line(logOf(await airflow.log(request.dag, found.dag_run_id, task)));
  }
  return 0;
}
