/** Log sinks and log-based metrics; notification channels, alert policies and dashboards. */
import { equal, isObject, type Properties, text, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { serverNamed } from "./server-named";
import { toRest, type Shape } from "./shape";
import { ALERT_POLICY } from "./observability-alerts";
import { masks, standard } from "./standard";

const LOGGING = "https://logging.googleapis.com/v2";
const MONITORING = "https://monitoring.googleapis.com";
const plain: Shape[string] = { type: "string" };
const PROJECT: Shape = { project: { type: "string", rest: false, computed: true, replaces: true } };

const sinkShape: Shape = {
  ...PROJECT,
  name: { type: "string", required: true, replaces: true },
  destination: { type: "string", required: true },
  filter: plain,
  description: plain,
  disabled: { type: "boolean" },
  uniqueWriterIdentity: { type: "boolean", rest: false, default: true, replaces: true },
  exclusions: {
    type: "list",
    fields: {
      name: { type: "string", required: true },
      filter: { type: "string", required: true },
      description: plain,
      disabled: { type: "boolean" },
    },
  },
  bigqueryOptions: {
    type: "object",
    computed: true,
    fields: { usePartitionedTables: { type: "boolean", required: true } },
  },
};
const sinkName = (inputs: Inputs) => `projects/${inputs.project}/sinks/${text(inputs.name)}`;
const asWriter = ({ uniqueWriterIdentity }: Inputs) => ({
  uniqueWriterIdentity: String(uniqueWriterIdentity !== false),
});

const sink: Descriptor = {
  ...standard({
    type: "gcp:logging/projectSink:ProjectSink",
    source: "logging.v2 projects.sinks; google_logging_project_sink",
    api: LOGGING,
    shape: sinkShape,
    name: sinkName,
    outputs: { writerIdentity: "writerIdentity" },
    hasDeletionPolicy: true,
  }),
  create: ({ http }, inputs) => {
    const url = `${LOGGING}/projects/${inputs.project}/sinks`;
    return http.call({ method: "POST", url, query: asWriter(inputs), body: toRest(sinkShape, inputs) });
  },
  update: async ({ http }, { news, changes }) => {
    const [updateMask] = masks(sinkShape, changes, "masked");
    const body = { exclusions: [], ...toRest(sinkShape, news) };
    const query = { ...asWriter(news), updateMask };
    return http.call({ method: "PATCH", url: `${LOGGING}/${sinkName(news)}`, query, body });
  },
};

const metricShape: Shape = {
  ...PROJECT,
  name: { type: "string", required: true, replaces: true },
  filter: { type: "string", required: true },
  description: plain,
  disabled: { type: "boolean" },
  valueExtractor: plain,
  labelExtractors: { type: "map" },
  metricDescriptor: {
    type: "object",
    computed: true,
    fields: {
      metricKind: { type: "string", required: true },
      valueType: { type: "string", required: true },
      unit: { type: "string", default: "1" },
      displayName: plain,
      labels: {
        type: "list",
        set: true,
        fields: {
          key: { type: "string", required: true },
          valueType: { type: "string", default: "STRING" },
          description: plain,
        },
      },
    },
  },
};
const metricUrl = (inputs: Inputs) =>
  `${LOGGING}/projects/${inputs.project}/metrics/${encodeURIComponent(text(inputs.name))}`;

const metric: Descriptor = {
  type: "gcp:logging/metric:Metric",
  source: "logging.v2 projects.metrics; google_logging_metric",
  shape: metricShape,
  outputs: {},
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 100 },
  id: ({ name }) => text(name),
  create: ({ http }, inputs) => {
    const url = `${LOGGING}/projects/${inputs.project}/metrics`;
    return http.call({ method: "POST", url, body: toRest(metricShape, inputs) });
  },
  read: ({ http }, inputs) => http.find(metricUrl(inputs)),
  update: ({ http }, { news }) => http.call({ method: "PUT", url: metricUrl(news), body: toRest(metricShape, news) }),
  delete: async ({ http }, inputs) => void (await http.remove(metricUrl(inputs))),
};

const channel = serverNamed({
  type: "gcp:monitoring/notificationChannel:NotificationChannel",
  source: "monitoring.v3 projects.notificationChannels; google_monitoring_notification_channel",
  api: `${MONITORING}/v3`,
  collection: (inputs) => `projects/${inputs.project}/notificationChannels`,
  shape: {
    ...PROJECT,
    type: { type: "string", required: true, replaces: true },
    displayName: plain,
    description: plain,
    labels: { type: "map" },
    userLabels: { type: "map" },
    enabled: { type: "boolean", default: true },
    forceDelete: { type: "boolean", rest: false, local: true },
  },
  outputs: { name: "name", verificationStatus: "verificationStatus" },
  hasDeletionPolicy: true,
  changes: "whole",
  deleteQuery: ({ forceDelete }) => ({ force: String(forceDelete === true) }),
});

/** What the service adds to a dashboard is not the program's. */
function ownJson({ name: _name, etag: _etag, ...own }: Properties): Properties {
  return own;
}
const sameJson = (a: Value, b: Value) => equal(ownJson(parse(a)), ownJson(parse(b)));
const parse = (json: Value): Properties => {
  try {
    const value = JSON.parse(text(json)) as Value;
    return isObject(value) ? value : {};
  } catch {
    return { unreadable: text(json) }; // Said by `check`, where a person sees it.
  }
};

const dashboard = serverNamed({
  type: "gcp:monitoring/dashboard:Dashboard",
  source: "monitoring.v1 projects.dashboards; google_monitoring_dashboard",
  api: `${MONITORING}/v1`,
  collection: (inputs) => `projects/${inputs.project}/dashboards`,
  shape: { ...PROJECT, dashboardJson: { type: "string", required: true, same: sameJson } },
  body: ({ dashboardJson }) => ownJson(parse(dashboardJson ?? "")),
  readAs: (resource) => ({ dashboardJson: JSON.stringify(ownJson(resource)) }),
  outputs: {},
  hasDeletionPolicy: true,
  changes: "whole",
  check: ({ dashboardJson }) =>
    "unreadable" in parse(dashboardJson ?? "")
      ? [
          {
            property: "dashboardJson",
            reason: "got text that is no JSON; expected a dashboard of monitoring.v1 as JSON",
          },
        ]
      : [],
});

export const OBSERVABILITY: readonly Descriptor[] = [sink, metric, channel, ALERT_POLICY, dashboard];
