/** Services of Cloud Run and who may call them. */
import { text, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import type { Shape } from "./shape";
import { inLocation, PLACE, policyMember, standard } from "./standard";

const API = "https://run.googleapis.com/v2";

const plain: Shape[string] = { type: "string" };
const chosen: Shape[string] = { type: "string", computed: true };

const probe = (more: Shape = {}): Shape => ({
  initialDelaySeconds: { type: "integer" },
  failureThreshold: { type: "integer", default: 3 },
  periodSeconds: { type: "integer", default: 10 },
  timeoutSeconds: { type: "integer", default: 1 },
  httpGet: {
    type: "object",
    fields: { path: { type: "string", default: "/" }, port: { type: "integer", computed: true } },
  },
  tcpSocket: { type: "object", fields: { port: { type: "integer", computed: true } } },
  ...more,
});

const container: Shape = {
  name: chosen,
  image: { type: "string", required: true },
  baseImageUri: plain,
  sourceCode: {
    type: "object",
    fields: {
      cloudStorageSource: {
        type: "object",
        fields: {
          bucket: { type: "string", required: true },
          object: { type: "string", required: true },
          generation: { type: "string", computed: true },
        },
      },
    },
  },
  commands: { type: "list", rest: "command" },
  args: { type: "list" },
  workingDir: plain,
  envs: {
    type: "list",
    rest: "env",
    fields: {
      name: { type: "string", required: true },
      value: plain,
      valueSource: {
        type: "object",
        fields: {
          secretKeyRef: { type: "object", fields: { secret: { type: "string", required: true }, version: plain } },
        },
      },
    },
  },
  resources: {
    type: "object",
    computed: true,
    fields: {
      limits: { type: "map", computed: true },
      cpuIdle: { type: "boolean" },
      startupCpuBoost: { type: "boolean" },
    },
  },
  ports: {
    type: "object",
    single: true,
    computed: true,
    fields: { containerPort: { type: "integer" }, name: chosen },
  },
  startupProbe: { type: "object", computed: true, fields: probe() },
  livenessProbe: { type: "object", fields: probe() },
};

const template: Shape = {
  revision: plain,
  labels: { type: "map" },
  annotations: { type: "map" },
  containers: { type: "list", fields: container },
  serviceAccount: chosen,
  timeout: chosen,
  executionEnvironment: chosen,
  maxInstanceRequestConcurrency: { type: "integer", computed: true },
  scaling: {
    type: "object",
    computed: true,
    fields: { minInstanceCount: { type: "integer" }, maxInstanceCount: { type: "integer", computed: true } },
  },
  vpcAccess: {
    type: "object",
    fields: {
      egress: chosen,
      networkInterfaces: {
        type: "list",
        computed: true,
        fields: { network: chosen, subnetwork: chosen, tags: { type: "list" } },
      },
    },
  },
};

const shape: Shape = {
  ...PLACE,
  name: { type: "string", rest: false, required: true, replaces: true },
  description: plain,
  labels: { type: "map" },
  annotations: { type: "map" },
  ingress: chosen,
  launchStage: chosen,
  customAudiences: { type: "list" },
  defaultUriDisabled: { type: "boolean" },
  invokerIamDisabled: { type: "boolean" },
  scaling: {
    type: "object",
    computed: true,
    fields: { minInstanceCount: { type: "integer" }, maxInstanceCount: { type: "integer" } },
  },
  template: { type: "object", required: true, fields: template },
  traffics: {
    type: "list",
    rest: "traffic",
    computed: true,
    fields: { type: plain, revision: plain, percent: { type: "integer" }, tag: plain },
  },
  deletionProtection: { type: "boolean", rest: false, local: true, default: true },
};

const OUTPUTS = [
  ...["uid", "uri", "urls", "generation", "observedGeneration", "etag", "createTime", "updateTime", "creator"],
  ...["lastModifier", "latestReadyRevision", "latestCreatedRevision", "reconciling", "conditions", "trafficStatuses"],
];

const service: Descriptor = standard({
  type: "gcp:cloudrunv2/service:Service",
  source: "run.v2 projects.locations.services; google_cloud_run_v2_service",
  api: API,
  shape,
  name: serviceName,
  idParameter: "serviceId",
  changes: "whole",
  outputs: {
    ...Object.fromEntries(OUTPUTS.map((output) => [output, output])),
    terminalConditions: ({ terminalCondition }) => (terminalCondition ? [terminalCondition] : undefined),
  },
  labelled: true,
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 63 },
  refuseDelete: ({ deletionProtection }) =>
    deletionProtection === true ? "deletionProtection is true. Set it to false and run up first." : undefined,
});

function serviceName(inputs: Inputs): string {
  return `${inLocation(inputs)}/services/${bare(inputs.name ?? "")}`;
}

/** Members name their service by its id or by its full name. */
const bare = (name: Value) => text(name).split("/").at(-1) ?? "";

const invoker: Descriptor = policyMember({
  type: "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
  source: "run.v2 projects.locations.services.setIamPolicy; google_cloud_run_v2_service_iam_member",
  shape: {
    ...PLACE,
    name: { type: "string", rest: false, required: true, replaces: true, same: (a, b) => bare(a) === bare(b) },
  },
  resource: serviceName,
  url: (inputs) => `${API}/${serviceName(inputs)}`,
  read: "GET",
});

export const CLOUD_RUN: readonly Descriptor[] = [service, invoker];
