/**
 * What instances print, as log entries, a line an entry: taken up soon after they have answered, before entries are
 * listed, and when they have ended. How far it has come is stored with the entries: none is lost or doubled by a killed
 * cloud. The newest are kept.
 */
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import type { Cloud } from "../../cloud";
import { textOf } from "../../json";
import type { JsonObject } from "../../service";
import { Agenda, perCloud } from "../delivery/agenda";
import { announce, ENTRIES, recordsOf } from "../logging/arrivals";
import { entryOfLine } from "../logging/structured-line";
import type { Deployment } from "./deployment";

/** Instances that may run, or have printed what was not taken up yet. */
export const INSTANCES = "run/instances/";
const LOGS = "run.googleapis.com%2F";
const STREAMS = ["stdout", "stderr"] as const;
/** Read at once; a longer line becomes several entries, as entries have about this bound. */
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;
/** What one answer made it print is taken up with that of the next ones. */
const GATHER_MS = 500;
/** Entries of all instances that are kept; looked at whenever an instance has ended or printed a part of so many. */
const KEPT = 10_000;
const LOOK_AFTER = 1_000;

/** How far one stream of an instance is taken up. */
interface Place extends JsonObject {
  bytes: number;
  lines: number;
}

export class Output {
  private readonly agenda: Agenda;
  private gathering: NodeJS.Timeout | undefined;
  private sinceLook = 0;

  constructor(private readonly cloud: Cloud) {
    this.agenda = new Agenda({ name: "output of instances", turn: () => this.take().then(() => undefined), cloud });
  }

  /** What an instance's record holds from before its start. */
  recordOf(instance: string, folder: string, { resource }: Deployment): JsonObject {
    if (!resource) return { folder };
    const id = createHash("sha256").update(`${instance} ${this.cloud.now().toISOString()}`).digest("hex").slice(0, 32);
    return { folder, id, resource };
  }

  /** More may have been printed. */
  grown(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      this.agenda.wake();
    }, GATHER_MS).unref();
  }

  /** Takes up what all instances have printed so far; the last line of one that runs may not be whole. */
  async take(): Promise<void> {
    for (const { key } of await this.cloud.store.list(INSTANCES)) await this.takeOf(key, false);
  }

  /** Takes up all that an instance that has ended has printed, and forgets it. */
  async end(key: string): Promise<void> {
    await this.takeOf(key, true);
    const { store, engines } = this.cloud;
    const record = await store.get(key);
    // They are entries now; the next instance of the folder must not be taken to have printed them.
    const printed = record?.resource ? Object.values(engines.servers.printed(textOf(record.folder))) : [];
    for (const file of printed) await rm(file, { force: true });
    await store.write({ delete: [key] });
    await this.trim();
  }

  async close(): Promise<void> {
    clearTimeout(this.gathering);
    await this.agenda.close();
  }

  private takeOf(key: string, isEnded: boolean): Promise<void> {
    return this.cloud.store.exclusive(key, async () => {
      for (const stream of STREAMS) while (await this.takePart(key, stream, isEnded));
    });
  }

  /** @returns whether there was something */
  private async takePart(key: string, stream: (typeof STREAMS)[number], isEnded: boolean): Promise<boolean> {
    const { store, engines } = this.cloud;
    const record = await store.get(key);
    if (!record?.resource) return false;
    const from = (record[stream] ?? { bytes: 0, lines: 0 }) as Place;
    const part = await partOf(engines.servers.printed(textOf(record.folder))[stream], from.bytes);
    const isAll = isEnded || part.length === CHUNK_BYTES;
    const bytes = part.lastIndexOf(NEWLINE) + 1 || (isAll ? part.length : 0);
    if (bytes === 0) return false;
    const lines = part.subarray(0, bytes).toString("utf8").replace(/\n$/, "").split("\n");
    const entries = this.entriesOf(lines, stream, from.lines, record);
    const to: Place = { bytes: from.bytes + bytes, lines: from.lines + lines.length };
    await store.write({ put: { [key]: { ...record, [stream]: to }, ...recordsOf(entries) } });
    announce(this.cloud);
    this.sinceLook += entries.length;
    if (this.sinceLook >= LOOK_AFTER) await this.trim();
    return true;
  }

  private entriesOf(
    lines: readonly string[],
    stream: string,
    first: number,
    { id, resource }: JsonObject,
  ): JsonObject[] {
    const receiveTimestamp = this.cloud.now().toISOString();
    return lines.flatMap((line, index) => {
      if (line === "") return [];
      const { labels, ...said } = entryOfLine(line);
      return {
        logName: `projects/${this.cloud.project.id}/logs/${LOGS}${stream}`,
        resource: resource!,
        insertId: `${textOf(id)}-${stream}-${String(first + index).padStart(9, "0")}`,
        timestamp: receiveTimestamp,
        ...said,
        labels: { ...(labels as JsonObject | undefined), instanceId: textOf(id) },
        receiveTimestamp,
      };
    });
  }

  private async trim(): Promise<void> {
    this.sinceLook = 0;
    const log = `/projects/${this.cloud.project.id}/logs/${LOGS}`;
    const keys = (await this.cloud.store.list(ENTRIES)).map(({ key }) => key).filter((key) => key.includes(log));
    if (keys.length > KEPT) await this.cloud.store.write({ delete: keys.slice(0, -KEPT) });
  }
}

export const outputOf = perCloud((cloud) => new Output(cloud));

/** The next part of a file; empty at its end, and while there is no such file. */
async function partOf(file: string, from: number): Promise<Buffer> {
  const handle = await open(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (!handle) return Buffer.alloc(0);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
