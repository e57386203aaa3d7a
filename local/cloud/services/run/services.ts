/** Services of Cloud Run: one revision, the latest, has all traffic. */
import { randomUUID } from "node:crypto";
import type { Cloud } from "../../cloud";
import { badRequest } from "../../contract/validate";
import type { Violation } from "../../contract/validate-schema";
import { policyKey } from "../../engine/policies";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Call, Hook, Json, JsonObject, ResourceType, ServerSetContext } from "../../service";
import { defaultAccount, requireActAs } from "../references";
import { serviceUrls } from "./addresses";
import { unknownImage } from "./images";
import { instancesOf } from "./instances";
import { isManaged, MANAGED_LABELS } from "./managed";
import { deploySource, forgetSource } from "./source";

/** Metastore has resources of the same names. */
export const RUN_KEYS = "run/";

const nextGeneration = ({ resource }: ServerSetContext): string => String(Number(resource.generation ?? 0) + 1);
const ready = ({ now }: ServerSetContext): JsonObject => ({
  type: "Ready",
  state: "CONDITION_SUCCEEDED",
  lastTransitionTime: now,
});

const checked: Hook = async ({ next, call, cloud }) => {
  checkTemplate(next, cloud);
  const template = next.template as JsonObject;
  await requireActAs(textOf(template.serviceAccount), call, cloud);
  const [container] = template.containers as JsonObject[];
  if (container!.sourceCode) await deploySource(textOf(next.name), container!, call, cloud);
};

export const serviceType: ResourceType = {
  collection: "run.projects.locations.services",
  schema: "GoogleCloudRunV2Service",
  listField: "services",
  name: "projects/{project}/locations/{location}/services/{id}",
  keyPrefix: RUN_KEYS,
  id: { query: "serviceId" },
  idPattern: /^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/,
  messages: {
    missing: (name) =>
      `Resource '${name.split("/").at(-1)}' of kind 'SERVICE' in region '${name.split("/")[3]}' in project '${name.split("/")[1]}' does not exist.`,
    exists: (name) => `Resource '${name.split("/").at(-1)}' already exists.`,
  },
  required: ["template"],
  operations: {
    ...{ create: true, patch: true, delete: true },
    responseType: "google.cloud.run.v2.Service",
    metadataType: "google.cloud.run.v2.Service",
  },
  policy: true,
  serverSet: {
    uid: () => randomUUID(),
    creator: ({ call }) => call.principal.email,
    uri: ({ resource, cloud }) => serviceUrls(textOf(resource.name), cloud)[0]!,
    urls: ({ resource, cloud }) => serviceUrls(textOf(resource.name), cloud),
    lastModifier: { always: ({ call }) => call.principal.email },
    generation: { always: nextGeneration },
    observedGeneration: { always: ({ resource }) => textOf(resource.generation) },
    latestCreatedRevision: { always: revision },
    latestReadyRevision: { always: revision },
    reconciling: { always: () => false },
    terminalCondition: { always: ready },
    conditions: {
      always: (context) => ["RoutesReady", "ConfigurationsReady"].map((type) => ({ ...ready(context), type })),
    },
    trafficStatuses: { always: () => [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }] },
  },
  before: {
    create: (change) => {
      withDefaults(change.next, change.cloud);
      return checked(change);
    },
    // Without a mask the body is the whole service.
    patch: (change) => {
      if (!textOf(change.call.query.updateMask)) dropUnsent(change.next, change.call);
      withDefaults(change.next, change.cloud);
      return checked(change);
    },
    delete: ({ current, call }) => refuseManaged(current!, call),
  },
  after: {
    delete: ({ current, cloud }) => {
      instancesOf(cloud).end(textOf(current!.name));
      return forgetSource(textOf(current!.name), cloud);
    },
  },
  source: "https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services",
};

/** What a program may set; the rest of a service is the server's. */
const SETTABLE = [
  ...[
    "description",
    "labels",
    "annotations",
    "client",
    "clientVersion",
    "ingress",
    "launchStage",
    "template",
    "traffic",
  ],
  ...["scaling", "customAudiences", "defaultUriDisabled", "invokerIamDisabled", "binaryAuthorization", "iapEnabled"],
];

function dropUnsent(next: JsonObject, call: Call): void {
  for (const field of SETTABLE) if (!(field in call.body)) delete next[field];
}

/** Source: defaults of Service, RevisionTemplate and Container in the API description. */
function withDefaults(service: JsonObject, cloud: Cloud): void {
  const template = (service.template ??= {}) as JsonObject;
  service.ingress ??= "INGRESS_TRAFFIC_ALL";
  service.launchStage ??= "GA";
  service.traffic ??= [{ type: "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", percent: 100 }];
  template.serviceAccount ??= defaultAccount(cloud);
  template.timeout ??= "300s";
  template.maxInstanceRequestConcurrency ??= 80;
  template.scaling = { maxInstanceCount: 100, ...(template.scaling as JsonObject | undefined) };
  for (const container of (template.containers ?? []) as JsonObject[]) {
    const resources = (container.resources ??= {}) as JsonObject;
    resources.limits = { cpu: "1000m", memory: "512Mi", ...(resources.limits as JsonObject | undefined) };
    const [port] = (container.ports ??= [{ name: "http1", containerPort: 8080 }]) as JsonObject[];
    container.startupProbe ??= {
      timeoutSeconds: 240,
      periodSeconds: 240,
      failureThreshold: 1,
      tcpSocket: { port: port?.containerPort ?? 8080 },
    };
  }
}

