/** Cloud Logging v2: log entries, the sinks that route them to BigQuery, and log-based metrics of the project. */
import { textOf } from "../../json";
import type { ResourceType, Service } from "../../service";
import { listEntries, writeEntries } from "./entries";
import { routerOf } from "./router";
import { sinkWriterOf } from "./sink-writer";
import { sinks } from "./sinks";

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
  recover: async (cloud) => {
    await routerOf(cloud).recover();
    sinkWriterOf(cloud).wake();
  },
  close: async (cloud) => {
    await routerOf(cloud).close();
    await sinkWriterOf(cloud).close();
  },
};
