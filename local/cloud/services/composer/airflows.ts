/**
 * The Airflows of environments: started by their first use, gone with the cloud. What a killed cloud left running is
 * ended by the next one and started anew, so that its runs go on.
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { AirflowEnvironment, AirflowRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import { ApiError } from "../../errors";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { copyDags } from "./dags";
import { accountOf, airflowUri, bucketOf, hasTriggerer, settingsOf, variablesOf } from "./places";
import { logDelivery } from "./task-logs";

/** Where an Airflow is, while it may run. */
const KEYS = "composer/airflows/";
/** Where Airflow's own commands are. */
export const commandKey = (environment: string, id = "") => `composer/commands/${environment}/${id}`;
/** How often the bucket and the logs are looked at while Airflow lives. */
const LOOK_MS = 2000;

interface Live {
  run: AirflowRun;
  environment: AirflowEnvironment;
  /** Resolves when nothing of it is used any more. */
  released: Promise<unknown>;
}

export class Airflows {
  private readonly live = new Map<string, Promise<Live>>();
  private readonly ending = new Set<Promise<unknown>>();
  private closing = false;

  constructor(private readonly cloud: Cloud) {}

  /** The environment's Airflow; its first use waits until it answers. */
  async use(resource: JsonObject): Promise<Live> {
    if (this.closing) throw new ApiError("UNAVAILABLE", "The cloud is being shut down.");
    const problem = this.cloud.engines.airflow.problem();
    if (problem) throw new ApiError("UNAVAILABLE", problem);
    const name = textOf(resource.name);
    const known = this.live.get(name);
    const started = known ?? this.start(resource);
    this.live.set(name, started);
    if (!known) {
      const forget = () => this.live.get(name) === started && this.live.delete(name);
      started.then(({ run }) => run.ended.then(forget, forget), forget);
    }
    return started.catch((error: Error) => {
      throw new ApiError("UNAVAILABLE", `${name}: Airflow could not be started: ${error.message}`);
    });
  }

  /** Processes learn variables and settings when they start. */
  async changed(before: JsonObject, after: JsonObject): Promise<void> {
    const told = (resource: JsonObject) =>
      JSON.stringify([variablesOf(resource, ""), settingsOf(resource), hasTriggerer(resource)]);
    if (!this.live.has(textOf(after.name)) || told(before) === told(after)) return;
    await this.end(textOf(after.name));
    this.startBehind(after);
  }

  /** When an environment is deleted: its bucket stays, its Airflow with its database goes. */
  async remove(resource: JsonObject): Promise<void> {
    const name = textOf(resource.name);
    await this.end(name);
    await rm(this.folder(resource), { recursive: true, force: true });
    const commands = await this.cloud.store.list(commandKey(name));
    await this.cloud.store.write({ delete: commands.map(({ key }) => key) });
  }

  async recover(): Promise<void> {
    for (const { key, value } of await this.cloud.store.list(KEYS)) {
      await this.endCommands(key.slice(KEYS.length));
      await this.cloud.engines.airflow.stopEarlier(textOf(value.folder));
      const resource = await this.cloud.store.get(key.slice(KEYS.length));
      if (resource && this.folder(resource) === value.folder) this.startBehind(resource);
      else await this.cloud.store.write({ delete: [key] });
    }
  }

  /** An Airflow that was ended in order is not started by the next cloud, but by its first use there. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.all([...this.live.keys()].map((name) => this.end(name)));
    await Promise.all([...this.ending]);
  }

  /** What is run for an environment, whether its Airflow is live or not. */
  folder({ name, uuid }: JsonObject): string {
    // An environment that is made again under its name begins anew.
    const digest = createHash("sha256")
      .update(`${textOf(name)} ${textOf(uuid)}`)
      .digest("hex");
    return join(this.cloud.folder, "airflow", digest.slice(0, 16));
  }

  private startBehind(resource: JsonObject): void {
    const begun: Promise<unknown> = this.use(resource)
      .catch((error: unknown) => this.cloud.log.error({ err: error, environment: resource.name }, "Airflow"))
      .finally(() => this.ending.delete(begun));
    this.ending.add(begun);
  }

  private async start(resource: JsonObject): Promise<Live> {
    const { cloud } = this;
    const { engines, principals, store } = cloud;
    const door = await cloud.door;
    const folder = this.folder(resource);
    const name = textOf(resource.name);
    await store.write({ put: { [KEYS + name]: { folder } } });
    const exchange = this.exchangeOf(resource, folder);
    await exchange();
    const metadata = await principals.metadataServer(accountOf(resource));
    const environment: AirflowEnvironment = {
      folder,
      address: airflowUri(resource),
      variables: variablesOf(resource, cloud.project.id),
      settings: settingsOf(resource),
      triggerer: hasTriggerer(resource),
      metadataHost: metadata.host,
      door,
    };
    try {
      const run = await engines.airflow.start(environment);
      const release = this.keepExchanging(exchange, name);
      const released: Promise<unknown> = run.ended
        .then((reason) => reason && cloud.log.error({ environment: name, reason }, "Airflow ended"))
        .finally(async () => {
          await release();
          await metadata.close();
        })
        .catch((error: unknown) => cloud.log.error({ err: error, environment: name }, "Airflow was not released"))
        .finally(() => this.ending.delete(released));
      this.ending.add(released);
      cloud.log.info({ environment: name, port: run.port }, "Airflow started");
      return { run, environment, released };
    } catch (error) {
      await metadata.close();
      cloud.log.error({ err: error, environment: name }, "Airflow was not started");
      throw error;
    }
  }

  /** What brings DAGs from the bucket and logs to it. */
  private exchangeOf(resource: JsonObject, folder: string): () => Promise<void> {
    const bucket = bucketOf(resource);
    const { dags, logs } = this.cloud.engines.airflow;
    const deliver = logDelivery(this.cloud, bucket, logs(folder));
    return async () => {
      await copyDags(this.cloud, bucket, dags(folder));
      await deliver();
    };
  }

  /** Does it again and again, never twice at once; gives what does it a last time. */
  private keepExchanging(exchange: () => Promise<void>, environment: string): () => Promise<void> {
    let current = Promise.resolve();
    let due = true;
    const once = () =>
      exchange().catch((error: unknown) =>
        this.cloud.log.error({ err: error, environment }, "DAGs and logs were not exchanged with the bucket"),
      );
    const timer = setInterval(() => {
      if (!due) return;
      due = false;
      current = once().finally(() => (due = true));
    }, LOOK_MS).unref();
    return async () => {
      clearInterval(timer);
      await current;
      await once();
    };
  }

  /** Commands work with the metadata server of their Airflow, and end with it. */
  private async endCommands(environment: string): Promise<void> {
    const commands = await this.cloud.store.list(commandKey(environment));
    const stop = async ({ value }: { value: JsonObject }) =>
      this.cloud.engines.airflow.attachCommand(textOf(value.folder))?.stop();
    await Promise.all(commands.map(stop));
  }

  private async end(name: string): Promise<void> {
    const live = await this.live.get(name)?.catch(() => undefined);
    await this.endCommands(name);
    await live?.run.stop();
    await live?.released;
    this.live.delete(name);
    await this.cloud.store.write({ delete: [KEYS + name] });
  }
}

/** One for each cloud of this process: tests have several. */
const known = new WeakMap<Cloud, Airflows>();
export function airflowsOf(cloud: Cloud): Airflows {
  const airflows = known.get(cloud) ?? new Airflows(cloud);
  known.set(cloud, airflows);
  return airflows;
}
