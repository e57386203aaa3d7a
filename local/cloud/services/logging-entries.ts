/**
 * Log entries: those that clients write, the output of batches' drivers and the logs of Airflow's tasks, which lie in
 * buckets and are read from there, a line an entry. Nothing else of the lab is logged here, and sinks and metrics see no
 * entries.
 */
import type { Cloud } from "../cloud";
import { ApiError, invalid } from "../errors";
import { isObject, textOf } from "../json";
import type { Behaviour, Json, JsonObject } from "../service";
import { SPARK_RESOURCE } from "./bigquery/spark-ends";
import { taskEntries } from "./composer/task-entries";
import { parseFilter } from "./logging-filter";
import { listObjects, readObject } from "./storage/objects";

const PREFIX = "logEntries/";
const MOST = 1000;
/** Log4j's levels, as the drivers print them, in Logging's words. */
const LEVELS: Readonly<Record<string, string>> = { WARN: "WARNING", ERROR: "ERROR", FATAL: "CRITICAL", INFO: "INFO" };
const STAMPED = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}),(\d{3}) ([A-Z]+) /;

export const writeEntries: Behaviour = async ({ body }, cloud) => {
  const now = cloud.now().toISOString();
  const written = listOf(body.entries).map((entry, index) => completed(entry, index, body, now));
  const problems = written.flatMap((entry, index) => problemsOf(entry, index, cloud));
  if (problems.length > 0) throw invalid(problems.join(" "));
  // The same insert id at the same time in the same log is the same entry.
  const key = (entry: JsonObject) =>
    `${PREFIX}${textOf(entry.timestamp)}/${textOf(entry.logName)}/${textOf(entry.insertId)}`;
  if (body.dryRun !== true)
    await cloud.store.write({ put: Object.fromEntries(written.map((entry) => [key(entry), entry])) });
  return {};
};

function completed(entry: JsonObject, index: number, body: JsonObject, now: string): JsonObject {
  const time = textOf(entry.timestamp) || now;
  return {
    logName: textOf(body.logName),
    resource: body.resource ?? { type: "global" },
    severity: "DEFAULT",
    // Entries of one request without ids keep their order.
    insertId: `${Date.parse(now).toString(36)}-${String(index).padStart(4, "0")}`,
    ...entry,
    ...(body.labels ? { labels: { ...(body.labels as JsonObject), ...((entry.labels as JsonObject) ?? {}) } } : {}),
    timestamp: new Date(time).toISOString(),
    receiveTimestamp: now,
  };
}

function problemsOf(entry: JsonObject, index: number, cloud: Cloud): string[] {
  const problems: string[] = [];
  const name = textOf(entry.logName);
  const parents = [cloud.project.id, cloud.project.number].map((id) => `projects/${id}/logs/`);
  if (!parents.some((parent) => name.startsWith(parent) && name.length > parent.length))
    problems.push(`entries[${index}].log_name: got '${name}'; expected ${parents[0]}<log>.`);
  const payloads = ["textPayload", "jsonPayload", "protoPayload"].filter((field) => entry[field] !== undefined);
  if (payloads.length !== 1)
    problems.push(`entries[${index}].payload: got ${payloads.join(", ") || "none"}; expected exactly one payload.`);
  return problems;
}

export const listEntries: Behaviour = async ({ body }, cloud) => {
  const names = [...listOf(body.resourceNames), ...listOf(body.projectIds)].map(String);
  const parents = ["id", "number"].flatMap((key) => {
    const project = cloud.project[key as "id" | "number"];
    return [project, `projects/${project}`];
  });
  const unknown = names.filter((name) => !parents.includes(name));
  if (names.length === 0 || unknown.length > 0)
    throw invalid(`resource_names: got ${unknown.join(", ") || "none"}; expected projects/${cloud.project.id}.`);
  const order = textOf(body.orderBy) || "timestamp asc";
  if (!/^timestamp( asc| desc)?$/.test(order))
    throw invalid(`order_by: got '${order}'; expected timestamp asc or desc.`);
  const test = parseFilter(textOf(body.filter));
  const found = [...(await written(cloud)), ...(await driverLines(cloud)), ...(await taskEntries(cloud))].filter(test);
  found.sort((a, b) => (place(a) < place(b) ? -1 : 1));
  if (order.endsWith("desc")) found.reverse();
  const after = textOf(body.pageToken);
  const from = after === "" ? 0 : found.findIndex((entry) => tokenOf(entry) === after) + 1;
  if (after !== "" && from === 0) throw invalid("page_token: not of this list.");
  const size = Math.min(Number(body.pageSize ?? 50) || 50, MOST);
  const entries = found.slice(from, from + size);
  const last = entries.at(-1);
  return { entries, ...(last && from + size < found.length ? { nextPageToken: tokenOf(last) } : {}) };
};

