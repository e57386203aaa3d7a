/** What a batch or session leaves in Cloud Storage: its driver's output, growing while it runs, and its Spark event logs. */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Cloud } from "../../cloud";
import type { JsonObject } from "../../service";
import { writeObject } from "../storage/objects";
import { serviceBucket } from "./buckets";
import { logDirectory } from "./history-places";
import { executionOf, isSet, objectAt, propertiesOf, text } from "./workload-rules";

/** The service cuts driver output into parts of this size, numbered with nine digits. */
const PART_BYTES = 1 << 20;
/** How much of the output's end is searched for the error that ended the driver. */
const TAIL_BYTES = 64 * 1024;

/** Where a workload's driver output goes; parts are `<uri>.000000000` and so on. */
export const outputUri = (bucket: string, uuid: string, kind: "batch" | "session" = "batch") =>
  `gs://${bucket}/google-cloud-dataproc-metainfo/${uuid}/jobs/srvls-${kind}-${uuid}/driveroutput`;

/** The bucket that a batch names, or the one that the service makes for each project and region. */
export async function stagingBucket(batch: JsonObject, location: string, cloud: Cloud): Promise<string> {
  const named = executionOf(batch).stagingBucket;
  if (isSet(named)) return text(named);
  await serviceBucket("temp", location, cloud);
  return serviceBucket("staging", location, cloud);
}

/** Copies a growing file to its parts; only what is new since the last call is written, the last part anew. */
export class OutputCopy {
  private copied = 0;
  private parts = 0;

  constructor(
    private readonly cloud: Cloud,
    private readonly file: string,
    private readonly uri: string,
  ) {}

  /** Tells whether something was new. */
  async advance(): Promise<boolean> {
    const size = await sizeOf(this.file);
    const before = this.copied;
    while (this.copied < size || (this.parts === 0 && size === 0)) {
      const part = Math.floor(this.copied / PART_BYTES);
      const start = part * PART_BYTES;
      const end = Math.min(size, start + PART_BYTES);
      await writeObject(
        this.cloud,
        { ...location(`${this.uri}.${String(part).padStart(9, "0")}`), contentType: "text/plain" },
        await readRange(this.file, start, end),
      );
      this.copied = end;
      this.parts = part + 1;
    }
    return this.copied > before;
  }
}

/** The end of the driver's output, as text. */
export async function tail(file: string): Promise<string> {
  const size = await sizeOf(file);
  return (await readRange(file, Math.max(0, size - TAIL_BYTES), size)).toString("utf8");
}

/**
 * Event logs go where the batch says (`spark.eventLog.dir`), else to where its history server looks, else to the staging
 * bucket.
 */
export async function keepEventLogs(
  batch: JsonObject,
  bucket: string,
  logs: readonly string[],
  cloud: Cloud,
): Promise<void> {
  const properties = propertiesOf(batch);
  const asked = properties["spark.eventLog.dir"] ?? properties["spark:spark.eventLog.dir"];
  const folder =
    asked?.replace(/\/+$/, "") ??
    (await historyDirectory(batch, cloud)) ??
    `gs://${bucket}/${text(batch.uuid)}/spark-job-history`;
  for (const log of logs) {
    // A driver that was killed could not rename its log; a history server reads it all the same.
    await writeObject(cloud, location(`${folder}/${basename(log)}`), createReadStream(log));
  }
}

/** The directory of the history server that a batch names, its wildcard being the batch's own folder. */
async function historyDirectory(batch: JsonObject, cloud: Cloud): Promise<string | undefined> {
  const peripherals = objectAt(objectAt(batch, "environmentConfig"), "peripheralsConfig");
  const name = text(objectAt(peripherals, "sparkHistoryServerConfig").dataprocCluster);
  const cluster = name === "" ? undefined : await cloud.store.get(name);
  return cluster && logDirectory(cluster).replace(/\/+$/, "").replace("*", text(batch.uuid));
}

function location(uri: string): { bucket: string; name: string } {
  const [, bucket = "", name = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return { bucket, name };
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}

async function readRange(file: string, start: number, end: number): Promise<Buffer> {
  if (end <= start) return Buffer.alloc(0);
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
