/** Why a call of a function failed, in the function's own words: what it has logged since. */
import { setTimeout as pause } from "node:timers/promises";
import type { StackOutputs } from "./deployed";
import { ask, listAll } from "./google";

interface DeployedFunction {
  url?: string;
  serviceConfig?: { uri?: string; service?: string };
}

interface Entry {
  textPayload?: string;
  jsonPayload?: { message?: unknown };
}

const NEWEST = 5;
const LOOK_EVERY_MS = 500;
/** What is printed can be read some seconds later. */
const PATIENCE_MS = 10_000;

/** @returns lines that say why, and where there is more */
export async function reasonsOf(url: string, since: string, outputs: StackOutputs): Promise<string[]> {
  const { project, region } = outputs;
  try {
    const list = `https://cloudfunctions.googleapis.com/v2/projects/${project}/locations/${region}/functions`;
    const functions = await listAll<DeployedFunction>(list, "functions");
    const found = functions.find(({ url: own, serviceConfig }) => [own, serviceConfig?.uri].includes(url));
    const service = found?.serviceConfig?.service?.split("/").at(-1);
    if (!service)
      return [`No function is deployed at ${url}. Deploy it again: pulumi up --refresh, or npx sparklab up --refresh`];
    const source = `resource.type="cloud_run_revision" resource.labels.service_name="${service}"`;
    const problems = await problemsOf(source, since, project);
    const said = problems.length > 0 ? problems : ["Its log says nothing of it."];
    return [...said, `More is in Cloud Logging: ${source} timestamp>="${since}"`];
  } catch (error) {
    // What failed first is told all the same.
    return [`Its log could not be read: ${(error as Error).message}`];
  }
}

/** The newest entries that tell of a problem, oldest first; a process that breaks off prints why as plain text. */
async function problemsOf(source: string, since: string, project: string): Promise<string[]> {
  const stderr = `projects/${project}/logs/run.googleapis.com%2Fstderr`;
  const body = {
    resourceNames: [`projects/${project}`],
    filter: `${source} timestamp>="${since}" (severity>=WARNING OR logName="${stderr}")`,
    orderBy: "timestamp desc",
    pageSize: NEWEST,
  };
  for (const last = Date.now() + PATIENCE_MS; ; await pause(LOOK_EVERY_MS)) {
    const { entries = [] } = await ask<{ entries?: Entry[] }>(
      "POST",
      "https://logging.googleapis.com/v2/entries:list",
      body,
    );
    if (entries.length > 0) return [...new Set(entries.reverse().map(textOf))];
    if (Date.now() > last) return [];
  }
}

function textOf({ textPayload, jsonPayload }: Entry): string {
  if (textPayload !== undefined) return textPayload;
  return typeof jsonPayload?.message === "string" ? jsonPayload.message : JSON.stringify(jsonPayload);
}
