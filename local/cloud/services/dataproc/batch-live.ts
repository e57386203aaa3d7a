/** A batch whose driver runs: its output is copied while it grows, its ttl is watched, its usage can be asked for. */
import type { SparkRun } from "../../../engines/interface";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { announce } from "../logging/arrivals";
import { OutputCopy, outputUri } from "./batch-output";
import { type Run, runFolder } from "./batch-runs";
import { executionOf, propertiesOf, seconds, text } from "./workload-rules";

/** How often a running driver's output is copied to its bucket. */
const COPY_MS = 1000;
/** How long a usage figure is shown before the event log is read again. */
const USAGE_MS = 5000;

export class LiveBatch {
  readonly memoryMb: number;
  private readonly folder: string;
  private readonly copy: OutputCopy;
  private readonly copier: NodeJS.Timeout;
  private readonly limit: NodeJS.Timeout;
  private copying: Promise<void> = Promise.resolve();
  private usage?: { at: number; value: JsonObject };

  /** @param batch in state RUNNING or CANCELLING; its `stateTime` in RUNNING is where its ttl begins. */
  constructor(
    private readonly cloud: Cloud,
    readonly run: Run,
    private readonly batch: JsonObject,
    readonly process: SparkRun,
    private readonly closeMetadata: () => Promise<void>,
    overdue: () => void,
  ) {
    const { spark } = cloud.engines;
    this.folder = runFolder(cloud, run.uuid);
    this.memoryMb = spark.resources(propertiesOf(batch)).memoryMb;
    this.copy = new OutputCopy(cloud, spark.driverOutput(this.folder), outputUri(run.bucket, run.uuid));
    // What is only waited for keeps no process alive.
    this.copier = setInterval(() => void this.advance(), COPY_MS).unref();
    const ttl = seconds(text(executionOf(batch).ttl)) * 1000;
    const passed = cloud.now().getTime() - Date.parse(text(batch.stateTime));
    // A clock that was set back since then makes no ttl longer than it is.
    this.limit = setTimeout(overdue, Math.min(ttl, Math.max(0, ttl - passed))).unref();
  }

  /** Stops what goes on beside the driver; resolves when the last of its output is copied. */
  async release(): Promise<void> {
    clearInterval(this.copier);
    clearTimeout(this.limit);
    await this.advance();
    await this.closeMetadata();
  }

  async currentUsage(): Promise<JsonObject> {
    const at = this.cloud.now().getTime();
    if (this.usage && at - this.usage.at < USAGE_MS) return this.usage.value;
    const { spark } = this.cloud.engines;
    const { shuffleStorageGb } = await spark.usage(this.folder);
    const value = {
      milliDcu: String(Math.round(spark.milliDcu(spark.resources(propertiesOf(this.batch))))),
      shuffleStorageGb: String(Math.round(shuffleStorageGb)),
      snapshotTime: new Date(at).toISOString(),
    };
    this.usage = { at, value };
    return value;
  }

  /** One copy at a time; a bucket that cannot be written must not keep the batch from ending. */
  private advance(): Promise<void> {
    this.copying = this.copying
      .then(() => this.copy.advance())
      .then((hasGrown) => void (hasGrown && announce(this.cloud, this.run.batch)))
      .catch((error: unknown) =>
        this.cloud.log.error({ err: error, batch: this.run.batch }, "driver output was not copied"),
      );
    return this.copying;
  }
}
