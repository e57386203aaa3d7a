/** A session whose driver runs: its output is copied while it grows, its longest life and its idleness are watched. */
import type { SparkRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { OutputCopy, outputUri } from "./batch-output";
import { sessionFolder, type SessionRun } from "./session-record";
import { executionOf, propertiesOf, seconds, text } from "./workload-rules";

/** How often output is copied and the server is asked when it was last used. */
const LOOK_MS = 1000;

export class LiveSession {
  readonly memoryMb: number;
  readonly folder: string;
  private readonly copy: OutputCopy;
  private readonly looker: NodeJS.Timeout;
  private readonly limit: NodeJS.Timeout;
  private looking: Promise<void> = Promise.resolve();
  private activeSince?: number;

  /** @param overdue called once or more when the session's time is over, with why */
  constructor(
    private readonly cloud: Cloud,
    readonly run: SessionRun,
    private readonly session: JsonObject,
    readonly process: SparkRun,
    private readonly closeMetadata: () => Promise<void>,
    private readonly overdue: (reason: string) => void,
  ) {
    const { spark } = cloud.engines;
    this.folder = sessionFolder(cloud, run.uuid);
    this.memoryMb = spark.resources(propertiesOf(session)).memoryMb;
    this.copy = new OutputCopy(cloud, spark.driverOutput(this.folder), outputUri(run.bucket, run.uuid, "session"));
    // What is only waited for keeps no process alive.
    this.looker = setInterval(() => this.look(), LOOK_MS).unref();
    const ttl = text(executionOf(session).ttl);
    const passed = cloud.now().getTime() - Date.parse(text(session.createTime));
    // A clock that was set back since then makes no ttl longer than it is.
    const left = Math.min(seconds(ttl) * 1000, Math.max(0, seconds(ttl) * 1000 - passed));
    this.limit = setTimeout(() => overdue(`The session's ttl of ${ttl} is over.`), left).unref();
  }

  /** From now on idleness counts. */
  becameActive(at: number): void {
    this.activeSince = at;
  }

  /** Stops what goes on beside the driver; resolves when the last of its output is copied. */
  async release(): Promise<void> {
    clearInterval(this.looker);
    clearTimeout(this.limit);
    await this.looking;
    await this.attempt("driver output was not copied", () => this.copy.advance());
    await this.closeMetadata();
  }

  /** One look at a time: a server that answers slowly is not asked twice. */
  private look(): void {
    this.looking = this.looking
      .then(() => this.attempt("driver output was not copied", () => this.copy.advance()))
      .then(() => this.attempt("the session's server was not asked", () => this.watchIdleness()));
  }

  private async watchIdleness(): Promise<void> {
    if (this.activeSince === undefined) return;
    const activity = await this.cloud.engines.sessions.activity(this.folder);
    if (!activity || activity.busy) return;
    const idleTtl = text(executionOf(this.session).idleTtl);
    const idle = this.cloud.now().getTime() - Math.max(activity.at, this.activeSince);
    if (idle > seconds(idleTtl) * 1000)
      this.overdue(`The session was idle for longer than its idle ttl of ${idleTtl}.`);
  }

  /** Neither a bucket that cannot be written nor a server that hangs may end the session. */
  private async attempt(problem: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.cloud.log.error({ err: error, session: this.run.session }, problem);
    }
  }
}
