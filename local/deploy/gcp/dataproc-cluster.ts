/** Clusters of Dataproc, as the lab has one: a single node that shows the history of Spark. */
import { equal, isObject, type Properties, text, type Value } from "../values";
import type { Descriptor, Inputs } from "./descriptor";
import { toRest, type Shape } from "./shape";
import { standard } from "./standard";

const plain: Shape[string] = { type: "string" };
const chosen: Shape[string] = { type: "string", computed: true };

/** Links are written whole by the service, by their end by a program. */
const sameLink = (a: Value, b: Value) => endsAlike(text(a), text(b)) || endsAlike(text(b), text(a));
const endsAlike = (whole: string, part: string) => whole === part || whole.endsWith(`/${part}`);
const link: Shape[string] = { type: "string", computed: true, same: sameLink };

const fullScope = (scope: Value) =>
  text(scope).startsWith("https://") ? text(scope) : `https://www.googleapis.com/auth/${text(scope)}`;
const sameScopes = (a: Value, b: Value) =>
  Array.isArray(a) && Array.isArray(b) && equal(a.map(fullScope).sort(), b.map(fullScope).sort());

/** `2.3-debian12` is the family of `2.3.10-debian12`. */
function sameImage(a: Value, b: Value): boolean {
  const parse = (image: Value) => /^([\d.]+)(.*)$/.exec(text(image)) ?? [];
  const [, left = "", leftOs = ""] = parse(a);
  const [, right = "", rightOs = ""] = parse(b);
  const isFamily = left.startsWith(`${right}.`) || right.startsWith(`${left}.`) || left === right;
  return left !== "" && isFamily && (leftOs === rightOs || leftOs === "" || rightOs === "");
}

const config: Shape = {
  stagingBucket: { type: "string", rest: "configBucket" },
  bucket: { type: "string", rest: "configBucket", computed: true, output: true },
  tempBucket: chosen,
  gceClusterConfig: {
    type: "object",
    computed: true,
    fields: {
      zone: { ...link, rest: "zoneUri" },
      network: { ...link, rest: "networkUri" },
      subnetwork: { type: "string", rest: "subnetworkUri", same: sameLink },
      serviceAccount: plain,
      serviceAccountScopes: { type: "list", computed: true, same: sameScopes },
      internalIpOnly: { type: "boolean", computed: true },
      tags: { type: "list", set: true },
      metadata: { type: "map" },
      shieldedInstanceConfig: {
        type: "object",
        computed: true,
        fields: {
          enableSecureBoot: { type: "boolean", default: false },
          enableVtpm: { type: "boolean", default: false },
          enableIntegrityMonitoring: { type: "boolean", default: false },
        },
      },
    },
  },
  masterConfig: {
    type: "object",
    computed: true,
    fields: {
      numInstances: { type: "integer", computed: true },
      machineType: { ...link, rest: "machineTypeUri" },
      diskConfig: {
        type: "object",
        computed: true,
        fields: {
          bootDiskSizeGb: { type: "integer", computed: true },
          bootDiskType: { type: "string", default: "pd-standard" },
          numLocalSsds: { type: "integer", computed: true },
        },
      },
      instanceNames: { type: "list", computed: true, output: true },
    },
  },
  softwareConfig: {
    type: "object",
    computed: true,
    fields: {
      imageVersion: { type: "string", computed: true, same: sameImage },
      optionalComponents: { type: "list", set: true },
      overrideProperties: { type: "map", rest: false },
      properties: { type: "map", computed: true, output: true },
    },
  },
  endpointConfig: {
    type: "object",
    computed: true,
    fields: {
      enableHttpPortAccess: { type: "boolean", required: true },
      httpPorts: { type: "map", computed: true, output: true },
    },
  },
  metastoreConfig: { type: "object", fields: { dataprocMetastoreService: { type: "string", required: true } } },
};

/** Labels that the service adds are not the program's. */
function sameLabels(a: Value, b: Value): boolean {
  const own = (labels: Value) =>
    Object.entries(isObject(labels) ? labels : {}).filter(([key]) => !key.startsWith("goog-dataproc-"));
  return JSON.stringify(own(a).sort()) === JSON.stringify(own(b).sort());
}

const shape: Shape = {
  project: { type: "string", rest: false, computed: true, replaces: true },
  region: { type: "string", rest: false, required: true, replaces: true },
  name: { type: "string", rest: "clusterName", required: true, replaces: true },
  labels: { type: "map", same: sameLabels },
  gracefulDecommissionTimeout: { type: "string", rest: false, local: true, default: "0s" },
  clusterConfig: { type: "object", rest: "config", computed: true, replaces: true, fields: config },
};

const api = "https://dataproc.googleapis.com/v1";
const name = (inputs: Inputs) =>
  `projects/${inputs.project}/regions/${text(inputs.region)}/clusters/${text(inputs.name)}`;

const cluster: Descriptor = standard({
  type: "gcp:dataproc/cluster:Cluster",
  source: "dataproc.v1 projects.regions.clusters; google_dataproc_cluster",
  api,
  shape,
  name,
  outputs: { effectiveLabels: "labels", pulumiLabels: (_, inputs) => inputs.labels ?? {} },
  hasDeletionPolicy: true,
  autoName: { property: "name", length: 54 },
  deleteBeforeReplace: true,
  body: clusterBody,
});

function clusterBody(inputs: Inputs): Properties {
  const body = { projectId: inputs.project, ...toRest(shape, inputs) } as Properties;
  const given = isObject(inputs.clusterConfig) ? inputs.clusterConfig : {};
  const software = isObject(given.softwareConfig) ? given.softwareConfig : {};
  const configured = (body.config ??= {}) as Properties;
  if (isObject(software.overrideProperties))
    configured.softwareConfig = {
      ...(configured.softwareConfig as Properties),
      properties: software.overrideProperties,
    };
  const machine = configured.gceClusterConfig;
  if (isObject(machine) && Array.isArray(machine.serviceAccountScopes))
    machine.serviceAccountScopes = machine.serviceAccountScopes.map(fullScope).sort();
  return body;
}

export const DATAPROC_CLUSTER: readonly Descriptor[] = [cluster];
