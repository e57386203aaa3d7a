/**
 * Instances of what is deployed: one each, started by its first request, replaced when there is a new revision, gone
 * with the cloud. What a killed cloud left running is ended by the next one; the next request starts it anew.
 */
import { join } from "node:path";
import type { ServerRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { Deployment } from "./deployment";
import { INSTANCES, outputOf } from "./output";

interface Instance {
  revision: string;
  run: Promise<ServerRun>;
  /** Requests that it answers now. */
  open: number;
  retired: boolean;
}

export class Instances {
  private readonly live = new Map<string, Instance>();
  private readonly ending = new Set<Promise<unknown>>();
  private recovered: Promise<void> | undefined;
  private closing = false;
  private starts = 0;

  constructor(private readonly cloud: Cloud) {}

  /** Lends the socket of the deployment's newest revision for one request. */
  async use<T>(deployment: Deployment, request: (socket: string) => Promise<T>): Promise<T> {
    const instance = this.instance(deployment);
    instance.open += 1;
    try {
      const { socket } = await instance.run.catch((error: Error) => {
        throw new ApiError("UNAVAILABLE", `${deployment.title}: could not be started: ${error.message}`);
      });
      return await request(socket);
    } catch (error) {
      // It may be dying: whoever asks next gets a new one.
      if (error instanceof ApiError && error.status === "UNAVAILABLE") this.retire(deployment.name, instance);
      throw error;
    } finally {
      instance.open -= 1;
      outputOf(this.cloud).grown();
      if (instance.retired && instance.open === 0) this.stop(instance);
    }
  }

  /** What is served no more: its instance ends once it has answered what it was asked. */
  end(name: string): void {
    const instance = this.live.get(name);
    if (instance) this.retire(name, instance);
  }

  /** Ends what an earlier cloud started, once, before anything is started. */
  recover(): Promise<void> {
    this.recovered ??= this.stopEarlier();
    return this.recovered;
  }

  async close(): Promise<void> {
    this.closing = true;
    for (const instance of this.live.values()) this.stop(instance);
    while (this.ending.size > 0) await Promise.all([...this.ending]);
    await outputOf(this.cloud).close();
  }

  private async stopEarlier(): Promise<void> {
    for (const { key, value } of await this.cloud.store.list(INSTANCES)) {
      await this.cloud.engines.servers.stopEarlier(textOf(value.folder));
      await outputOf(this.cloud).end(key);
    }
  }

  /** Requests that the older revision still answers are let end; none is sent to it any more. */
  private instance(deployment: Deployment): Instance {
    if (this.closing) throw new ApiError("UNAVAILABLE", "The cloud is being shut down.");
    const { name, revision } = deployment;
    const known = this.live.get(name);
    if (known?.revision === revision) return known;
    const made: Instance = { revision, run: this.start(deployment), open: 0, retired: false };
    this.live.set(name, made);
    const forget = () => this.live.get(name) === made && this.live.delete(name);
    made.run.then(({ ended }) => ended.then(forget, forget), forget);
    if (known) this.retire(name, known);
    return made;
  }

  /** Ends once it has answered what it was asked. */
  private retire(name: string, instance: Instance): void {
    if (this.live.get(name) === instance) this.live.delete(name);
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

  private async start(deployment: Deployment): Promise<ServerRun> {
    const { cloud } = this;
    const { name, revision, account, memoryMb, port } = deployment;
    const instance = `${revision}-${(this.starts += 1)}`;
    const folder = join(cloud.folder, "instances", instance);
    const { environment: own, ...program } = await deployment.program();
    await this.recover();
    const door = await cloud.door;
    const metadata = await cloud.principals.metadataServer(account);
    const key = `${INSTANCES}${instance}`;
    const output = outputOf(cloud);
    const release = async () => {
      await metadata.close();
      await output.end(key);
    };
    try {
      await cloud.store.write({ put: { [key]: output.recordOf(instance, folder, deployment) } });
      // Variables of the image stand behind those of the deployment, as a container's do.
      const environment = { ...own, ...deployment.environment };
      const place = { folder, metadataHost: metadata.host, memoryMb, port, door };
      const run = await cloud.engines.servers.start({ ...program, ...place, environment });
      const released: Promise<unknown> = run.ended
        .then(release, release)
        .catch((error: unknown) => cloud.log.error({ err: error, revision }, "instance was not released"))
        .finally(() => this.ending.delete(released));
      this.ending.add(released);
      cloud.log.info({ service: name, revision, pid: run.pid }, "instance started");
      return run;
    } catch (error) {
      await release();
      cloud.log.error({ err: error, service: name }, "instance was not started");
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
