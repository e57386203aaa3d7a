/**
 * Runs sessions: each is a driver with a Jupyter server, from its creation until someone ends it or its time is over.
 * Every step is durable before the next, so that a cloud that was killed finds its sessions again and goes on.
 */
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { DoorSettings, SparkRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { reopenedMetadata } from "../workload-metadata";
import { outputUri } from "./batch-output";
import { withRuntimeInfo, withState } from "./batch-record";
import { answer, finishSession, readSession, sessionOutcome } from "./session-finish";
import { LiveSession } from "./session-live";
import {
  hasEnded,
  listSessionRuns,
  sessionFolder,
  sessionOperation,
  type SessionRun,
  sessionRunKey,
  type SessionState,
} from "./session-record";
import { executionOf, objectAt, propertiesOf, seconds, text } from "./workload-rules";

/** All changes of sessions happen one after the other. */
const TURN = "dataproc/session-turn";
/** How soon the end of a session is stored again that could not be. */
const RETRY_MS = 5000;

export class SessionRunner {
  private readonly live = new Map<string, LiveSession>();
  private readonly background = new Set<Promise<void>>();
  private closing = false;

  constructor(private readonly cloud: Cloud) {}

  /** Starts a session that was stored, as soon as the door is open: its driver needs it. */
  begin(uuid: string): void {
    void this.cloud.door.then((door) => this.goOn(this.inTurn(() => this.start(uuid, door))));
  }

  /** Begins to end a session; resolves when that is stored. `change` notes who waits for the end. */
  async end(uuid: string, reason: string, change: (run: SessionRun) => SessionRun = (run) => run): Promise<void> {
    await this.inTurn(async () => {
      const stored = (await this.cloud.store.get(sessionRunKey(uuid))) as SessionRun | undefined;
      if (!stored) return;
      const run = change(stored);
      const session = await readSession(this.cloud, run);
      const first = session.state !== "TERMINATING" && !hasEnded(session.state);
      const next = first ? withState(session, "TERMINATING", this.now(), reason) : session;
      await this.cloud.store.write({ put: { [run.session]: next, [sessionRunKey(uuid)]: run } });
      const live = this.live.get(uuid);
      if (!live) return finishSession(this.cloud, run, { state: "TERMINATED", message: reason });
      if (first) this.goOn(live.process.stop());
    });
  }

  /** Takes up what a dead cloud process left: called once, before the door opens. */
  async recover(): Promise<void> {
    for (const run of await listSessionRuns(this.cloud)) {
      const session = await readSession(this.cloud, run);
      const process = this.cloud.engines.sessions.attach(sessionFolder(this.cloud, run.uuid));
      const outcome = { state: session.state as SessionState, message: text(session.stateMessage) };
      if (hasEnded(session.state)) await finishSession(this.cloud, run, outcome);
      else if (process) await this.takeUp(run, session, process);
      else this.begin(run.uuid);
    }
  }

  async close(): Promise<void> {
    this.closing = true;
    // A start that is under way is not among the live ones yet: it has its turn first.
    await this.inTurn(async () => undefined);
    for (const uuid of this.live.keys()) await this.end(uuid, "The cloud was shut down.");
    while (this.background.size > 0) await Promise.all([...this.background]);
  }

  private async start(uuid: string, door: DoorSettings): Promise<void> {
    const { cloud } = this;
    const run = (await cloud.store.get(sessionRunKey(uuid))) as SessionRun | undefined;
    if (!run || this.closing) return;
    const session = await readSession(cloud, run);
    if (session.state === "TERMINATING")
      return finishSession(cloud, run, { state: "TERMINATED", message: text(session.stateMessage) });
    const full = this.noRoom(session);
    if (full) return finishSession(cloud, run, { state: "FAILED", message: full });
    const metadata = await reopenedMetadata(run.account, run.port, cloud);
    try {
      const started: SessionRun = { ...run, port: Number(metadata.host.split(":")[1]) };
      await cloud.store.write({ put: { [sessionRunKey(uuid)]: started } });
      const folder = sessionFolder(cloud, uuid);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const workload = { ...workloadOf(session), folder, metadataHost: metadata.host, door };
      this.follow(started, session, await cloud.engines.sessions.start(workload), metadata.close);
    } catch (error) {
      await metadata.close();
      cloud.log.error({ err: error, session: run.session }, "session was not started");
      const message = `The session could not be started: ${(error as Error).message}`;
      await finishSession(cloud, run, { state: "FAILED", message });
    }
  }

  /** Sessions share the machine with each other; the first may have all there is. */
  private noRoom(session: JsonObject): string | undefined {
    const { capacityMb, resources } = this.cloud.engines.spark;
    const used = [...this.live.values()].reduce((sum, { memoryMb }) => sum + memoryMb, 0);
    const wanted = resources(propertiesOf(session)).memoryMb;
    if (used === 0 || used + wanted <= capacityMb) return undefined;
    return `Insufficient memory: got ${capacityMb - used} MB that other sessions leave; expected ${wanted} MB. Terminate a session first.`;
  }

  /** A session of before a restart. It knows its metadata server by its port, so that it must be there again. */
  private async takeUp(run: SessionRun, session: JsonObject, process: SparkRun): Promise<void> {
    const metadata = await this.cloud.principals.metadataServer(run.account, run.port).catch((error: Error) => error);
    const lost = metadata instanceof Error;
    this.follow(run, session, process, lost ? async () => undefined : metadata.close);
    if (lost) await this.end(run.uuid, `The session lost its credentials (${metadata.message}).`);
    else if (session.state === "TERMINATING") this.goOn(process.stop());
  }

  private follow(run: SessionRun, session: JsonObject, process: SparkRun, close: () => Promise<void>): void {
    const overdue = (reason: string) => this.goOn(this.end(run.uuid, reason));
    const live = new LiveSession(this.cloud, run, session, process, close, overdue);
    this.live.set(run.uuid, live);
    if (session.state === "ACTIVE") live.becameActive(Date.parse(text(session.stateTime)));
    else this.goOn(this.untilActive(live));
    this.goOn(this.untilEnd(live));
  }

  private async untilActive(live: LiveSession): Promise<void> {
    const { run } = live;
    const url = await this.cloud.engines.sessions.endpoint(live.folder, live.process);
    if (url === undefined) return;
    await this.inTurn(async () => {
      const session = await readSession(this.cloud, run);
      if (session.state !== "CREATING") return;
      const now = this.now();
      const info = { endpoints: { Jupyter: url }, outputUri: outputUri(run.bucket, run.uuid, "session") };
      const active = withRuntimeInfo(withState(session, "ACTIVE", now), info);
      await this.cloud.store.write({ put: { [run.session]: active } });
      const times = { createTime: text(session.createTime), doneTime: now };
      await answer(this.cloud, run.create, active, sessionOperation(active, "CREATE", times, run.warnings));
      // When that was stored: the cloud that takes it up after this one counts from there, too.
      live.becameActive(Date.parse(now));
    });
  }

  private async untilEnd(live: LiveSession): Promise<void> {
    const { uuid } = live.run;
    const end = await live.process.ended;
    await live.release();
    const store = async () => {
      // Whoever waits for the end may have come since it began.
      const run = (await this.cloud.store.get(sessionRunKey(uuid))) as SessionRun;
      const outcome = await sessionOutcome(await readSession(this.cloud, run), run, end, this.cloud);
      await finishSession(this.cloud, run, outcome);
      this.live.delete(uuid);
    };
    // A full disk may not take the end at once. Until it does it is tried again; the next cloud does it else.
    while (!(await this.inTurn(store).then(() => true, this.notStored(live.run)))) await delay(RETRY_MS);
  }

  private notStored(run: SessionRun) {
    return (error: unknown): boolean => {
      this.cloud.log.error({ err: error, session: run.session }, "the end of a session was not stored");
      return this.closing;
    };
  }

  private now = () => this.cloud.now().toISOString();
  private inTurn = <T>(work: () => Promise<T>) => this.cloud.store.exclusive(TURN, work);

  /** Work that nobody awaits; a failure is a fault of this cloud and is in its log. */
  private goOn(work: Promise<void>): void {
    const logged: Promise<void> = work
      .catch((error: unknown) => this.cloud.log.error({ err: error }, "session runner failed"))
      .finally(() => this.background.delete(logged));
    this.background.add(logged);
  }
}

function workloadOf(session: JsonObject) {
  const id = text(session.name).split("/").at(-1)!;
  return {
    id,
    displayName: text(objectAt(session, "jupyterSession").displayName) || id,
    ttlSeconds: seconds(text(executionOf(session).ttl)),
    properties: propertiesOf(session),
  };
}
