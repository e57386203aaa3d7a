/**
 * Instances of services: one per service, started by its first request, replaced when there is a new revision, gone
 * with the cloud. What a killed cloud left running is ended by the next one; the next request starts it anew.
 */
import { join } from "node:path";
import type { ServerRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { deployedFolder } from "../cloudfunctions/source";
import { isManaged } from "./services";
import { sourceFolder } from "./source";

interface Instance {
  revision: string;
  run: Promise<ServerRun>;
  /** Requests that it answers now. */
  open: number;
  retired: boolean;
}

/** Where an instance is, while it may run. */
const KEYS = "run/instances/";

export class Instances {
  private readonly live = new Map<string, Instance>();
  private readonly ending = new Set<Promise<unknown>>();
  private closing = false;
  private starts = 0;

  constructor(private readonly cloud: Cloud) {}

  /** Lends the socket of the service's newest revision for one request. */
  async use(service: JsonObject, request: (socket: string) => Promise<void>): Promise<void> {
    const instance = this.instance(service);
    instance.open += 1;
    try {
      const { socket } = await instance.run.catch((error: Error) => {
        throw new ApiError("UNAVAILABLE", `${textOf(service.uri)}: could not be started: ${error.message}`);
      });
      await request(socket);
    } catch (error) {
      // It may be dying: whoever asks next gets a new one.
      if (error instanceof ApiError && error.status === "UNAVAILABLE") this.retire(service, instance);
      throw error;
    } finally {
      instance.open -= 1;
      if (instance.retired && instance.open === 0) this.stop(instance);
    }
  }

  async recover(): Promise<void> {
    for (const { key, value } of await this.cloud.store.list(KEYS)) {
      await this.cloud.engines.servers.stopEarlier(textOf(value.folder));
      await this.cloud.store.write({ delete: [key] });
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    for (const instance of this.live.values()) this.stop(instance);
    while (this.ending.size > 0) await Promise.all([...this.ending]);
  }

  /** Requests that the older revision still answers are let end; none is sent to it any more. */
  private instance(service: JsonObject): Instance {
    if (this.closing) throw new ApiError("UNAVAILABLE", "The cloud is being shut down.");
    const name = textOf(service.name);
    const revision = textOf(service.latestReadyRevision);
    const known = this.live.get(name);
    if (known?.revision === revision) return known;
    const made: Instance = { revision, run: this.start(service), open: 0, retired: false };
    this.live.set(name, made);
    const forget = () => this.live.get(name) === made && this.live.delete(name);
    made.run.then(({ ended }) => ended.then(forget, forget), forget);
    if (known) this.retire(service, known);
    return made;
  }

  /** Ends once it has answered what it was asked. */
  private retire({ name }: JsonObject, instance: Instance): void {
    if (this.live.get(textOf(name)) === instance) this.live.delete(textOf(name));
    if (instance.retired) return;
    instance.retired = true;
    if (instance.open === 0) this.stop(instance);
  }

  private stop(instance: Instance): void {
    const end: Promise<unknown> = instance.run
      .then((run) => run.stop())
      .catch((error: unknown) =>
        this.cloud.log.error({ err: error, revision: instance.revision }, "instance was not ended"),
      )
      .finally(() => this.ending.delete(end));
    this.ending.add(end);
  }

  private async start(service: JsonObject): Promise<ServerRun> {
    const { cloud } = this;
    const revision = textOf(service.latestReadyRevision).split("/").at(-1)!;
    const instance = `${revision}-${(this.starts += 1)}`;
    const folder = join(cloud.folder, "instances", instance);
    const template = service.template as JsonObject;
    const [container = {}] = (template.containers ?? []) as JsonObject[];
    const program = await programOf(service, container, cloud);
    const door = await cloud.door;
    const metadata = await cloud.principals.metadataServer(textOf(template.serviceAccount));
    const key = `${KEYS}${instance}`;
    const release = async () => {
      await metadata.close();
      await cloud.store.write({ delete: [key] });
    };
    try {
      await cloud.store.write({ put: { [key]: { folder } } });
      const environment = { ...variablesOf(container), ...contractOf(service, revision), ...program.environment };
      const memoryMb = megabytes(textOf(((container.resources as JsonObject).limits as JsonObject).memory));
      const place = { folder, source: program.source, metadataHost: metadata.host, memoryMb, door };
      const run = await cloud.engines.servers.start({ ...program, ...place, environment });
      const released: Promise<unknown> = run.ended
        .then(release, release)
        .catch((error: unknown) => cloud.log.error({ err: error, revision }, "instance was not released"))
        .finally(() => this.ending.delete(released));
      this.ending.add(released);
      cloud.log.info({ service: textOf(service.name), revision, pid: run.pid }, "instance started");
      return run;
    } catch (error) {
      await release();
      cloud.log.error({ err: error, service: textOf(service.name) }, "instance was not started");
      throw error;
    }
  }
}

/** One for each cloud of this process: tests have several. */
const known = new WeakMap<Cloud, Instances>();
export function instancesOf(cloud: Cloud): Instances {
  const instances = known.get(cloud) ?? new Instances(cloud);
  known.set(cloud, instances);
  return instances;
}

async function programOf(service: JsonObject, container: JsonObject, cloud: Cloud) {
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
    return { source, command: (container.args ?? ["index.js"]) as string[], environment: {} };
  }
  const image = cloud.engines.servers.image(textOf(container.image));
  if (!image) throw new ApiError("NOT_FOUND", `Image '${textOf(container.image)}' not found.`);
  return { source: image.folder, command: image.command, environment: {} };
}

function variablesOf({ env }: JsonObject): Record<string, string> {
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
