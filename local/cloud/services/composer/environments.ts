/**
 * Environments of Composer 3. The bucket of an environment is made with it unless the program brings one, and stays when
 * it goes. An environment is ready as soon as it is recorded: its Airflow starts with its first use.
 */
import { createHash, randomUUID } from "node:crypto";
import { badRequest } from "../../contract/validate";
import type { Violation } from "../../contract/validate-schema";
import { ApiError } from "../../errors";
import { isObject, textOf } from "../../json";
import type { Hook, JsonObject, OperationForm, ResourceType } from "../../service";
import { nameIn } from "../compute/links";
import { airflowsOf } from "./airflows";
import { airflowUri, bucketOf, settingProblems } from "./places";
import { agent, ensureBucket, requireActAs, requireBucket, requireStored } from "../references";

const IMAGE = /^composer-3-airflow-3(\.\d+(\.\d+(-build\.\d+)?)?)?$/;
/** Of a small environment. Source: https://cloud.google.com/composer/docs/composer-3/scale-environments */
const WORKLOADS: JsonObject = {
  scheduler: { count: 1, cpu: 0.5, memoryGb: 2, storageGb: 1 },
  dagProcessor: { count: 1, cpu: 1, memoryGb: 4, storageGb: 1 },
  triggerer: { count: 1, cpu: 0.5, memoryGb: 1 },
  webServer: { cpu: 1, memoryGb: 2, storageGb: 1 },
  worker: { cpu: 0.5, memoryGb: 2, storageGb: 10, minCount: 1, maxCount: 3 },
};

const VERBS = { create: "CREATE", patch: "UPDATE", delete: "DELETE" } as const;

const finished: OperationForm = ({ verb, name, resource, call, cloud }) => {
  const now = cloud.now().toISOString();
  const metadata: JsonObject = {
    "@type": "type.googleapis.com/google.cloud.orchestration.airflow.service.v1beta1.OperationMetadata",
    ...{ createTime: now, endTime: now, operationType: VERBS[verb], state: "SUCCESSFUL" },
    ...{ resource: name, resourceUuid: resource.uuid! },
  };
  const response: JsonObject =
    verb === "delete"
      ? { "@type": "type.googleapis.com/google.protobuf.Empty" }
      : { "@type": "type.googleapis.com/google.cloud.orchestration.airflow.service.v1beta1.Environment", ...resource };
  const { operation, put } = cloud.operations.prepareDone({
    parent: name.split("/environments/")[0]!,
    metadata,
    response,
    call,
  });
  return { answer: operation, put };
};

export const environmentType: ResourceType = {
  collection: "composer.projects.locations.environments",
  schema: "Environment",
  listField: "environments",
  name: "projects/{project}/locations/{location}/environments/{id}",
  id: { bodyName: true },
  idPattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  required: ["name", "config.softwareConfig.imageVersion", "config.nodeConfig.serviceAccount"],
  immutable: ["config.nodeConfig.serviceAccount", "config.nodeConfig.tags", "storageConfig"],
  defaults: {
    "config.environmentSize": "ENVIRONMENT_SIZE_SMALL",
    "config.privateEnvironmentConfig.networkingType": "PUBLIC",
  },
  serverSet: {
    uuid: () => randomUUID(),
    "config.airflowUri": ({ resource }) => airflowUri(resource),
    "config.dagGcsPrefix": ({ resource }) => `gs://${bucketOf(resource)}/dags`,
  },
  operations: { create: true, patch: true, delete: true, responseType: "", form: finished },
  before: { create: prepare, patch: prepare },
  after: {
    patch: ({ current, next, cloud }) => airflowsOf(cloud).changed(current!, next),
    delete: ({ next, cloud }) => airflowsOf(cloud).remove(next),
  },
  source: "https://cloud.google.com/composer/docs/reference/rest/v1beta1/projects.locations.environments",
};

async function prepare({ next, call, cloud }: Parameters<Hook>[0]): Promise<void> {
  const violations = problems(next);
  if (violations.length > 0) throw badRequest(violations);
  const config = next.config as JsonObject;
  const node = config.nodeConfig as JsonObject;
  config.workloadsConfig = merged(WORKLOADS, config.workloadsConfig as JsonObject | undefined);
  await requireActAs(textOf(node.serviceAccount), call, cloud);
  for (const link of [node.network, node.subnetwork]) if (link) await requireStored(nameIn(textOf(link), cloud), cloud);
  next.state = "RUNNING";
  const given = textOf((next.storageConfig as JsonObject | undefined)?.bucket);
  if (given) {
    await requireBucket(given, call, cloud, "Environment's bucket");
    await requireOwn(given, next, cloud);
  } else {
    const region = textOf(next.name).split("/")[3]!;
    const id = textOf(next.name).split("/").at(-1)!;
    const digest = createHash("sha256")
      .update(`${textOf(next.name)} ${cloud.now().toISOString()}`)
      .digest("hex");
    const bucket = `${region}-${id}-${digest.slice(0, 8)}-bucket`;
    await ensureBucket(bucket, region, agent("cloudcomposer-accounts", cloud), cloud);
    next.storageConfig = { bucket };
  }
}

/** A bucket serves one environment at a time. */
async function requireOwn(bucket: string, { name }: JsonObject, cloud: Parameters<Hook>[0]["cloud"]): Promise<void> {
  const all = await cloud.store.list(`projects/${cloud.project.id}/locations/`);
  const other = all.find(
    ({ key, value }) => /\/environments\/[^/]+$/.test(key) && key !== name && bucketOf(value) === bucket,
  );
  if (other) throw new ApiError("FAILED_PRECONDITION", `Bucket '${bucket}' is used by the environment '${other.key}'.`);
}

function problems(next: JsonObject): Violation[] {
  const { softwareConfig } = next.config as JsonObject;
  const { imageVersion, pypiPackages, airflowConfigOverrides } = softwareConfig as JsonObject;
  const found: Violation[] = [];
  const report = (field: string, description: string) => found.push({ field: `environment.${field}`, description });
  if (!IMAGE.test(textOf(imageVersion)))
    report(
      "config.software_config.image_version",
      `Got '${textOf(imageVersion)}'; expected an image of Composer 3 with Airflow 3, e.g. composer-3-airflow-3.`,
    );
  if (isObject(pypiPackages) && Object.keys(pypiPackages).length > 0)
    report(
      "config.software_config.pypi_packages",
      `Got ${Object.keys(pypiPackages).join(", ")}; packages are not installed by this cloud.`,
    );
  for (const problem of settingProblems((airflowConfigOverrides ?? {}) as Record<string, string>))
    report("config.software_config.airflow_config_overrides", problem);
  return found;
}

function merged(defaults: JsonObject, given: JsonObject = {}): JsonObject {
  const entries = Object.entries(defaults).map(([name, values]) => [
    name,
    { ...(values as JsonObject), ...(given[name] as JsonObject | undefined) },
  ]);
  return Object.fromEntries(entries) as JsonObject;
}