const place = (entry: JsonObject) => `${textOf(entry.timestamp)}/${textOf(entry.logName)}/${textOf(entry.insertId)}`;
const tokenOf = (entry: JsonObject) => Buffer.from(place(entry)).toString("base64url");

async function written(cloud: Cloud): Promise<JsonObject[]> {
  return (await cloud.store.list(PREFIX)).map(({ value }) => value);
}

/** What the drivers of all batches, and of the Spark behind stored procedures, have printed so far. */
async function driverLines(cloud: Cloud): Promise<JsonObject[]> {
  const stored = await cloud.store.list(`projects/${cloud.project.id}/locations/`);
  const batches = stored.filter(({ key }) => /\/(batches|sparkJobs)\/[^/]+$/.test(key)).map(({ value }) => value);
  return (await Promise.all(batches.map((batch) => linesOf(batch, cloud)))).flat();
}

async function linesOf(batch: JsonObject, cloud: Cloud): Promise<JsonObject[]> {
  const { outputUri } = (batch.runtimeInfo ?? {}) as JsonObject;
  const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(textOf(outputUri)) ?? [];
  if (bucket === "") return [];
  const [, , , location = "", collection = "", id = ""] = textOf(batch.name).split("/");
  const output = await outputOf(cloud, bucket, prefix);
  const source = collection === "batches" ? batchSource(cloud, location, id) : procedureSource(cloud, location, id);
  // A line without a time of its own was printed no earlier than the one before it.
  let timestamp = textOf(batch.createTime);
  return output.flatMap((line, number) => {
    const [, day, time, thousandths, level = ""] = STAMPED.exec(line) ?? [];
    if (day) timestamp = `${day}T${time}.${thousandths}Z`;
    if (line === "") return [];
    return {
      ...source,
      ...{ timestamp, receiveTimestamp: timestamp, severity: LEVELS[level] ?? "DEFAULT", textPayload: line },
      insertId: `${textOf(batch.uuid)}-${String(number).padStart(9, "0")}`,
    };
  });
}

const batchSource = ({ project }: Cloud, location: string, id: string) => ({
  logName: `projects/${project.id}/logs/dataproc.googleapis.com%2Foutput`,
  resource: { type: "cloud_dataproc_batch", labels: { project_id: project.id, location, batch_id: id } },
});

const procedureSource = ({ project }: Cloud, location: string, id: string) => ({
  logName: `projects/${project.id}/logs/bigquery.googleapis.com%2Fspark_driver`,
  resource: { type: SPARK_RESOURCE, labels: { resource_container: `projects/${project.id}`, location, job_id: id } },
});

async function outputOf(cloud: Cloud, bucket: string, prefix: string): Promise<string[]> {
  try {
    const parts = await listObjects(cloud, bucket, `${prefix}.`);
    const texts = parts.map(async ({ name }) => {
      const { stream } = await readObject(cloud, bucket, name);
      return Buffer.concat((await stream.toArray()) as Buffer[]).toString("utf8");
    });
    return (await Promise.all(texts)).join("").split("\n");
  } catch (error) {
    // Who deletes the bucket deletes the output in it.
    if (error instanceof ApiError && error.status === "NOT_FOUND") return [];
    throw error;
  }
}

const listOf = <T extends Json = JsonObject>(value: Json | undefined) =>
  (Array.isArray(value) ? value.filter((item) => isObject(item) || typeof item === "string") : []) as T[];
