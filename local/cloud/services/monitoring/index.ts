/**
 * Cloud Monitoring: notification channels, alert policies on log entries and the alerts that they open (v3), dashboards
 * (v1), which are kept.
 */
import type { Cloud } from "../../cloud";
import { ApiError, invalid } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Hook, Json, JsonObject, ResourceType, ServerSetContext, Service } from "../../service";
import { parseFilter } from "../logging/filter";
import { listTimeSeries } from "./time-series";
import { alerts, isExtractor, keeperOf } from "./alerts";

const record = ({ now, call }: ServerSetContext): JsonObject => ({ mutateTime: now, mutatedBy: call.principal.email });

/** Labels that a channel of each kind must have. Source: monitoring.projects.notificationChannelDescriptors. */
const LABELS: Readonly<Record<string, readonly string[]>> = {
  email: ["email_address"],
  pubsub: ["topic"],
  sms: ["number"],
  slack: ["channel_name"],
  pagerduty: [],
  webhook_basicauth: ["url"],
  webhook_tokenauth: ["url"],
};

const checkChannel: Hook = ({ next }) => {
  const wanted = LABELS[textOf(next.type)];
  if (!wanted)
    throw invalid(`Field type: got '${textOf(next.type)}'; expected one of ${Object.keys(LABELS).join(", ")}.`);
  const labels = (next.labels ?? {}) as JsonObject;
  const missing = wanted.filter((label) => !labels[label]);
  if (missing.length > 0)
    throw invalid(`Field labels: a channel of type '${textOf(next.type)}' needs ${missing.join(", ")}.`);
};

/** A channel that alert policies use goes only by force, and out of those policies. */
const releaseChannel: Hook = async ({ current, call, cloud }) => {
  const name = textOf(current!.name);
  const users = (await cloud.store.list(`projects/${cloud.project.id}/alertPolicies/`)).filter(({ value }) =>
    listOf(value.notificationChannels).includes(name),
  );
  if (users.length > 0 && call.query.force !== "true") {
    const names = users.map(({ value }) => textOf(value.name)).join(", ");
    throw new ApiError("FAILED_PRECONDITION", `Cannot delete notification channel ${name}: it is used by ${names}.`);
  }
  const kept = users.map(({ key, value }) => {
    const notificationChannels = listOf(value.notificationChannels).filter((channel) => channel !== name);
    return [key, { ...value, notificationChannels }] as const;
  });
  await cloud.store.write({ put: Object.fromEntries(kept) });
};

const listOf = (value: Json | undefined) => (Array.isArray(value) ? value : []);

const channels: ResourceType = {
  collection: "monitoring.projects.notificationChannels",
  schema: "NotificationChannel",
  listField: "notificationChannels",
  name: "projects/{project}/notificationChannels/{id}",
  id: { server: "number" },
  required: ["type"],
  immutable: ["type"],
  defaults: { enabled: true },
  serverSet: {
    creationRecord: record,
    mutationRecords: { always: (context) => [record(context)] },
  },
  before: { create: checkChannel, patch: checkChannel, delete: releaseChannel },
  source: "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.notificationChannels",
};

async function requireChannels(policy: JsonObject, cloud: Cloud): Promise<void> {
  for (const channel of listOf(policy.notificationChannels)) {
    if (await cloud.store.get(textOf(channel))) continue;
    throw new ApiError("NOT_FOUND", `Cannot find notification channel with name ${textOf(channel)}.`);
  }
}

const checkPolicy: Hook = async ({ next, cloud }) => {
  await requireChannels(next, cloud);
  const conditions = listOf(next.conditions) as JsonObject[];
  for (const { conditionMatchedLog: matched } of conditions) if (isObject(matched)) parseFilter(textOf(matched.filter));
  const isLogged = conditions.some((condition) => condition.conditionMatchedLog !== undefined);
  refuseUnserved(conditions);
  if (isLogged && conditions.length > 1)
    throw invalid("Field conditions: a condition on log entries must be the only one.");
  const limit = (next.alertStrategy as JsonObject | undefined)?.notificationRateLimit;
  if (isLogged !== (limit !== undefined))
    throw invalid("Field alert_strategy.notification_rate_limit: must be set exactly for conditions on log entries.");
};

