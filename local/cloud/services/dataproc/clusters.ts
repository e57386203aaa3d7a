/**
 * Clusters: single-node ones that show the history of Spark. Source: ClusterController in
 * google/cloud/dataproc/v1/clusters.proto, https://cloud.google.com/dataproc/docs/concepts/jobs/history-server
 */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../../cloud";
import type { Violation } from "../../contract/validate-schema";
import { badRequest } from "../../contract/validate";
import type { Hook, JsonObject, OperationForm, ResourceType } from "../../service";
import { linkTo, nameIn } from "../compute/links";
import { checkMachine } from "../orgpolicy";
import { defaultAccount, requireActAs, requireBucket, requireStored } from "../references";
import { snakeCase } from "./batch-checks";
import { serviceBucket } from "./buckets";
import { historyOf } from "./history";
import { historyAddress, LOG_DIRECTORY } from "./history-places";
import { isSet, labelProblems, objectAt, text } from "./workload-rules";

const ZERO_WORKERS = "dataproc:dataproc.allow.zero.workers";
const TYPES = "type.googleapis.com/google.cloud.dataproc.v1";

const VERBS = { create: "CREATE", patch: "UPDATE", delete: "DELETE" } as const;

const finished: OperationForm = ({ verb, name, resource, call, cloud }) => {
  const status = { state: "DONE", innerState: "DONE", stateStartTime: cloud.now().toISOString() };
  const metadata: JsonObject = {
    "@type": `${TYPES}.ClusterOperationMetadata`,
    ...{ clusterName: resource.clusterName!, clusterUuid: resource.clusterUuid!, operationType: VERBS[verb], status },
  };
  const response: JsonObject =
    verb === "delete"
      ? { "@type": "type.googleapis.com/google.protobuf.Empty" }
      : { "@type": `${TYPES}.Cluster`, ...resource };
  const parent = name.split("/clusters/")[0]!;
  const { operation, put } = cloud.operations.prepareDone({ parent, metadata, response, call });
  return { answer: operation, put };
};

export const clusters: ResourceType = {
  collection: "dataproc.projects.regions.clusters",
  schema: "Cluster",
  listField: "clusters",
  name: "projects/{projectId}/regions/{region}/clusters/{clusterName}",
  id: { body: "clusterName" },
  idPattern: /^[a-z]([a-z0-9-]{0,49}[a-z0-9])?$/,
  required: ["clusterName"],
  immutable: ["config", "projectId"],
  messages: {
    missing: (name) => `Not found: Cluster ${name}`,
    exists: (name) => `Already exists: Failed to create cluster: Cluster ${name}`,
  },
  serverSet: { status: ({ now }) => ({ state: "RUNNING", stateStartTime: now }) },
  operations: { create: true, patch: true, delete: true, responseType: "", form: finished },
  policy: true,
  before: {
    create: prepare,
    patch: ({ current, next, call }) => {
      const violations = labelProblems(next, "cluster");
      if (violations.length > 0) throw badRequest(violations);
      next.labels = { ...objectAt(next, "labels"), ...ownLabels(current!, call.path.region!) };
    },
  },
  after: {
    delete: ({ call, cloud }) =>
      historyOf(cloud).end(
        `projects/${cloud.project.id}/regions/${call.path.region}/clusters/${call.path.clusterName}`,
      ),
  },
  source: "https://cloud.google.com/dataproc/docs/reference/rest/v1/projects.regions.clusters",
};

const SHIELDED = { enableSecureBoot: true, enableVtpm: true, enableIntegrityMonitoring: true };

async function prepare({ next, call, cloud }: Parameters<Hook>[0]): Promise<void> {
  const violations = [...problems(next), ...labelProblems(next, "cluster")];
  if (violations.length > 0) throw badRequest(violations);
  const region = call.path.region!;
  const config = (next.config ??= {}) as JsonObject;
  const machine = objectAt(config, "gceClusterConfig");
  config.gceClusterConfig = machine;
  const { shieldedInstanceConfig: shielded, metadata } = machine;
  // Without it machines are as their image is, and the service's own are shielded.
  await checkMachine(text(next.clusterName), { shielded: shielded ?? SHIELDED, metadata }, cloud);
  await requireActAs(text(machine.serviceAccount) || defaultAccount(cloud), call, cloud);
  for (const field of ["networkUri", "subnetworkUri"])
    if (isSet(machine[field])) machine[field] = await linked(text(machine[field]), cloud);
  for (const bucket of [config.configBucket, config.tempBucket])
    if (isSet(bucket)) await requireBucket(text(bucket), call, cloud);
  const store = objectAt(config, "metastoreConfig").dataprocMetastoreService;
  if (isSet(store)) await requireStored(text(store), cloud);
  config.configBucket ??= await serviceBucket("staging", region, cloud);
  config.tempBucket ??= await serviceBucket("temp", region, cloud);
  setDefaults(next, config, region, cloud);
}

