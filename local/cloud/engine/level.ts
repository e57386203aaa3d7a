/**
 * LevelDB that goes on after a failed write. A write that found the disk full leaves half a record in LevelDB's log, and
 * what it appends behind that is lost when the log is read again, though it was answered as durable. So nothing is
 * appended there: the state is closed and opened anew, which reads the log up to its last whole record and begins a new
 * one. A file in reserve gives the room for that, and for the small writes by which a full lab is emptied.
 */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { diskFault } from "../errors";
import type { JsonObject } from "../service";

export type Level = ClassicLevel<string, JsonObject>;
export type Change = { type: "put"; key: string; value: JsonObject } | { type: "del"; key: string };

/** Opening anew writes LevelDB's buffer of 4 MB at most; once the reserve is given away, so much stays untouched. */
const OPENING_BYTES = 5 << 20;
const RESERVE_BYTES = 2 * OPENING_BYTES;

interface Waiting {
  changes: readonly Change[];
  done: () => void;
  failed: (error: unknown) => void;
}

export class DurableLevel {
  private level: Level;
  private users = 0;
  private idle?: () => void;
  /** Ends when the state is open again; who comes meanwhile waits. */
  private renewal?: Promise<void>;
  private readonly waiting: Waiting[] = [];
  private writing = false;
  private isClosed = false;

  private constructor(private readonly folder: string) {
    this.level = levelOf(folder);
  }

  static async open(folder: string): Promise<DurableLevel> {
    const opened = new DurableLevel(folder);
    await opened.level.open();
    opened.keepReserve();
    return opened;
  }

  /** Runs `work` on the open state. */
  async use<T>(work: (level: Level) => Promise<T>): Promise<T> {
    while (this.renewal) await this.renewal;
    if (this.level.status !== "open" && !this.isClosed) await this.renew();
    this.users += 1;
    try {
      return await work(this.level);
    } finally {
      this.users -= 1;
      if (this.users === 0) this.idle?.();
    }
  }

  /** All changes or none, synced. Writes that wait for one another share a sync. */
  write(changes: readonly Change[]): Promise<void> {
    return new Promise((done, failed) => {
      this.waiting.push({ changes, done, failed });
      if (!this.writing) void this.writeWaiting();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    while (this.renewal) await this.renewal;
    await this.level.close();
  }

  private async writeWaiting(): Promise<void> {
    this.writing = true;
    while (this.waiting.length > 0) {
      const now = this.waiting.splice(0);
      const changes = now.flatMap((one) => one.changes);
      const outcome = await this.writeOrRenew(changes).catch((error: unknown) => ({ error }));
      for (const one of now) {
        if (outcome) one.failed(diskFault(outcome.error) ?? outcome.error);
        else one.done();
      }
    }
    this.writing = false;
  }

  /** Once more after the state was opened anew: the changes are whole values, so that doing them twice is doing them once. */
  private async writeOrRenew(changes: readonly Change[]): Promise<void> {
    const write = () => this.use((level) => level.batch([...changes], { sync: true }));
    this.requireRoom(changes);
    try {
      await write();
    } catch (error) {
      if (this.isClosed) throw error;
      await this.renew();
      this.requireRoom(changes);
      await write().catch(async (again: unknown) => {
        await this.renew();
        throw again;
      });
    }
    if (!existsSync(this.reserve)) this.keepReserve();
  }

  private renew(): Promise<void> {
    this.renewal ??= this.openAnew().finally(() => (this.renewal = undefined));
    return this.renewal;
  }

  private async openAnew(): Promise<void> {
    if (this.users > 0) await new Promise<void>((idle) => (this.idle = idle));
    this.idle = undefined;
    rmSync(this.reserve, { force: true });
    await this.level.close();
    this.level = levelOf(this.folder);
    await this.level.open();
  }

  /** Deletions are always tried: they are how room is made. */
  private requireRoom(changes: readonly Change[]): void {
    if (existsSync(this.reserve) || changes.every(({ type }) => type === "del")) return;
    if (this.freeBytes < OPENING_BYTES) throw Object.assign(new Error("no room but for opening"), { code: "ENOSPC" });
  }

  private get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  private get reserve(): string {
    return join(this.folder, "..", "reserve");
  }

  /** Takes the room while there is plenty, and never the last of it. */
  private keepReserve(): void {
    if (existsSync(this.reserve) || this.freeBytes < 3 * RESERVE_BYTES) return;
    const file = openSync(this.reserve, "w", 0o600);
    try {
      writeSync(file, Buffer.alloc(RESERVE_BYTES));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

const levelOf = (folder: string): Level => new ClassicLevel(folder, { keyEncoding: "utf8", valueEncoding: "json" });
