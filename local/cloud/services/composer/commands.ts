/**
 * Airflow's own commands in an environment: started, asked for their output line by line, stopped. A command outlives
 * the call that started it; its record and its output lie in its folder.
 * Source: https://cloud.google.com/composer/docs/composer-3/access-airflow-cli
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SparkEnd } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { badRequest } from "../../contract/validate";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Behaviour, Call, JsonObject } from "../../service";
import { requireStored } from "../references";
import { airflowsOf, commandKey } from "./airflows";

/** Commands that Composer does not run either: the service's own parts, and what would take their database from them. */
const REFUSED = new Set([
  ...["api-server", "celery", "dag-processor", "db", "fastapi-api", "kerberos", "kubernetes", "scheduler"],
  ...["standalone", "triggerer", "webserver"],
]);

export const executeAirflowCommand: Behaviour = async (call, cloud) => {
  const environment = await environmentOf(call, cloud);
  const { command, subcommand, parameters } = call.body;
  const words = [command, subcommand, ...((parameters ?? []) as string[])].map(textOf).filter((word) => word !== "");
  if (!/^[a-z][a-z-]*$/.test(textOf(command)) || REFUSED.has(textOf(command)))
    throw badRequest([
      { field: "command", description: `Got '${textOf(command)}'; expected a command such as dags or variables.` },
    ]);
  const airflows = airflowsOf(cloud);
  const live = await airflows.use(environment);
  const count = (await cloud.store.list(keyOf(environment, ""))).length + 1;
  const digest = createHash("sha256").update(`${textOf(environment.uuid)} ${count} ${cloud.now().toISOString()}`);
  const executionId = digest.digest("hex").slice(0, 32);
  const folder = join(airflows.folder(environment), "commands", executionId);
  await cloud.store.write({ put: { [keyOf(environment, executionId)]: { folder } } });
  await cloud.engines.airflow.command(live.environment, words, folder);
  return { executionId, pod: "airflow", podNamespace: "composer" };
};

export const pollAirflowCommand: Behaviour = async (call, cloud) => {
  const { run, folder } = await runOf(call, cloud);
  // Whether it has ended is asked before its output is read: what is read then is all of it.
  const end = await endOf(run);
  const text = await readFile(join(folder, "output"), "utf8");
  const lines = text.replace(/\n$/, "").split("\n");
  // The last line may still grow.
  const complete = end || text.endsWith("\n") ? lines : lines.slice(0, -1);
  const first = Number(call.body.nextLineNumber ?? 1) || 1;
  const output = (text === "" ? [] : complete)
    .map((content, index) => ({ lineNumber: index + 1, content }))
    .filter(({ lineNumber }) => lineNumber >= first);
  return { output, outputEnd: end !== undefined, ...(end && { exitInfo: exitInfo(end) }) };
};

export const stopAirflowCommand: Behaviour = async (call, cloud) => {
  const { run } = await runOf(call, cloud);
  await run.stop();
  return { isDone: true, output: [] };
};

function exitInfo({ exitCode, signal }: SparkEnd): JsonObject {
  if (exitCode === 0) return { exitCode };
  return { exitCode: exitCode ?? 1, error: signal ? `ended by ${signal}` : `ended with ${exitCode ?? "no record"}` };
}

const keyOf = ({ name }: JsonObject, id: string) => commandKey(textOf(name), id);

const environmentOf = (call: Call, cloud: Cloud) => requireStored(call.path.environment ?? "", cloud);

async function runOf(call: Call, cloud: Cloud) {
  const environment = await environmentOf(call, cloud);
  const id = textOf(call.body.executionId);
  const stored = await cloud.store.get(keyOf(environment, id));
  const folder = textOf(stored?.folder);
  const run = stored && cloud.engines.airflow.attachCommand(folder);
  if (!run) throw new ApiError("NOT_FOUND", `Execution '${id}' was not found in '${textOf(environment.name)}'.`);
  return { run, folder };
}

/** Undefined while it runs. */
const endOf = ({ ended }: { ended: Promise<SparkEnd> }): Promise<SparkEnd | undefined> =>
  Promise.race([ended, new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))]);
