/**
 * Cloud Logging v2: log entries, sinks and log-based metrics of the project. Sinks and metrics are kept; no entries are
 * routed or counted.
 */
import { invalid } from "../errors";
import { textOf } from "../json";
import type { Hook, ResourceType, Service } from "../service";
import { listEntries, writeEntries } from "./logging-entries";
import { parseFilter } from "./logging-filter";
import { agentEmail } from "./serviceusage-agents";

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
  parseFilter(textOf(next.filter));
  if (next.bigqueryOptions !== undefined && !destination.startsWith("bigquery."))
    throw invalid("bigqueryOptions: allowed for destinations in BigQuery only.");
};

const sinks: ResourceType = {
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

const metrics: ResourceType = {
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
  source: "https://cloud.google.com/logging/docs/reference/v2/rest/v2/projects.metrics",
};

export const logging: Service = {
  apis: ["logging.v2"],
  types: [sinks, metrics],
  methods: { "logging.entries.list": listEntries, "logging.entries.write": writeEntries },
};
