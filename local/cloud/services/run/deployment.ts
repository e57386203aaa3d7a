/** What an instance runs: a program with its variables, as which account; here made of a service of Cloud Run. */
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { deployedFolder } from "../cloudfunctions/source";
import { imageProgram, type Program } from "./images";
import { isManaged } from "./managed";
import { sourceFolder } from "./source";

export interface Deployment {
  /** Full name of what is served; one instance at a time serves it. */
  name: string;
  /** How messages call it. */
  title: string;
  /** Another one has another program; the instance's folder is named by it. */
  revision: string;
  account: string;
  environment: Readonly<Record<string, string>>;
  memoryMb: number;
  /** That the program listens on. */
  port: number;
  program: () => Promise<Program>;
  /** What the entries of its log are of; without it, what it prints stays in the instance's folder. */
  resource?: JsonObject;
}

export function serviceDeployment(service: JsonObject, cloud: Cloud): Deployment {
  const revision = textOf(service.latestReadyRevision).split("/").at(-1)!;
  const template = service.template as JsonObject;
  const [container = {}] = (template.containers ?? []) as JsonObject[];
  const [port = {}] = (container.ports ?? []) as JsonObject[];
  return {
    name: textOf(service.name),
    title: textOf(service.uri),
    revision,
    account: textOf(template.serviceAccount),
    environment: { ...variablesOf(container), ...contractOf(service, revision) },
    memoryMb: megabytes(textOf(((container.resources as JsonObject).limits as JsonObject).memory)),
    port: Number(port.containerPort ?? 8080),
    program: () => programOf(service, container, cloud),
    resource: resourceOf(textOf(service.name), revision, cloud),
  };
}

/** Source: https://cloud.google.com/monitoring/api/resources#tag_cloud_run_revision */
function resourceOf(name: string, revision: string, { project }: Cloud): JsonObject {
  const [, , , location = "", , id = ""] = name.split("/");
  const names = { service_name: id, revision_name: revision, configuration_name: id };
  return { type: "cloud_run_revision", labels: { project_id: project.id, location, ...names } };
}

async function programOf(service: JsonObject, container: JsonObject, cloud: Cloud): Promise<Program> {
  if (isManaged(service)) {
    const name = textOf(service.name).replace("/services/", "/functions/");
    const deployed = await cloud.store.get(name);
    if (!deployed) throw new ApiError("NOT_FOUND", `Function '${name}' was not found.`);
    const functionTarget = textOf((deployed.buildConfig as JsonObject).entryPoint);
    const environment = { FUNCTION_TARGET: functionTarget, FUNCTION_SIGNATURE_TYPE: "http" };
    return { source: await deployedFolder(deployed, cloud), functionTarget, environment };
  }
  if (container.sourceCode) {
    const source = sourceFolder(textOf(service.name), container, cloud);
    return { source, command: (container.args ?? ["index.js"]) as string[] };
  }
  return imageProgram(textOf(container.image), cloud);
}

export function variablesOf({ env }: JsonObject): Record<string, string> {
  return Object.fromEntries(((env ?? []) as JsonObject[]).map(({ name, value }) => [textOf(name), textOf(value)]));
}

/** Source: https://cloud.google.com/run/docs/container-contract */
function contractOf(service: JsonObject, revision: string): Record<string, string> {
  const id = textOf(service.name).split("/").at(-1)!;
  return { K_SERVICE: id, K_CONFIGURATION: id, K_REVISION: revision };
}

/** `512Mi`, `256M`, `1Gi` as megabytes. */
function megabytes(quantity: string): number {
  const [, amount = "512", unit = "Mi"] = /^([\d.]+)(Ki|Mi|Gi|k|M|G)?$/.exec(quantity) ?? [];
  const factors: Record<string, number> = { Ki: 1 / 1024, k: 1 / 1000, Mi: 1, M: 1, Gi: 1024, G: 1000 };
  return Math.max(64, Math.round(Number(amount) * (factors[unit] ?? 1)));
}
