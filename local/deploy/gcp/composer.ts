/** Environments of Managed Airflow (Composer 3). */
import { text } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";
import { inLocation, standard } from "./standard";

const chosen: Shape[string] = { type: "string", computed: true };
const fixed: Shape[string] = { type: "string", computed: true, replaces: true };
const made: Shape[string] = { type: "string", computed: true, output: true };
const sizes = (...names: string[]): Shape =>
  Object.fromEntries(names.map((name) => [name, { type: "number", computed: true }]));

const workloads: Shape = {
  scheduler: { type: "object", computed: true, fields: sizes("count", "cpu", "memoryGb", "storageGb") },
  dagProcessor: { type: "object", computed: true, fields: sizes("count", "cpu", "memoryGb", "storageGb") },
  triggerer: { type: "object", computed: true, fields: sizes("count", "cpu", "memoryGb") },
  webServer: { type: "object", computed: true, fields: sizes("cpu", "memoryGb", "storageGb") },
  worker: { type: "object", computed: true, fields: sizes("cpu", "memoryGb", "storageGb", "minCount", "maxCount") },
};

const config: Shape = {
  environmentSize: chosen,
  enablePrivateEnvironment: {
    type: "boolean",
    computed: true,
    rest: "privateEnvironmentConfig.networkingType",
    written: { true: "PRIVATE", false: "PUBLIC" },
  },
  enablePrivateBuildsOnly: { type: "boolean", computed: true },
  resilienceMode: chosen,
  nodeConfig: {
    type: "object",
    computed: true,
    fields: {
      network: chosen,
      subnetwork: chosen,
      serviceAccount: fixed,
      tags: { type: "list", set: true, replaces: true },
      composerInternalIpv4CidrBlock: fixed,
      composerNetworkAttachment: chosen,
    },
  },
  softwareConfig: {
    type: "object",
    computed: true,
    fields: {
      imageVersion: chosen,
      airflowConfigOverrides: { type: "map" },
      envVariables: { type: "map" },
      pypiPackages: { type: "map" },
      webServerPluginsMode: chosen,
    },
  },
  workloadsConfig: { type: "object", computed: true, fields: workloads },
  maintenanceWindow: {
    type: "object",
    computed: true,
    fields: {
      startTime: { type: "string", required: true },
      endTime: { type: "string", required: true },
      recurrence: { type: "string", required: true },
    },
  },
  airflowUri: made,
  dagGcsPrefix: made,
};

const shape: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  region: { type: "string", rest: false, required: true, replaces: true },
  name: { type: "string", rest: false, required: true, replaces: true },
  labels: { type: "map" },
  config: { type: "object", computed: true, fields: config },
  storageConfig: {
    type: "object",
    computed: true,
    replaces: true,
    fields: { bucket: { type: "string", required: true, same: (a, b) => bareBucket(text(a)) === bareBucket(text(b)) } },
  },
};

const bareBucket = (bucket: string) => bucket.replace(/^gs:\/\//, "").replace(/\/+$/, "");
const name = (inputs: Inputs) => `${inLocation(inputs, "region")}/environments/${text(inputs.name)}`;

const environment: Descriptor = standard({
  type: "gcp:composer/environment:Environment",
  source: "composer.v1beta1 projects.locations.environments; google_composer_environment",
  api: "https://composer.googleapis.com/v1beta1",
  shape,
  name,
  // The body names what is made. The service takes one change at a time.
  changes: "one by one",
  outputs: {},
  labelled: true,
  hasDeletionPolicy: true,
  body: (inputs) => ({ name: name(inputs), ...toRest(shape, inputs) }),
});

export const COMPOSER: readonly Descriptor[] = [environment];
