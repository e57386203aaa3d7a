/** Functions: source checked and kept, service account checked, the service behind it made, changed and removed with it. */
import { createHash } from "node:crypto";
import { badRequest } from "../../contract/validate";
import { setDefaults } from "../../engine/resource";
import type { Violation } from "../../contract/validate-schema";
import { isObject, textOf } from "../../json";
import type { Hook, Json, JsonObject, ResourceType } from "../../service";
import { defaultAccount, requireActAs, requireStored } from "../references";
import { functionUrl } from "../run/addresses";
import { putManaged, removeManaged } from "../run/services";
import { forgetFiles, keepSource } from "./source";

/** Runtimes that this machine's Node runs. Source: https://cloud.google.com/functions/docs/runtime-support */
const RUNTIMES = ["nodejs20", "nodejs22", "nodejs24"];

export const functionType: ResourceType = {
  collection: "cloudfunctions.projects.locations.functions",
  schema: "Function",
  listField: "functions",
  name: "projects/{project}/locations/{location}/functions/{id}",
  id: { query: "functionId" },
  idPattern: /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
  messages: {
    exists: (name) =>
      `Could not create Cloud Run service ${name.split("/").at(-1)}. A Cloud Function with this name already exists.`,
  },
  required: ["buildConfig"],
  defaults: {
    "buildConfig.dockerRegistry": "ARTIFACT_REGISTRY",
    "serviceConfig.availableMemory": "256M",
    "serviceConfig.availableCpu": "0.1666",
    "serviceConfig.timeoutSeconds": 60,
    "serviceConfig.maxInstanceCount": 100,
    "serviceConfig.maxInstanceRequestConcurrency": 1,
    "serviceConfig.ingressSettings": "ALLOW_ALL",
    "serviceConfig.allTrafficOnLatestRevision": true,
  },
  serverSet: { environment: () => "GEN_2", url: ({ resource, cloud }) => functionUrl(textOf(resource.name), cloud) },
  operations: {
    ...{ create: true, patch: true, delete: true },
    responseType: "google.cloud.functions.v2beta.Function",
    metadataType: "google.cloud.functions.v2beta.OperationMetadata",
  },
  policy: true,
  before: { create: deploy, patch: deploy },
  after: {
    delete: async ({ current, cloud }) => {
      await removeManaged(serviceOf(textOf(current!.name)), cloud);
      await forgetFiles(textOf(current!.name), cloud);
    },
  },
  source: "https://cloud.google.com/functions/docs/reference/rest/v2beta/projects.locations.functions",
};

/** Checks all that the function names, keeps its source, and makes the service of the revision that results. */
async function deploy({ next, call, cloud }: Parameters<Hook>[0]): Promise<void> {
  // A change may have taken a whole part away.
  setDefaults(functionType, next);
  const violations = problems(next);
  if (violations.length > 0) throw badRequest(violations);
  const name = textOf(next.name);
  const [build, service] = [part(next, "buildConfig"), part(next, "serviceConfig")];
  service.serviceAccountEmail ??= defaultAccount(cloud);
  build.serviceAccount ??= `projects/${cloud.project.id}/serviceAccounts/${defaultAccount(cloud)}`;
  await requireActAs(textOf(service.serviceAccountEmail), call, cloud);
  await requireActAs(textOf(build.serviceAccount), call, cloud);
  build.dockerRepository ??= ownRepository(name);
  if (build.dockerRepository !== ownRepository(name)) await requireStored(textOf(build.dockerRepository), cloud);
  build.sourceProvenance = { resolvedStorageSource: await keepSource(name, part(build, "source"), call, cloud) };
  const digest = createHash("sha256")
    .update(JSON.stringify([build, service, cloud.now()]))
    .digest("hex");
  build.build = `projects/${cloud.project.number}/locations/${name.split("/")[3]}/builds/${uuidOf(digest)}`;
  const behind = await putManaged(serviceOf(name), serviceFields(next), call, cloud);
  service.service = behind.name!;
  service.uri = behind.uri!;
  service.revision = textOf(behind.latestReadyRevision).split("/").at(-1)!;
  next.state = "ACTIVE";
}

function problems(resource: JsonObject): Violation[] {
  const build = part(resource, "buildConfig");
  const source = part(part(build, "source"), "storageSource");
  const found: Violation[] = [];
  const report = (field: string, description: string) => found.push({ field: `function.${field}`, description });
  const runtime = textOf(build.runtime);
  if (!RUNTIMES.includes(runtime))
    report("build_config.runtime", `Got '${runtime}'; runtimes that this cloud runs: ${RUNTIMES.join(", ")}.`);
  if (textOf(build.entryPoint) === "") report("build_config.entry_point", "Required field is not set: entryPoint");
  if (textOf(source.bucket) === "" || textOf(source.object) === "")
    report(
      "build_config.source",
      "Expected storageSource with bucket and object; other sources are not built by this cloud.",
    );
  for (const field of ["secretEnvironmentVariables", "secretVolumes"])
    if (part(resource, "serviceConfig")[field])
      report(
        `service_config.${field}`,
        "Values from secrets are not served by this cloud; read the secret in the function.",
      );
  if (resource.eventTrigger)
    report(
      "event_trigger",
      "Eventarc triggers are not served by this cloud: push to the function's address from a subscription.",
    );
  return found;
}

/** A function's service as Cloud Run shows it. */
function serviceFields(resource: JsonObject): JsonObject {
  const service = part(resource, "serviceConfig");
  const build = part(resource, "buildConfig");
  const environment = { ...part(service, "environmentVariables"), LOG_EXECUTION_ID: "true" };
  return {
    ...(isObject(resource.labels) && { labels: resource.labels }),
    ingress: INGRESS[textOf(service.ingressSettings)] ?? "INGRESS_TRAFFIC_ALL",
    template: {
      serviceAccount: service.serviceAccountEmail!,
      timeout: `${textOf(service.timeoutSeconds)}s`,
      maxInstanceRequestConcurrency: service.maxInstanceRequestConcurrency!,
      scaling: { maxInstanceCount: service.maxInstanceCount!, minInstanceCount: service.minInstanceCount ?? 0 },
      containers: [
        {
          image: `${imageRoot(textOf(build.dockerRepository))}/${textOf(resource.name).split("/").at(-1)}`,
          env: Object.entries(environment).map(([name, value]) => ({ name, value })),
          resources: { limits: { cpu: service.availableCpu!, memory: service.availableMemory! } },
        },
      ],
    },
  };
}

const INGRESS: Readonly<Record<string, string>> = {
  ALLOW_INTERNAL_ONLY: "INGRESS_TRAFFIC_INTERNAL_ONLY",
  ALLOW_INTERNAL_AND_GCLB: "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
};

export const serviceOf = (name: string) => name.replace("/functions/", "/services/");

/** `us-central1-docker.pkg.dev/p/r` of a repository's name. */
function imageRoot(repository: string): string {
  const [, project, , location, , id] = repository.split("/");
  return `${location}-docker.pkg.dev/${project}/${id}`;
}

/** The repository that the service keeps for images of functions that name none. */
const ownRepository = (name: string) => `${name.split("/functions/")[0]}/repositories/gcf-artifacts`;
const uuidOf = (digest: string) => digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");

/** An object inside another, made if it is not there. */
function part(resource: JsonObject, field: string): JsonObject {
  const value: Json | undefined = resource[field];
  return isObject(value) ? value : (resource[field] = {});
}
