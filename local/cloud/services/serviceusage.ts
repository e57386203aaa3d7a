/** Service Usage v1 and v1beta1: which APIs of the project are on, and the identities that Google makes for some. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cloud } from "../cloud";
import { pageOf } from "../engine/list";
import { ApiError } from "../errors";
import type { Behaviour, Call, Json, JsonObject, Service } from "../service";
import { agentEmail } from "./serviceusage-agents";

/** The two versions answer in different message types. */
function versionOf(version: "v1" | "v1beta1"): Service {
  const on: Behaviour = (call, cloud) => setState(version, call, cloud, [serviceOf(call.path.name)], true);
  const off: Behaviour = (call, cloud) => setState(version, call, cloud, [serviceOf(call.path.name)], false);
  const batchOn: Behaviour = (call, cloud) => setState(version, call, cloud, idsIn(call.body.serviceIds), true);
  return {
    apis: [`serviceusage.${version}`],
    types: [],
    methods: {
      "serviceusage.services.list": listServices,
      "serviceusage.services.get": (call, cloud) => readService(serviceOf(call.path.name), cloud),
      "serviceusage.services.enable": on,
      "serviceusage.services.disable": off,
      "serviceusage.services.batchEnable": batchOn,
      "serviceusage.services.batchGet": batchGet,
      "serviceusage.services.generateServiceIdentity": generateIdentity,
    },
  };
}

export const serviceUsage: readonly Service[] = [versionOf("v1"), versionOf("v1beta1")];

/** On in every new project. Source: https://cloud.google.com/service-usage/docs/enabled-service */
const DEFAULT_SERVICES: ReadonlySet<string> = new Set(
  [
    "bigquery",
    "bigquerystorage",
    "cloudapis",
    "cloudtrace",
    "datastore",
    "logging",
    "monitoring",
    "servicemanagement",
    "serviceusage",
    "sql-component",
    "storage",
    "storage-api",
    "storage-component",
  ].map((name) => `${name}.googleapis.com`),
);

/** Services that the lab may enable and whose descriptions this cloud does not have. */
const UNDESCRIBED = [
  ...["bigquerystorage", "cloudapis", "cloudtrace", "container", "dataform", "dataplex", "datastore", "eventarc"],
  ...["networkconnectivity", "servicemanagement", "sql-component", "storage-api", "storage-component"],
];

const stateKey = (service: string) => `serviceusage/services/${service}`;
const resourceName = (service: string, cloud: Cloud) => `projects/${cloud.project.number}/services/${service}`;
const serviceOf = (name: string | undefined) => (name ?? "").split("/").at(-1) ?? "";
const idsIn = (value: Json | undefined) => (Array.isArray(value) ? value.map(String) : []);

const catalogues = new Map<string, ReadonlyMap<string, string>>();

/** Every service that Google describes, with its title. */
function catalogue({ descriptions }: Cloud): ReadonlyMap<string, string> {
  const known = catalogues.get(descriptions);
  if (known) return known;
  const names = readdirSync(descriptions)
    .filter((file) => file.endsWith(".json") && file !== "index.json")
    .map((file) => file.split(".")[0]!);
  const titles = new Map([...names, ...UNDESCRIBED].map((name) => [`${name}.googleapis.com`, ""]));
  catalogues.set(descriptions, titles);
  return titles;
}

/** The description's title, read only for what is shown. */
function titleOf(service: string, { descriptions }: Cloud): string | undefined {
  const prefix = `${service.replace(/\.googleapis\.com$/, "")}.v`;
  const file = readdirSync(descriptions).find((name) => name.startsWith(prefix));
  return file && /^\s*"title": "([^"]*)"/m.exec(readFileSync(join(descriptions, file), "utf8"))?.[1];
}

async function isEnabled(service: string, cloud: Cloud): Promise<boolean> {
  const stored = await cloud.store.get(stateKey(service));
  return stored ? stored.state === "ENABLED" : DEFAULT_SERVICES.has(service);
}