/** What no alert would come of. */
function refuseUnserved(conditions: readonly JsonObject[]): void {
  const kinds = conditions.flatMap((condition) => Object.keys(condition).filter((key) => /^condition[A-Z]/.test(key)));
  const others = kinds.filter((kind) => kind !== "conditionMatchedLog");
  const extractors = conditions.flatMap(({ conditionMatchedLog: matched }) =>
    isObject(matched) ? Object.values((matched.labelExtractors ?? {}) as JsonObject) : [],
  );
  const unread = extractors.filter((extractor) => !isExtractor(extractor)).map(textOf);
  const problems = [
    ...(others.length > 0 ? [`conditions of kind ${others.join(", ")}; conditionMatchedLog is`] : []),
    ...(unread.length > 0 ? [`label extractors such as ${unread[0]}; EXTRACT(<field>) is`] : []),
  ];
  if (problems.length > 0) throw new ApiError("UNIMPLEMENTED", `Not served by this cloud: ${problems.join(". ")}.`);
}

const alertPolicies: ResourceType = {
  collection: "monitoring.projects.alertPolicies",
  schema: "AlertPolicy",
  listField: "alertPolicies",
  name: "projects/{project}/alertPolicies/{id}",
  id: { server: "number" },
  required: ["displayName", "combiner", "conditions"],
  defaults: { enabled: true },
  serverSet: {
    creationRecord: record,
    mutationRecord: { always: record },
    conditions: { always: ({ resource }) => namedConditions(resource) },
  },
  before: { create: checkPolicy, patch: checkPolicy },
  // Alerts close with their policy.
  after: { delete: ({ cloud }) => keeperOf(cloud).wake() },
  source: "https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies",
};

/** Conditions have names below their policy's. */
function namedConditions(policy: JsonObject): Json {
  const name = textOf(policy.name);
  const id = BigInt(name.split("/").at(-1) ?? 0);
  return listOf(policy.conditions).map((condition, index) => ({
    name: `${name}/conditions/${id + BigInt(index) + 1n}`,
    ...(condition as JsonObject),
  }));
}

const LAYOUTS = ["gridLayout", "mosaicLayout", "rowLayout", "columnLayout"];
const checkDashboard: Hook = ({ next }) => {
  const given = LAYOUTS.filter((layout) => next[layout] !== undefined);
  if (given.length !== 1)
    throw invalid(`Field layout: got ${given.join(", ") || "none"}; expected one of ${LAYOUTS.join(", ")}.`);
};

const dashboards: ResourceType = {
  collection: "monitoring.projects.dashboards",
  schema: "Dashboard",
  listField: "dashboards",
  name: "projects/{project}/dashboards/{id}",
  id: { server: "uuid" },
  required: ["displayName"],
  before: {
    create: checkDashboard,
    // A dashboard is written whole: what is left out goes.
    patch: (change) => {
      for (const field of Object.keys(change.next))
        if (!["name", "etag"].includes(field) && !(field in change.call.body)) delete change.next[field];
      return checkDashboard(change);
    },
  },
  source: "https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards",
};

export const monitoring: readonly Service[] = [
  {
    ...{
      apis: ["monitoring.v3"],
      types: [channels, alertPolicies, alerts],
      methods: { "monitoring.projects.timeSeries.list": listTimeSeries },
    },
    recover: async (cloud) => keeperOf(cloud).wake(),
    close: (cloud) => keeperOf(cloud).close(),
  },
  { apis: ["monitoring.v1"], types: [dashboards], methods: {} },
];
