/**
 * Log entries: those that clients write, how batches and pipeline jobs go, what instances of Cloud Run print, of which the
 * newest 10,000 lines are kept, and the output of batches' drivers and the logs of Airflow's tasks, which lie in buckets
 * and are read from there, a line an entry. Nothing else of the lab is logged; of Cloud Run, requests are not, and what
 * the servers of deployed models print is not.
 */
import type { Cloud } from "../../cloud";
import { invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Behaviour, Json, JsonObject } from "../../service";
import { taskEntries } from "../composer/task-entries";
import { outputOf } from "../run/output";
import { announce, ENTRIES, nextNumber, place, recordsOf } from "./arrivals";
import { drivenWork, driverLines } from "./driver-lines";
import { parseFilter } from "./filter";

const MOST = 1000;

export const writeEntries: Behaviour = async ({ body }, cloud) => {
  const now = cloud.now().toISOString();
  const written = listOf(body.entries).map((entry) => completed(entry, body, now));
  const problems = written.flatMap((entry, index) => problemsOf(entry, index, cloud));
  if (problems.length > 0) throw invalid(problems.join(" "));
  if (body.dryRun === true) return {};
  await cloud.store.write({ put: recordsOf(written) });
  announce(cloud);
  return {};
};

function completed(entry: JsonObject, body: JsonObject, now: string): JsonObject {
  const time = textOf(entry.timestamp) || now;
  return {
    logName: textOf(body.logName),
    resource: body.resource ?? { type: "global" },
    severity: "DEFAULT",
    // Entries without ids keep their order.
    insertId: `${Date.parse(now).toString(36)}-${nextNumber()}`,
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
  await outputOf(cloud).take();
  const printed = await Promise.all((await drivenWork(cloud)).map((batch) => driverLines(batch, cloud)));
  const found = [...(await written(cloud)), ...printed.flat(), ...(await taskEntries(cloud))].filter(test);
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

const tokenOf = (entry: JsonObject) => Buffer.from(place(entry)).toString("base64url");

async function written(cloud: Cloud): Promise<JsonObject[]> {
  return (await cloud.store.list(ENTRIES)).map(({ value }) => value);
}

const listOf = <T extends Json = JsonObject>(value: Json | undefined) =>
  (Array.isArray(value) ? value.filter((item) => isObject(item) || typeof item === "string") : []) as T[];