function checkTemplate(service: JsonObject, cloud: Cloud): void {
  const { containers } = service.template as JsonObject;
  const list = (containers ?? []) as JsonObject[];
  const violations = list.flatMap(({ image }, index) =>
    textOf(image) === ""
      ? [{ field: `service.template.containers[${index}].image`, description: "Required field is not set: image" }]
      : [],
  );
  for (const [index, { env }] of list.entries())
    for (const { name, valueSource } of (env ?? []) as JsonObject[])
      if (valueSource)
        violations.push({
          field: `service.template.containers[${index}].env`,
          description: `${textOf(name)}: values from secrets are not served by this cloud; read the secret in the program.`,
        });
  if (list.length !== 1)
    violations.push({
      field: "service.template.containers",
      description: `Got ${list.length} containers; this cloud runs services of exactly one.`,
    });
  violations.push(...unservedParts(service));
  if (violations.length > 0) throw badRequest(violations);
  if (isManaged(service)) return;
  const [{ sourceCode, command = ["node"] } = {} as JsonObject] = list;
  const image = textOf(list[0]!.image);
  if (sourceCode) return checkCommand(command, image);
  if (cloud.engines.images.list()[image]) return;
  throw unknownImage(image, cloud);
}

/** What would be believed to be there: the latest revision has all traffic, and no file system is mounted. */
function unservedParts(service: JsonObject): Violation[] {
  const template = service.template as JsonObject;
  const shares = (service.traffic as JsonObject[]).filter(({ percent = 0 }) => Number(percent) > 0);
  const isLatest = shares.every(({ type }) => type === "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST");
  const problems: [boolean, string, string][] = [
    [!isLatest, "traffic", "Expected all of it at the latest revision: others are not kept by this cloud."],
    [textOf(template.revision) !== "", "template.revision", "Revisions are named by this cloud; expected no name."],
    [((template.volumes ?? []) as Json[]).length > 0, "template.volumes", "Volumes are not mounted by this cloud."],
  ];
  return problems
    .filter(([isWrong]) => isWrong)
    .map(([, field, description]) => ({ field: `service.${field}`, description }));
}

/** Source that was deployed without a build runs on a base image; here that is this machine's Node. */
function checkCommand(command: Json, image: string): void {
  const field = "service.template.containers[0]";
  const isNode = Array.isArray(command) && command.length === 1 && command[0] === "node";
  const violations = [
    ...(isNode
      ? []
      : [{ field: `${field}.command`, description: `Got ${JSON.stringify(command)}; expected ["node"].` }]),
    ...(image === "scratch"
      ? []
      : [{ field: `${field}.image`, description: `Got '${image}'; expected scratch where there is source_code.` }]),
  ];
  if (violations.length > 0) throw badRequest(violations);
}

function refuseManaged(service: JsonObject, call: Call): void {
  if (!isManaged(service) || call.principal.email.endsWith("@gcf-admin-robot.iam.gserviceaccount.com")) return;
  throw new ApiError(
    "FAILED_PRECONDITION",
    `Service '${textOf(service.name)}' belongs to a function; delete the function instead.`,
  );
}

/** `<service>-00001-abc`: a number that counts, and letters that tell revisions of services of one name apart. */
function revision({ resource }: ServerSetContext): string {
  const id = textOf(resource.name).split("/").at(-1)!;
  const tail = textOf(resource.uid).slice(0, 3);
  return `${textOf(resource.name)}/revisions/${id}-${textOf(resource.generation).padStart(5, "0")}-${tail}`;
}

/** Stores the service behind a function, as the functions service makes it; its policy stays over changes. */
export async function putManaged(name: string, fields: JsonObject, call: Call, cloud: Cloud): Promise<JsonObject> {
  const key = `${RUN_KEYS}${name}`;
  const known = await cloud.store.get(key);
  if (known && !isManaged(known))
    throw new ApiError("ALREADY_EXISTS", `Resource '${name}' already exists and is not a function's.`);
  const now = cloud.now().toISOString();
  const service: JsonObject = {
    ...known,
    ...fields,
    name,
    labels: { ...(fields.labels as JsonObject | undefined), ...MANAGED_LABELS },
  };
  withDefaults(service, cloud);
  if (!known) Object.assign(service, { createTime: now });
  service.updateTime = now;
  for (const [field, compute] of Object.entries(serviceType.serverSet!)) {
    const context: ServerSetContext = { resource: service, call, cloud, now, on: known ? "patch" : "create" };
    if (typeof compute !== "function") service[field] = compute.always(context);
    else if (!known) service[field] = compute(context);
  }
  await cloud.store.write({ put: { [key]: service } });
  return service;
}

export async function removeManaged(name: string, cloud: Cloud): Promise<void> {
  await cloud.store.write({ delete: [`${RUN_KEYS}${name}`, policyKey(`//run.googleapis.com/${name}`)] });
  instancesOf(cloud).end(name);
}