async function readService(service: string, cloud: Cloud): Promise<JsonObject> {
  requireKnown([service], cloud);
  const title = titleOf(service, cloud);
  return {
    name: resourceName(service, cloud),
    config: { name: service, ...(title && { title }) },
    state: (await isEnabled(service, cloud)) ? "ENABLED" : "DISABLED",
    parent: `projects/${cloud.project.number}`,
  };
}

/** Google's answer for services that do not exist, or that the caller may not see. */
function requireKnown(services: readonly string[], cloud: Cloud): void {
  const unknown = services.filter((service) => !catalogue(cloud).has(service));
  if (unknown.length === 0) return;
  const details = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED",
    domain: "serviceusage.googleapis.com",
    metadata: { services: unknown.join(",") },
  };
  throw new ApiError("PERMISSION_DENIED", `Not found or permission denied for service(s): ${unknown.join(", ")}.`, [
    details,
  ]);
}

async function setState(
  version: string,
  call: Call,
  cloud: Cloud,
  services: readonly string[],
  enabled: boolean,
): Promise<Json> {
  if (services.length === 0) throw new ApiError("INVALID_ARGUMENT", "Required field is not set: service_ids");
  requireKnown(services, cloud);
  const state = enabled ? "ENABLED" : "DISABLED";
  await cloud.store.write({ put: Object.fromEntries(services.map((service) => [stateKey(service), { state }])) });
  const read = await Promise.all(services.map((service) => readService(service, cloud)));
  const type = call.methodId.endsWith(".batchEnable")
    ? "BatchEnableServices"
    : enabled
      ? "EnableService"
      : "DisableService";
  return cloud.operations.done({
    parent: "",
    metadata: {
      "@type": `${TYPES}.${version}.OperationMetadata`,
      resourceNames: services.map((service) => resourceName(service, cloud)),
    },
    response: {
      "@type": `${TYPES}.${version}.${type}Response`,
      ...(type === "BatchEnableServices" ? { services: read } : { service: read[0]! }),
    },
    call,
  });
}

const TYPES = "type.googleapis.com/google.api.serviceusage";

async function listServices(call: Call, cloud: Cloud): Promise<Json> {
  const enabledOnly = call.query.filter === "state:ENABLED";
  const stored = await cloud.store.list(stateKey(""));
  const names = enabledOnly
    ? new Set([...DEFAULT_SERVICES, ...stored.map(({ key }) => key.slice(stateKey("").length))])
    : catalogue(cloud).keys();
  const services: { key: string; value: JsonObject }[] = [];
  for (const name of names) {
    const state = (await isEnabled(name, cloud)) ? "ENABLED" : "DISABLED";
    services.push({
      key: name,
      value: { name: resourceName(name, cloud), config: { name }, state, parent: `projects/${cloud.project.number}` },
    });
  }
  const { items, nextPageToken } = pageOf(services, call);
  return { ...(items.length > 0 && { services: items }), ...(nextPageToken && { nextPageToken }) };
}

async function batchGet(call: Call, cloud: Cloud): Promise<Json> {
  const names = [call.query.names ?? []].flat().map(serviceOf);
  return { services: await Promise.all(names.map((name) => readService(name, cloud))) };
}

/** Makes the service's agent once; it stays, as on Google Cloud. */
async function generateIdentity(call: Call, cloud: Cloud): Promise<Json> {
  const service = serviceOf(call.path.parent);
  requireKnown([service], cloud);
  const email = agentEmail(service, cloud.project.number);
  if (!email) throw new ApiError("FAILED_PRECONDITION", `Service ${service} does not have a service identity.`);
  const digest = BigInt(`0x${createHash("sha256").update(email).digest("hex")}`);
  const identity: JsonObject = { email, uniqueId: `1${(digest % 10n ** 20n).toString().padStart(20, "0")}` };
  await cloud.store.write({ put: { [`serviceusage/identities/${service}`]: identity } });
  return cloud.operations.done({
    parent: "",
    metadata: { "@type": `${TYPES}.v1beta1.OperationMetadata`, resourceNames: [resourceName(service, cloud)] },
    response: { "@type": `${TYPES}.v1beta1.ServiceIdentity`, ...identity },
    call,
  });
}
