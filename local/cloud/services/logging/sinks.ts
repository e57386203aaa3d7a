/** Sinks: which entries each of them takes. What is taken waits in the sink's queue until it is written. */
import type { Cloud } from "../../cloud";
import { ApiError, invalid } from "../../errors";
import { textOf } from "../../json";
import type { Hook, JsonObject, ResourceType } from "../../service";
import { agentEmail } from "../serviceusage-agents";
import type { Consumer } from "./arrivals";
import { parseFilter } from "./filter";

/** Source: https://cloud.google.com/logging/docs/export/configure_export_v2#supported-destinations */
const DESTINATIONS = [
  /^bigquery\.googleapis\.com\/projects\/[^/]+\/datasets\/[^/]+$/,
  /^storage\.googleapis\.com\/[^/]+$/,
  /^pubsub\.googleapis\.com\/projects\/[^/]+\/topics\/[^/]+$/,
  /^logging\.googleapis\.com\/projects\/[^/]+(\/locations\/[^/]+\/buckets\/[^/]+)?$/,
];

const checkSink: Hook = ({ next }) => {
  const destination = textOf(next.destination);
  if (!DESTINATIONS.some((pattern) => pattern.test(destination)))
    throw invalid(
      `Unsupported value for destination: got '${destination}'; expected e.g. bigquery.googleapis.com/projects/<project>/datasets/<dataset>.`,
    );
  if (!destination.startsWith("bigquery."))
    throw new ApiError("UNIMPLEMENTED", `Sink destination ${destination}: only BigQuery is written to here.`);
  parseFilter(textOf(next.filter));
  for (const { filter } of exclusionsOf(next)) parseFilter(textOf(filter));
};

export const sinks: ResourceType = {
  collection: "logging.projects.sinks",
  schema: "LogSink",
  listField: "sinks",
  name: "projects/{project}/sinks/{id}",
  id: { bodyName: true },
  idPattern: /^[A-Za-z0-9][\w.-]{0,99}$/,
  required: ["destination"],
  serverSet: {
    // One account writes for all sinks of a project. Source: field writerIdentity.
    writerIdentity: ({ cloud, call }) =>
      textOf(call.query.customWriterIdentity) || `serviceAccount:${agentEmail("logging", cloud.project.number)}`,
    resourceName: ({ cloud, resource }) => `projects/${cloud.project.id}/sinks/${textOf(resource.name)}`,
  },
  before: { create: checkSink, patch: checkSink },
  source: "https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.sinks",
};

const QUEUE = "logging/queue/";

/** Entries that one sink took at one time. */
export interface Taken {
  key: string;
  sink: string;
  entries: JsonObject[];
}

/** The next of each queue's entries, oldest first. */
export async function taken(cloud: Cloud, limit: number): Promise<Taken[]> {
  const stored = await cloud.store.list(QUEUE, { limit });
  return stored.map(({ key, value }) => ({
    key,
    sink: textOf(value.sink),
    entries: value.entries as JsonObject[],
  }));
}

export const toSinks: Consumer = async (entries, position, cloud) => {
  const put: Record<string, JsonObject> = {};
  for (const { key, value: sink } of await cloud.store.list(`projects/${cloud.project.id}/sinks/`)) {
    if (sink.disabled === true) continue;
    const found = entries.filter(testOf(sink));
    if (found.length > 0) put[`${QUEUE}${position}/${key}`] = { sink: key, entries: found };
  }
  return put;
};

/** Where a sink writes to. */
export function datasetOf(sink: JsonObject): { projectId: string; datasetId: string } {
  const [, , projectId = "", , datasetId = ""] = textOf(sink.destination).split("/");
  return { projectId, datasetId };
}

/** A sink takes what arrives after its creation, matches its filter and none of its exclusions. */
function testOf(sink: JsonObject) {
  const matches = parseFilter(textOf(sink.filter));
  const excluded = exclusionsOf(sink).filter(({ disabled }) => disabled !== true);
  const excludes = excluded.map(({ filter }) => parseFilter(textOf(filter)));
  const since = Date.parse(textOf(sink.createTime));
  return (entry: JsonObject) =>
    Date.parse(textOf(entry.receiveTimestamp)) >= since && matches(entry) && !excludes.some((test) => test(entry));
}

const exclusionsOf = (sink: JsonObject) => (Array.isArray(sink.exclusions) ? (sink.exclusions as JsonObject[]) : []);