async function linked(link: string, cloud: Cloud): Promise<string> {
  const name = nameIn(link, cloud);
  await requireStored(name, cloud);
  return linkTo(name);
}

/** What would be believed to happen. */
const UNSERVED: Readonly<Record<string, string>> = {
  initializationActions: "Initialization actions are not run by this cloud.",
  lifecycleConfig: "This cloud deletes no cluster by itself.",
  autoscalingConfig: "Clusters of one node are not scaled.",
};

function problems(cluster: JsonObject): Violation[] {
  const config = objectAt(cluster, "config");
  const properties = objectAt(objectAt(config, "softwareConfig"), "properties");
  const found: Violation[] = [];
  const report = (field: string, description: string) => found.push({ field: `cluster.config.${field}`, description });
  const workers = Number(objectAt(config, "workerConfig").numInstances ?? 0);
  const masters = Number(objectAt(config, "masterConfig").numInstances ?? 1);
  if (workers > 0 || masters !== 1 || isSet(config.secondaryWorkerConfig))
    report(
      "worker_config",
      `Got ${masters} masters and ${workers} workers; this cloud runs single-node clusters only.`,
    );
  else if (properties[ZERO_WORKERS] !== "true")
    report("software_config.properties", `${ZERO_WORKERS} must be "true" for a cluster without workers.`);
  const version = text(objectAt(config, "softwareConfig").imageVersion);
  if (version !== "" && !/^2\.3(\.\d+)?(-\w+)?$/.test(version))
    report("software_config.image_version", `Got '${version}'; supported: 2.3.`);
  for (const [field, what] of Object.entries(UNSERVED)) if (isSet(config[field])) report(snakeCase(field), what);
  const directory = text(properties[LOG_DIRECTORY]);
  if (directory !== "" && !/^gs:\/\/[^/]+(\/.*)?$/.test(directory))
    report("software_config.properties", `${LOG_DIRECTORY}: got '${directory}'; expected gs://<bucket>/<folder>.`);
  return found;
}

/** What the service adds to every cluster. */
function setDefaults(cluster: JsonObject, config: JsonObject, region: string, cloud: Cloud): void {
  const { id } = cloud.project;
  const zone = linkTo(`projects/${id}/zones/${region}-a`);
  const name = text(cluster.clusterName);
  cluster.projectId = id;
  cluster.clusterUuid = randomUUID();
  cluster.labels = { ...objectAt(cluster, "labels"), ...ownLabels(cluster, region) };
  const machine = config.gceClusterConfig as JsonObject;
  machine.zoneUri ??= zone;
  machine.internalIpOnly ??= true;
  machine.serviceAccountScopes = scopes((machine.serviceAccountScopes ?? []) as string[]);
  const software = objectAt(config, "softwareConfig");
  config.softwareConfig = {
    ...software,
    imageVersion: isSet(software.imageVersion) ? software.imageVersion! : "2.3-debian12",
    properties: { "hdfs:dfs.replication": "1", ...objectAt(software, "properties") },
  };
  const master = objectAt(config, "masterConfig");
  const type = text(master.machineTypeUri) || "n1-standard-4";
  config.masterConfig = {
    ...master,
    numInstances: 1,
    instanceNames: [`${name}-m`],
    machineTypeUri: type.includes("/") ? type : `${zone}/machineTypes/${type}`,
    diskConfig: { bootDiskSizeGb: 1000, bootDiskType: "pd-standard", ...objectAt(master, "diskConfig") },
    minCpuPlatform: "AUTOMATIC",
    preemptibility: "NON_PREEMPTIBLE",
  };
  if (objectAt(config, "endpointConfig").enableHttpPortAccess === true)
    config.endpointConfig = {
      enableHttpPortAccess: true,
      httpPorts: { "Spark History Server": historyAddress(name, region, cloud) },
    };
}

const LOGGING = [
  "https://www.googleapis.com/auth/cloud.useraccounts.readonly",
  "https://www.googleapis.com/auth/logging.write",
];

/** Scopes in full; with the whole platform among them the rest is no news. */
function scopes(given: string[]): string[] {
  const full = given.map((scope) =>
    scope.startsWith("https://") ? scope : `https://www.googleapis.com/auth/${scope}`,
  );
  return full.some((scope) => scope.endsWith("/cloud-platform")) ? full : [...new Set([...LOGGING, ...full])].sort();
}

const ownLabels = ({ clusterName, clusterUuid }: JsonObject, region: string): JsonObject => ({
  "goog-dataproc-cluster-name": clusterName!,
  "goog-dataproc-cluster-uuid": clusterUuid!,
  "goog-dataproc-location": region,
});
