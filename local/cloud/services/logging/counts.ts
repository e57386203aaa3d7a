/** Log-based metrics: how many entries of each minute met their filter, counted once together with the router's position. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Hook, JsonObject, ResourceType } from "../../service";
import type { Consumer } from "./arrivals";
import { parseFilter } from "./filter";

const checkMetric: Hook = ({ next }) => {
  parseFilter(textOf(next.filter));
  const unserved = ["valueExtractor", "labelExtractors", "bucketOptions"].filter((field) => next[field] !== undefined);
  if (unserved.length > 0)
    throw new ApiError(
      "UNIMPLEMENTED",
      `Log-based metrics with ${unserved.join(", ")}: only entries are counted here.`,
    );
};

export const metrics: ResourceType = {
  collection: "logging.projects.metrics",
  schema: "LogMetric",
  listField: "metrics",
  name: "projects/{project}/metrics/{id}",
  id: { bodyName: true },
  idPattern: /^[\w.,+!*',()%/-]{1,100}$/,
  required: ["filter"],
  immutable: ["name"],
  defaults: {
    "metricDescriptor.metricKind": "DELTA",
    "metricDescriptor.valueType": "INT64",
    "metricDescriptor.unit": "1",
  },
  serverSet: {
    "metricDescriptor.type": { always: ({ resource }) => `logging.googleapis.com/user/${textOf(resource.name)}` },
    "metricDescriptor.name": {
      always: ({ resource, cloud }) =>
        `projects/${cloud.project.id}/metricDescriptors/logging.googleapis.com/user/${textOf(resource.name)}`,
    },
    resourceName: ({ cloud, resource }) => `projects/${cloud.project.id}/metrics/${textOf(resource.name)}`,
  },
  before: { create: checkMetric, patch: checkMetric },
  source: "https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.metrics",
};

const COUNTS = "logging/counts/";

export interface Count extends JsonObject {
  /** Begin of the minute in which the entries arrived. */
  minute: string;
  count: number;
  resource: JsonObject;
}

export const toCounts: Consumer = async (entries, _position, cloud) => {
  const put: Record<string, JsonObject> = {};
  for (const { value: metric } of await cloud.store.list(`projects/${cloud.project.id}/metrics/`)) {
    if (metric.disabled === true) continue;
    const matches = parseFilter(textOf(metric.filter));
    const since = Date.parse(textOf(metric.createTime));
    for (const entry of entries) {
      if (Date.parse(textOf(entry.receiveTimestamp)) < since || !matches(entry)) continue;
      const minute = `${textOf(entry.timestamp).slice(0, 16)}:00Z`;
      const resource = isObject(entry.resource) ? entry.resource : { type: "global" };
      const key = `${countsOf(textOf(metric.name))}${minute}/${JSON.stringify(resource)}`;
      const known = (put[key] ?? (await cloud.store.get(key))) as Count | undefined;
      put[key] = { minute, resource, count: (known?.count ?? 0) + 1 };
    }
  }
  return put;
};

const countsOf = (metric: string) => `${COUNTS}${encodeURIComponent(metric)}/`;

export async function countsOfMetric(metric: string, cloud: Cloud): Promise<Count[]> {
  return (await cloud.store.list(countsOf(metric))).map(({ value }) => value as Count);
}
