/**
 * Logs of Airflow's tasks as entries of Cloud Logging, a line an entry, read from where they are delivered.
 * Source: https://cloud.google.com/composer/docs/composer-3/view-logs
 */
import { text } from "node:stream/consumers";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Json, JsonObject } from "../../service";
import { listObjects, readObject } from "../storage/objects";
import { bucketOf } from "./places";
import { LOGS } from "./task-logs";

const ATTEMPT = /^logs\/dag_id=([^/]+)\/run_id=[^/]+\/task_id=([^/]+)(?:\/map_index=-?\d+)?\/attempt=(\d+)\.log$/;
const LEVELS = new Set(["debug", "info", "warning", "error", "critical"]);

/** What the tasks of all environments have logged so far. */
export async function taskEntries(cloud: Cloud): Promise<JsonObject[]> {
  const stored = await cloud.store.list(`projects/${cloud.project.id}/locations/`);
  const environments = stored.filter(({ key }) => /\/environments\/[^/]+$/.test(key)).map(({ value }) => value);
  return (await Promise.all(environments.map((environment) => entriesOf(environment, cloud)))).flat();
}

async function entriesOf(environment: JsonObject, cloud: Cloud): Promise<JsonObject[]> {
  const [, , , location = "", , id = ""] = textOf(environment.name).split("/");
  const source = {
    logName: `projects/${cloud.project.id}/logs/airflow-worker`,
    resource: {
      type: "cloud_composer_environment",
      labels: { project_id: cloud.project.id, location, environment_name: id },
    },
  };
  const bucket = bucketOf(environment);
  try {
    const logs = (await listObjects(cloud, bucket, LOGS)).map(async ({ name }) => {
      const [, workflow, task, attempt] = ATTEMPT.exec(name) ?? [];
      if (!workflow || !task || !attempt) return [];
      const labels = { workflow, "task-id": task, "try-number": attempt };
      const { stream } = await readObject(cloud, bucket, name);
      return linesOf(await text(stream), name).map((line) => ({ ...source, labels, ...line }));
    });
    return (await Promise.all(logs)).flat();
  } catch (error) {
    // Who deletes the bucket deletes the logs in it.
    if (error instanceof ApiError && error.status === "NOT_FOUND") return [];
    throw error;
  }
}

/** Each line is an event as JSON. What a library printed past Airflow is as old as the event before it. */
function linesOf(log: string, name: string): JsonObject[] {
  let timestamp = new Date(0).toISOString();
  return log.split("\n").flatMap((line, number) => {
    if (line === "") return [];
    const event = eventOf(line);
    if (event) timestamp = new Date(textOf(event.timestamp)).toISOString();
    const level = textOf(event?.level);
    return {
      ...{ timestamp, receiveTimestamp: timestamp, textPayload: event ? textOf(event.event) : line },
      severity: LEVELS.has(level) ? level.toUpperCase() : "DEFAULT",
      insertId: `${name}/${String(number).padStart(9, "0")}`,
    };
  });
}

function eventOf(line: string): JsonObject | undefined {
  try {
    const event = JSON.parse(line) as Json;
    return isObject(event) && !Number.isNaN(Date.parse(textOf(event.timestamp))) ? event : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
