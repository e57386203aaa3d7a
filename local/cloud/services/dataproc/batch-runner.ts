/**
 * Runs batches: as many at once as memory allows, the others wait in the order of their creation. Every step is durable
 * before the next, so that a cloud that was killed goes on where it was: it finds running drivers again, learns how
 * others ended, and starts those that still wait.
 */
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { DoorSettings, SparkRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { finish, type Outcome, outcomeOf, readBatch } from "./batch-finish";
import { LiveBatch } from "./batch-live";
import { outputUri } from "./batch-output";
import { isTerminal, type State, withRuntimeInfo, withState } from "./batch-record";
import { listRuns, type Run, runFolder } from "./batch-runs";
import { submit } from "./batch-workload";
import { reopenedMetadata } from "../workload-metadata";
import { propertiesOf, text } from "./workload-rules";

/** All changes of runs happen one after the other. */
const TURN = "dataproc/turn";
/** How soon the end of a batch is stored again that could not be. */
const RETRY_MS = 5000;

export class BatchRunner {
  private readonly live = new Map<string, LiveBatch>();
  private readonly background = new Set<Promise<void>>();
  private closing = false;

  constructor(private readonly cloud: Cloud) {}

  /** Starts the batches that wait and fit, as soon as the door is open: drivers need it. */
  schedule(): void {
    void this.cloud.door.then((door) => this.goOn(this.inTurn(() => this.startWaiting(door))));
  }

  /** Begins to end a batch; resolves when that is stored. A batch that has ended stays as it is. */
  async cancel(name: string, reason: string): Promise<void> {
    await this.inTurn(async () => {
      const found = (await listRuns(this.cloud)).find(({ run }) => run.batch === name);
      if (!found) return;
      const live = this.live.get(found.key);
      if (!live) return finish(this.cloud, found.key, found.run, { state: "CANCELLED", message: reason });
      const batch = await readBatch(this.cloud, found.run);
      if (batch.state === "RUNNING") await this.put(withState(batch, "CANCELLING", this.now(), reason));
      this.goOn(live.process.stop());
    });
  }

  /** Removes what is stored of a batch that has ended, once nobody waits for its end any more. */
  async remove(name: string): Promise<void> {
    await this.inTurn(async () => {
      const found = (await listRuns(this.cloud)).find(({ run }) => run.batch === name);
      // Its end was stored and not told yet, for want of room or of time before the cloud was killed.
      if (found) await finish(this.cloud, found.key, found.run, await storedEnd(this.cloud, found.run));
      await this.cloud.store.write({ delete: [name] });
    });
  }

  /** Takes up what a dead cloud process left: called once, before the door opens. */
  async recover(): Promise<void> {
    for (const { key, run } of await listRuns(this.cloud)) {
      const batch = await readBatch(this.cloud, run);
      const process = this.cloud.engines.spark.attach(runFolder(this.cloud, run.uuid));
      if (isTerminal(batch.state)) this.goOn(this.end(key, run, () => storedEnd(this.cloud, run)));
      else if (process) await this.takeUp(key, run, batch, process);
    }
    this.schedule();
  }

  /** Ends what runs; what waits is started by the next cloud. */
  async close(): Promise<void> {
    this.closing = true;
    // A start that is under way is not among the live ones yet: it has its turn first.
    await this.inTurn(async () => undefined);
    for (const { run } of this.live.values()) await this.cancel(run.batch, "Cancelled: the cloud was shut down.");
    while (this.background.size > 0) await Promise.all([...this.background]);
  }

  /** Usage of a running batch; undefined when it does not run. */
  async currentUsage(uuid: string): Promise<JsonObject | undefined> {
    return [...this.live.values()].find(({ run }) => run.uuid === uuid)?.currentUsage();
  }

  /** Alone, a batch may have all there is. Nobody overtakes, or a large one would wait for ever. */
  private fits(batch: JsonObject): boolean {
    const { spark } = this.cloud.engines;
    const used = [...this.live.values()].reduce((sum, { memoryMb }) => sum + memoryMb, 0);
    return used === 0 || used + spark.resources(propertiesOf(batch)).memoryMb <= spark.capacityMb;
  }

  private async startWaiting(door: DoorSettings): Promise<void> {
    for (const { key, run } of await listRuns(this.cloud)) {
      if (this.closing) return;
      if (this.live.has(key)) continue;
      const batch = await readBatch(this.cloud, run);
      if (isTerminal(batch.state)) continue;
      if (!this.fits(batch)) return;
      await this.start(key, run, batch, door);
    }
  }

  private async start(key: string, run: Run, batch: JsonObject, door: DoorSettings): Promise<void> {
    const { cloud } = this;
    const metadata = await reopenedMetadata(run.account, run.port, cloud);
    let process: SparkRun | undefined;
    try {
      const started: Run = { ...run, port: Number(metadata.host.split(":")[1]) };
      await cloud.store.write({ put: { [key]: started } });
      const folder = runFolder(cloud, run.uuid);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      process = await submit(batch, run, { folder, metadataHost: metadata.host, door }, cloud.engines);
      this.follow(key, started, await this.markRunning(batch, run), process, metadata.close);
    } catch (error) {
      // One whose start could not be stored must not go on unseen.
      await process?.stop();
      await metadata.close();
      cloud.log.error({ err: error, batch: run.batch }, "driver was not started");
      const message = `The driver could not be started: ${(error as Error).message}`;
      await finish(cloud, key, run, { state: "FAILED", message });
    }
  }

  /** A driver of before a restart. It knows its metadata server by its port, so that it must be there again. */
  private async takeUp(key: string, run: Run, batch: JsonObject, process: SparkRun): Promise<void> {
    const current = batch.state === "PENDING" ? await this.markRunning(batch, run) : batch;
    const metadata = await this.cloud.principals.metadataServer(run.account, run.port).catch((error: Error) => error);
    const lost = metadata instanceof Error;
    this.follow(key, run, current, process, lost ? async () => undefined : metadata.close);
    if (lost) await this.cancel(run.batch, `Cancelled: the workload lost its credentials (${metadata.message}).`);
    else if (current.state === "CANCELLING") this.goOn(process.stop());
  }

  private async markRunning(batch: JsonObject, run: Run): Promise<JsonObject> {
    const uri = outputUri(run.bucket, run.uuid);
    const running = withRuntimeInfo(withState(batch, "RUNNING", this.now()), { outputUri: uri });
    await this.put(running);
    return running;
  }

  private follow(key: string, run: Run, batch: JsonObject, process: SparkRun, close: () => Promise<void>): void {
    const overdue = () => this.goOn(this.cancel(run.batch, "Cancelling batch as ttl exceeded"));
    const live = new LiveBatch(this.cloud, run, batch, process, close, overdue);
    this.live.set(key, live);
    this.goOn(this.untilEnd(key, live));
  }

  private async untilEnd(key: string, live: LiveBatch): Promise<void> {
    const { run } = live;
    const end = await live.process.ended;
    await live.release();
    await this.end(key, run, async () => outcomeOf(await readBatch(this.cloud, run), run, end, this.cloud));
    this.schedule();
  }

  private async end(key: string, run: Run, outcome: () => Promise<Outcome>): Promise<void> {
    const store = async () => {
      // Whoever removed the batch meanwhile has told its end.
      if (await this.cloud.store.get(key)) await finish(this.cloud, key, run, await outcome());
      this.live.delete(key);
    };
    // A full disk may not take the end at once. Until it does the batch is tried again; the next cloud does it else.
    while (!(await this.inTurn(store).then(() => true, this.notStored(run))))
      await delay(RETRY_MS, undefined, { ref: false });
  }

  private notStored(run: Run) {
    return (error: unknown): boolean => {
      this.cloud.log.error({ err: error, batch: run.batch }, "the end of a batch was not stored");
      return this.closing;
    };
  }

  private put(batch: JsonObject): Promise<void> {
    return this.cloud.store.write({ put: { [text(batch.name)]: batch } });
  }

  private now = () => this.cloud.now().toISOString();
  private inTurn = <T>(work: () => Promise<T>) => this.cloud.store.exclusive(TURN, work);

  /** Work that nobody awaits; a failure is a fault of this cloud and is in its log. */
  private goOn(work: Promise<void>): void {
    const logged: Promise<void> = work
      .catch((error: unknown) => this.cloud.log.error({ err: error }, "batch runner failed"))
      .finally(() => this.background.delete(logged));
    this.background.add(logged);
  }
}

const storedEnd = async (cloud: Cloud, run: Run): Promise<Outcome> => ({
  state: (await readBatch(cloud, run)).state as State,
});

/** One runner for each cloud of this process: tests have several. */
const runners = new WeakMap<Cloud, BatchRunner>();

export function runnerOf(cloud: Cloud): BatchRunner {
  const known = runners.get(cloud) ?? new BatchRunner(cloud);
  runners.set(cloud, known);
  return known;
}
