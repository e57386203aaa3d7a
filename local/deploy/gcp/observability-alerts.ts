/** Alert policies: on thresholds of metrics, and on log entries. */
import type { Descriptor } from "./descriptor";
import { serverNamed } from "./server-named";
import type { Shape } from "./shape";

const plain: Shape[string] = { type: "string" };
const required: Shape[string] = { type: "string", required: true };

const trigger: Shape[string] = {
  type: "object",
  fields: { count: { type: "integer" }, percent: { type: "number" } },
};
const aggregations: Shape[string] = {
  type: "list",
  fields: {
    alignmentPeriod: plain,
    perSeriesAligner: plain,
    crossSeriesReducer: plain,
    groupByFields: { type: "list" },
  },
};

const condition: Shape = {
  displayName: required,
  name: { type: "string", computed: true, output: true },
  conditionThreshold: {
    type: "object",
    fields: {
      ...{ filter: required, comparison: required, duration: required },
      thresholdValue: { type: "number" },
      evaluationMissingData: plain,
      ...{ aggregations, trigger },
    },
  },
  conditionAbsent: { type: "object", fields: { duration: required, filter: plain, aggregations, trigger } },
  conditionMatchedLog: { type: "object", fields: { filter: required, labelExtractors: { type: "map" } } },
};

const shape: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  displayName: required,
  combiner: { type: "string", required: true, allowed: ["AND", "OR", "AND_WITH_MATCHING_RESOURCE"] },
  enabled: { type: "boolean", default: true },
  severity: plain,
  conditions: { type: "list", required: true, fields: condition },
  notificationChannels: { type: "list" },
  userLabels: { type: "map" },
  alertStrategy: {
    type: "object",
    fields: {
      autoClose: plain,
      notificationRateLimit: { type: "object", fields: { period: plain } },
      notificationPrompts: { type: "list" },
    },
  },
  documentation: {
    type: "object",
    fields: { content: plain, mimeType: { type: "string", default: "text/markdown" }, subject: plain },
  },
};

export const ALERT_POLICY: Descriptor = serverNamed({
  type: "gcp:monitoring/alertPolicy:AlertPolicy",
  source: "monitoring.v3 projects.alertPolicies; google_monitoring_alert_policy",
  api: "https://monitoring.googleapis.com/v3",
  collection: (inputs) => `projects/${inputs.project}/alertPolicies`,
  shape,
  outputs: { name: "name", creationRecords: ({ creationRecord }) => (creationRecord ? [creationRecord] : undefined) },
  hasDeletionPolicy: true,
});
