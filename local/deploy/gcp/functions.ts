/** Cloud Functions of the second generation. */
import { type Properties, text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";
import { inLocation, PLACE, standard } from "./standard";

const plain: Shape[string] = { type: "string" };
const chosen: Shape[string] = { type: "string", computed: true };
const made: Shape[string] = { type: "string", computed: true, output: true };

const buildConfig: Shape = {
  runtime: plain,
  entryPoint: plain,
  source: {
    type: "object",
    fields: {
      storageSource: {
        type: "object",
        fields: { bucket: chosen, object: chosen, generation: { type: "integer", int64: true, computed: true } },
      },
    },
  },
  environmentVariables: { type: "map" },
  dockerRepository: chosen,
  serviceAccount: chosen,
  workerPool: plain,
  build: made,
};

const serviceConfig: Shape = {
  serviceAccountEmail: chosen,
  availableMemory: chosen,
  availableCpu: chosen,
  timeoutSeconds: { type: "integer", computed: true },
  maxInstanceCount: { type: "integer", computed: true },
  minInstanceCount: { type: "integer" },
  maxInstanceRequestConcurrency: { type: "integer", computed: true },
  environmentVariables: { type: "map", computed: true },
  secretEnvironmentVariables: {
    type: "list",
    fields: {
      key: { type: "string", required: true },
      projectId: { type: "string", required: true },
      secret: { type: "string", required: true },
      version: { type: "string", required: true },
    },
  },
  ingressSettings: {
    type: "string",
    default: "ALLOW_ALL",
    allowed: ["ALLOW_ALL", "ALLOW_INTERNAL_ONLY", "ALLOW_INTERNAL_AND_GCLB"],
  },
  allTrafficOnLatestRevision: { type: "boolean", default: true },
  vpcConnector: plain,
  vpcConnectorEgressSettings: chosen,
  service: made,
  uri: made,
  gcfUri: made,
};

const eventTrigger: Shape = {
  eventType: { type: "string", required: true },
  eventFilters: {
    type: "list",
    set: true,
    fields: {
      attribute: { type: "string", required: true },
      value: { type: "string", required: true },
      operator: plain,
    },
  },
  pubsubTopic: chosen,
  retryPolicy: {
    type: "string",
    allowed: ["RETRY_POLICY_UNSPECIFIED", "RETRY_POLICY_DO_NOT_RETRY", "RETRY_POLICY_RETRY"],
  },
  serviceAccountEmail: chosen,
  triggerRegion: chosen,
  trigger: made,
};

const shape: Shape = {
  ...PLACE,
  name: { type: "string", rest: false, required: true, replaces: true },
  description: plain,
  labels: { type: "map" },
  kmsKeyName: plain,
  buildConfig: { type: "object", fields: buildConfig },
  serviceConfig: { type: "object", fields: serviceConfig },
  eventTrigger: { type: "object", fields: eventTrigger },
};

const name = (inputs: Inputs) => `${inLocation(inputs)}/functions/${text(inputs.name)}`;

const cloudFunction: Descriptor = standard({
  type: "gcp:cloudfunctionsv2/function:Function",
  source: "cloudfunctions.v2beta projects.locations.functions; google_cloudfunctions2_function",
  api: "https://cloudfunctions.googleapis.com/v2beta",
  shape,
  name,
  idParameter: "functionId",
  outputs: { environment: "environment", state: "state", updateTime: "updateTime", url: "url" },
  labelled: true,
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 63 },
  body: (inputs): Properties => ({ name: name(inputs), ...toRest(shape, inputs) }),
});

export const CLOUD_FUNCTIONS: readonly Descriptor[] = [cloudFunction];
